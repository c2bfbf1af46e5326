"""How good a network is on a split."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from sizewise.data.splits import Split

BATCH_SIZE = 256  # twice as fast as 1,000 for a CNN whose maps then leave a CPU's cache


class Scores(NamedTuple):
    """Scores on one split; `confusion` is (K, K) counts, rows true and columns predicted."""

    loss: float
    accuracy: float
    macro_f1: float
    confusion: Tensor


@torch.no_grad()
def evaluate(model: nn.Module, split: Split, num_classes: int) -> Scores:
    """Score `model` on `split`: mean cross-entropy in nats, accuracy and macro F1 in 0..1.

    Macro F1 is the unweighted mean over classes of 2·TP / (2·TP + FP + FN), zero where a class is
    neither present nor predicted.
    """
    was_training = model.training
    model.eval()
    loss = torch.zeros((), dtype=torch.float64, device=split.inputs.device)
    confusion = torch.zeros(num_classes**2, dtype=torch.int64, device=split.inputs.device)
    for inputs, targets in zip(
        split.inputs.split(BATCH_SIZE), split.targets.split(BATCH_SIZE), strict=True
    ):
        logits = model(inputs).float()
        loss += functional.cross_entropy(logits, targets, reduction="sum").double()
        confusion += torch.bincount(
            targets * num_classes + logits.argmax(dim=1), minlength=num_classes**2
        )
    model.train(was_training)
    confusion = confusion.view(num_classes, num_classes).cpu()
    hits = confusion.diag().double()
    f1 = 2 * hits / (confusion.sum(dim=0) + confusion.sum(dim=1)).clamp(min=1)
    return Scores(
        loss=loss.item() / len(split),
        accuracy=hits.sum().item() / len(split),
        macro_f1=f1.mean().item(),
        confusion=confusion,
    )
