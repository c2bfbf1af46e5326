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

    What a step gives waits until that of many is settled at once: kernels for each take 1 to 2 % of
    a small network's step. Which steps are settled together must not depend on interruptions, since
    the last bits depend on it.

    Args:
        losses, norms: of each step, (steps,); zero for those that wait or are to come.
        errors: sum of the task's measure over the samples, ().
        seconds: spent in the steps.
        waiting: losses (B,), errors (B,) and norm () of the latest steps.
    """

    losses: Tensor
    norms: Tensor
    errors: Tensor
    seconds: float = 0.0
    waiting: list[tuple[Tensor, Tensor, Tensor]] = field(default_factory=list)

    def add(self, index: int, losses: Tensor, errors: Tensor, norm: Tensor) -> None:
        """Take in the step at `index`; a batch of another size has those before it settled."""
        if self.waiting and len(losses) != len(self.waiting[0][0]):
            self.settle(index)
        self.waiting.append((losses, errors, norm))

    def settle(self, end: int) -> None:
        """Settle the steps that wait; the last of them is that before `end`."""
        losses, errors, norms = map(torch.stack, zip(*self.waiting, strict=True))
        steps = slice(end - len(self.waiting), end)
        self.losses[steps] = losses.mean(dim=1)
        self.errors += errors.sum()
        self.norms[steps] = norms
        self.waiting.clear()


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

    @property
    def device(self) -> str:
        """Where it is trained: the kinds of device keep their optimiser's state in other shapes."""
        return next(self.model.parameters()).device.type

    def content(self) -> dict[str, Any]:
        """Return all of it as tensors, numbers, texts, lists and dicts."""
        plain = {name: getattr(self, name) for name in PLAIN}
        return plain | {
            "device": self.device,
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
        self.best = None if best is None else Best(**_moved(best, device))
        torch.set_rng_state(content["generator"])
        if len(content["cuda_generators"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(content["cuda_generators"])


PLAIN = (
    *("epoch", "step", "lowest_error", "lowest_epoch", "enough"),
    *("train_seconds", "stopped_by", "history", "extras", "recent"),
)


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {name: _moved(each, device) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_moved(each, device) for each in value)
    return value
