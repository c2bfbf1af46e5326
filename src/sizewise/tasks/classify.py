"""Which class a sample is of.

Shapes: B samples, K classes; outputs are logits (B, K), targets class indices (B,), int64.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sizewise.records import ERROR

BINS = 15


class Classify:
    """Cross-entropy in nats is trained on; the share of samples classified wrong is compared."""

    measure = ERROR

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(outputs, targets, reduction="none")

    def errors(self, outputs: Tensor, targets: Tensor, losses: Tensor) -> Tensor:
        return (outputs.argmax(dim=1) != targets).float()

    def tally(self, num_outputs: int) -> "ClassTally":
        return ClassTally(num_outputs)


class ClassTally:
    """Which classes are taken for which, and whether probabilities can be taken at their word."""

    def __init__(self, num_classes: int) -> None:
        self.confusion = torch.zeros(num_classes, num_classes, dtype=torch.int64)
        self._gaps = torch.zeros(BINS, dtype=torch.float64)  # right less confidence, by confidence
        self._confidence = 0.0

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        outputs, targets = outputs.double().cpu(), targets.cpu()
        predicted, classes = outputs.argmax(dim=1), len(self.confusion)
        cells = torch.bincount(targets * classes + predicted, minlength=classes**2)
        self.confusion += cells.view(classes, classes)
        confidence = outputs.softmax(dim=1).amax(dim=1)
        edges = torch.linspace(0, 1, BINS + 1, dtype=torch.float64)
        members = torch.bucketize(confidence, edges).clamp(1, BINS) - 1
        self._gaps.index_add_(0, members, (predicted == targets).double() - confidence)
        self._confidence += confidence.sum().item()

    def scores(self) -> dict[str, float]:
        """Return accuracy, macro F1, mean confidence and expected calibration error, all 0..1.

        Macro F1 is the unweighted mean over classes of 2·TP / (2·TP + FP + FN), zero where a class
        is neither present nor predicted. ECE = Σ_m |B_m|/N · |accuracy(B_m) - confidence(B_m)|,
        where B_m holds the samples whose highest probability is in ((m-1)/M, m/M] (Guo et al., On
        Calibration of Modern Neural Networks, ICML 2017, section 2; M = 15 as there).
        """
        total = self.confusion.sum().item()
        hits = self.confusion.diag().double()
        f1 = 2 * hits / (self.confusion.sum(dim=0) + self.confusion.sum(dim=1)).clamp(min=1)
        return {
            "accuracy": hits.sum().item() / total,
            "macro_f1": f1.mean().item(),
            "confidence": self._confidence / total,
            "calibration_error": self._gaps.abs().sum().item() / total,
        }

    def tables(self) -> dict[str, np.ndarray]:
        """Return the confusion, (K, K): rows true, columns predicted."""
        return {"confusion": self.confusion.numpy()}


TASK = Classify()
