"""All that training changes, in one place."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sizewise.training.adam import Adam

Log = Callable[[int, dict[str, float]], None]  # takes an epoch, from 1, and its metrics


class Best(NamedTuple):
    """The epoch chosen by validation so far, counted from 1, and its weights."""

    epoch: int
    accuracy: float
    loss: float
    weights: dict[str, Tensor]


@dataclass
class EpochSums:
    """What an epoch's steps have given so far.

    Args:
        losses, norms: of each step, (steps,); zero for those to come.
        correct: number of samples classified right, ().
        seconds: spent in the steps.
    """

    losses: Tensor
    norms: Tensor
    correct: Tensor
    seconds: float = 0.0


@dataclass
class TrainState:
    """The mutable state of a run; PyTorch's random generators, which are global, belong to it.

    Args:
        model, optimizer: being trained.
        epoch, step: how many are finished.
        sums: of the epoch that is under way; None between epochs.
        best: the finished epoch whose weights would be kept; None before the first.
        top_accuracy, top_epoch: the highest validation accuracy so far, and when it was reached.
        train_seconds: spent in the gradient steps of finished epochs, without evaluation and
            checkpoints.
        stopped_by: what ended training, in words; empty while it goes on.
        history: each finished epoch's metrics.
    """

    model: nn.Module
    optimizer: Adam
    epoch: int = 0
    step: int = 0
    sums: EpochSums | None = None
    best: Best | None = None
    top_accuracy: float = -1.0
    top_epoch: int = 0
    train_seconds: float = 0.0
    stopped_by: str = ""
    history: list[dict[str, float]] = field(default_factory=list)

    def content(self) -> dict[str, Any]:
        """Return all of it as tensors, numbers, texts, lists and dicts."""
        plain = {name: getattr(self, name) for name in PLAIN}
        return plain | {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "sums": None if self.sums is None else vars(self.sums),
            "best": None if self.best is None else self.best._asdict(),
            "generator": torch.get_rng_state(),
            "cuda_generators": torch.cuda.get_rng_state_all(),
        }

    def restore(self, content: dict[str, Any]) -> None:
        """Take on what `content` returned, in place, on the devices of the model."""
        device = next(self.model.parameters()).device
        self.model.load_state_dict(content["model"])
        self.optimizer.load_state_dict(content["optimizer"])
        for name in PLAIN:
            setattr(self, name, content[name])
        sums, best = content["sums"], content["best"]
        self.sums = None if sums is None else EpochSums(**_moved(sums, device))
        self.best = (
            None if best is None else Best(**best | {"weights": _moved(best["weights"], device)})
        )
        torch.set_rng_state(content["generator"])
        if len(content["cuda_generators"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(content["cuda_generators"])


PLAIN = ("epoch", "step", "top_accuracy", "top_epoch", "train_seconds", "stopped_by", "history")


def _moved(values: dict[str, Any], device: torch.device) -> dict[str, Any]:
    return {
        name: value.to(device) if isinstance(value, Tensor) else value
        for name, value in values.items()
    }
