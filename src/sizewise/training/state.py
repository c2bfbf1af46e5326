"""All that training changes, in one place."""

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Best(NamedTuple):
    """The epoch chosen by validation so far, counted from 1, and its weights."""

    epoch: int
    accuracy: float
    loss: float
    weights: dict[str, Tensor]


@dataclass
class TrainState:
    """The mutable state of a run.

    Args:
        model, optimizer: being trained.
        epoch, step: how many are finished.
        best: the finished epoch whose weights would be kept; None before the first.
        top_accuracy, top_epoch: the highest validation accuracy so far, and when it was reached.
        train_seconds: spent in gradient steps, evaluation not included.
        stopped_by: what ended training, in words; empty while it goes on.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    epoch: int = 0
    step: int = 0
    best: Best | None = None
    top_accuracy: float = -1.0
    top_epoch: int = 0
    train_seconds: float = 0.0
    stopped_by: str = ""
    history: list[dict[str, float]] = field(default_factory=list)
