"""How good a network is on a split."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sizewise.data.splits import Samples
from sizewise.tasks.task import Tally, Task

BATCH_SIZE = 256  # twice as fast as 1,000 for a CNN whose maps then leave a CPU's cache


class Scores(NamedTuple):
    """Means over one split: the loss, and the task's measure with its standard error.

    `errors` are the measure of each sample, (N,).
    """

    loss: float
    error: float
    standard_error: float
    errors: np.ndarray


def evaluate(model: nn.Module, split: Samples, task: Task, tally: Tally | None = None) -> Scores:
    """Score `model` on `split`, in evaluation mode.

    Args:
        model: on the device of the data.
        split: any number of samples.
        task: that the model was trained for.
        tally: takes in what comes out besides.
    """
    was_training = model.training
    model.eval()
    try:
        batches = (split.batch(each) for each in slices(len(split)))
        return score(((model(*each.given), each.targets) for each in batches), task, tally)
    finally:
        model.train(was_training)


@torch.no_grad()
def score(
    answers: Iterable[tuple[Tensor, Tensor]], task: Task, tally: Tally | None = None
) -> Scores:
    """Score a network's outputs, given in batches with their targets: see `evaluate`.

    The standard error is that of a mean over independent samples; of errors that are 0 or 1 it is
    the binomial's.
    """
    losses, errors = [], []
    for outputs, targets in answers:
        outputs = outputs.float()
        losses.append(task.losses(outputs, targets))
        errors.append(task.errors(outputs, targets, losses[-1]))
        if tally is not None:
            tally.add(outputs, targets)
    by_sample = torch.cat(errors).double()
    return Scores(
        loss=torch.cat(losses).double().mean().item(),
        error=by_sample.mean().item(),
        standard_error=by_sample.std(correction=0).item() / math.sqrt(len(by_sample)),
        errors=by_sample.cpu().numpy(),
    )


def slices(count: int, size: int = BATCH_SIZE) -> Iterable[slice]:
    """Yield the slices that cut `count` samples into batches."""
    return (slice(start, min(start + size, count)) for start in range(0, count, size))
