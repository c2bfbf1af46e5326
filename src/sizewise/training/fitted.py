"""What comes of fitting a model, by gradient steps or otherwise."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

Log = Callable[[int, dict[str, float]], None]  # takes an epoch or setting, from 1, and its metrics
LogSteps = Callable[[int, list[float]], None]  # takes a step, from 1, and losses from it on


class Best(NamedTuple):
    """The epoch or setting chosen by validation, counted from 1, its scores there, its weights."""

    epoch: int
    error: float
    loss: float
    weights: dict[str, Tensor]


@dataclass
class Fitted:
    """What came of fitting.

    Args:
        epoch: how many epochs were trained, or settings tried.
        step: how many gradient steps were taken.
        best: the one whose weights are kept; None before the first has ended.
        train_seconds: spent in gradient steps, without evaluation and checkpoints; or in making
            the training samples' features and fitting the chosen setting.
        stopped_by: what ended it, in words; empty while it goes on.
        history: the metrics of each epoch or setting that has ended.
        extras: what a study asks of training besides, by name.
    """

    epoch: int = 0
    step: int = 0
    best: Best | None = None
    train_seconds: float = 0.0
    stopped_by: str = ""
    history: list[dict[str, float]] = field(default_factory=list)
    extras: dict[str, Any] = field(default_factory=dict)
