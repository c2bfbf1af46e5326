"""What networks that are served together have in common, whatever they are asked."""

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from torch import Tensor

from sizewise.cost import measure_latency
from sizewise.data.spec import DataSpec
from sizewise.errors import UserError
from sizewise.records import RunRecord

BYTES_PER_PARAMETER = 4


class Listed(ABC):
    """A trained network, with the record of its run."""

    record: RunRecord

    @property
    @abstractmethod
    def spec(self) -> DataSpec:
        """Of the data that it was trained on."""

    @abstractmethod
    def answer_once(self) -> Callable[[Tensor], object]:
        """Return what answers a batch of one, made up by the spec: its time is the latency."""

    def about(self) -> dict[str, Any]:
        """Return what /models says of it."""
        metrics, measure = self.record.metrics, self.record.measure
        return {
            "id": self.record.run_id,
            "name": self.record.name,
            "family": self.record.family,
            "parameters": self.record.parameters,
            "size": self.size,
            "test_error": self.record.error(),
            "measure": measure.name,
            "score": measure.shown(self.record.error()),
            "train_seconds": metrics["cost/train_seconds"],
            "bytes": metrics["cost/model_bytes"],
            "latency_ms": self.latency_ms,
        }

    @property
    def size(self) -> float:
        """The number of parameters; of a method that has none, what its bytes would make."""
        if self.record.parameters is not None:
            return self.record.parameters
        return self.record.metrics["cost/model_bytes"] / BYTES_PER_PARAMETER

    @functools.cached_property
    def latency_ms(self) -> float:
        """The median time for one sample, or one byte of a text, on this machine.

        It is taken once, undisturbed: in answers the first network asked pays for waking the cores.
        """
        return measure_latency(self.answer_once(), self.spec.random_batch(1))


Kind = TypeVar("Kind", bound=Listed)


class BaseShelf(ABC, Generic[Kind]):
    """Networks served together, the smallest first; all are asked the same.

    Args:
        served: one or more.

    Raises:
        UserError: the networks can't be asked the same.
    """

    script: ClassVar[tuple[str, ...]]  # of the page
    markup: ClassVar[str]  # of what stands in it

    def __init__(self, served: list[Kind]) -> None:
        self.served = sorted(served, key=lambda each: each.size)
        self.spec = self.served[0].spec
        for other in (each.spec for each in self.served):
            if self.reads(other) != self.reads(self.spec):
                raise UserError(
                    f"the runs are on {self.spec.name} and {other.name}, and a page shows one data "
                    "set; serve each by itself, with --port"
                )
        for each in self.served:
            each.about()  # warms it up

    def reads(self, spec: DataSpec) -> object:
        """Return what has to be the same of all."""
        return spec

    def about(self) -> dict[str, Any]:
        """Return what /models says."""
        return {"data": self.spec.name, "models": [each.about() for each in self.served]}

    def asked(self, ids: list[str] | None) -> list[Kind]:
        """Return the networks of these ids, or all.

        Raises:
            UserError: there is none with such an id.
        """
        known = [each.record.run_id for each in self.served]
        unknown = set(ids or ()) - set(known)
        if unknown:
            raise UserError(f"there is no model {min(unknown)} here; expected {', '.join(known)}")
        return [each for each in self.served if ids is None or each.record.run_id in ids]
