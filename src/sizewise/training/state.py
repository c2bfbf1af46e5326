"""All that training changes, in one place."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from sizewise.training.fitted import Best, Fitted
from sizewise.training.optimizer import Stepper


@dataclass
class EpochSums:
    """What an epoch's steps have given so far.

    Args:
        losses, norms: of each step, (steps,); zero for those to come.
        errors: sum of the task's measure over the samples, ().
        seconds: spent in the steps.
    """

    losses: Tensor
    norms: Tensor
    errors: Tensor
    seconds: float = 0.0


@dataclass(kw_only=True)
class TrainState(Fitted):
    """The mutable state of a run; PyTorch's random generators, which are global, belong to it.

    Args:
        model: being trained.
        stepper: takes its steps.
        sums: of the epoch that is under way; None between epochs.
        lowest_error, lowest_epoch: the lowest validation error so far, and when it was reached.
        enough: the validation error up to which an epoch is as good: the lowest and its standard
            error.
        recent: losses of the steps before the epoch, as many as `count_spikes` looks back.
    """

    model: nn.Module
    stepper: Stepper
    sums: EpochSums | None = None
    lowest_error: float = math.inf
    lowest_epoch: int = 0
    enough: float = math.inf
    recent: Tensor = field(default_factory=lambda: torch.empty(0))

    def content(self) -> dict[str, Any]:
        """Return all of it as tensors, numbers, texts, lists and dicts."""
        plain = {name: getattr(self, name) for name in PLAIN}
        return plain | {
            "model": self.model.state_dict(),
            "optimizer": self.stepper.optimizer.state_dict(),
            "sums": None if self.sums is None else vars(self.sums),
            "best": None if self.best is None else self.best._asdict(),
            "generator": torch.get_rng_state(),
            "cuda_generators": torch.cuda.get_rng_state_all(),
        }

    def restore(self, content: dict[str, Any]) -> None:
        """Take on what `content` returned, in place, on the devices of the model."""
        device = next(self.model.parameters()).device
        self.model.load_state_dict(content["model"])
        self.stepper.optimizer.load_state_dict(content["optimizer"])
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


PLAIN = (
    *("epoch", "step", "lowest_error", "lowest_epoch", "enough"),
    *("train_seconds", "stopped_by", "history", "extras", "recent"),
)


def _moved(values: dict[str, Any], device: torch.device) -> dict[str, Any]:
    return {
        name: value.to(device) if isinstance(value, Tensor) else value
        for name, value in values.items()
    }
