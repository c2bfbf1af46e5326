"""A cell: one network from several seeds, its errors, its costs and its learning curve."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sizewise import sample_errors
from sizewise.records import Measure, RunRecord, readable_count
from sizewise.report.stats.differences import Seeds, size_errors
from sizewise.report.stats.errors import SizeErrors
from sizewise.report.stats.noise import Array

CHANCE_ERRORS = 2  # standard errors that tell a test error from chance
APART = 10  # that tell it so clearly that runs at chance are another kind, not the scatter's end

Setting = tuple[tuple[str, Any], ...]


class Cost(NamedTuple):
    """A cost: its metric, its name in words and on an axis, and its unit."""

    metric: str
    words: str
    unit: str

    @property
    def axis(self) -> str:
        """Return an axis's title."""
        return f"{self.words} ({self.unit})" if self.unit else self.words


PARAMETERS = Cost("cost/parameters", "parameters", "")
TRAINING_TIME = Cost("cost/train_seconds", "training time", "s")
LATENCY = Cost("cost/latency_ms_p50", "latency", "ms")
MODEL_BYTES = Cost("cost/model_bytes", "size on disk", "B")
THROUGHPUT = Cost("cost/throughput", "throughput", "samples/s")
COSTS = (
    PARAMETERS,
    TRAINING_TIME,
    Cost("cost/flops_inference", "FLOPs per sample", ""),
    LATENCY,
    MODEL_BYTES,
)


@dataclass(frozen=True, eq=False)  # a cell equals itself alone, and is a key of dictionaries
class Cell:
    """One family at one size, under one setting: the same network from several seeds.

    Args:
        family: the architecture's name.
        parameters: trainable parameters; 0 for a reference, which has no size.
        size_asked: the budget; None if the width was given.
        setting: the swept keys' values, those of other families included.
        records: by seed, one each.
    """

    family: str
    parameters: int
    size_asked: int | None
    setting: Setting
    records: tuple[RunRecord, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Return the seeds, ascending."""
        return tuple(record.seed for record in self.records)

    @cached_property
    def failures(self) -> int:
        """Return how many runs failed to train."""
        return sum(map(failed_to_train, self.records))

    @cached_property
    def trained(self) -> tuple[RunRecord, ...]:
        """Return the runs of which means are taken, (n,): those that did train.

        Where none did, or those that did are not far from chance, they are all runs.
        """
        found = tuple(record for record in self.records if not failed_to_train(record))
        near = not found or any(failed_to_train(record, APART) for record in found)
        return self.records if near else found

    @property
    def measure(self) -> Measure:
        """Return what its errors are."""
        return self.records[0].measure

    @cached_property
    def test_errors(self) -> Array:
        """Return the test error of each run that trained, (n,)."""
        return np.array([record.error() for record in self.trained])

    @property
    def error(self) -> float:
        """Return the mean test error."""
        return float(self.test_errors.mean())

    @cached_property
    def by_seed(self) -> Seeds:
        """Return the test errors of the runs that trained, as `by_seed` does."""
        return by_seed(self.trained)

    @cached_property
    def validation_errors(self) -> Array:
        """Return each run's validation error at the epoch whose weights were kept.

        Runs that failed count: what trains only by luck is not to be chosen.
        """
        return np.array([record.error("val") for record in self.records])

    @property
    def validation_error(self) -> float:
        """Return the mean validation error."""
        return float(self.validation_errors.mean())

    @cached_property
    def train_errors(self) -> Array:
        """Return the training errors of `trained` in the epochs that were kept; NaN if unknown.

        It is measured as the epoch goes, on weights that are still changing.
        """
        return np.array([known_error(record, "train") for record in self.trained])

    @cached_property
    def learning_curve(self) -> Array:
        """Return the validation error after each epoch, the mean over the seeds still training."""
        longest = max(len(record.history) for record in self.trained)
        errors = np.full((len(self.trained), longest), np.nan)
        for row, record in zip(errors, self.trained, strict=True):
            epochs = range(1, len(record.history) + 1)
            row[: len(epochs)] = [record.error("val", epoch) for epoch in epochs]
        return np.asarray(np.nanmean(errors, axis=0))

    @cached_property
    def label(self) -> str:
        """Return the cell in words: "lstm 10k", or of a reference "svm (hog)"."""
        if self.is_reference:
            return f"{self.family} ({self.records[0].features})"
        return f"{self.family} {readable_count(self.parameters)}"

    @property
    def is_reference(self) -> bool:
        """Return whether it is of a classical family: compared with, but not of any size."""
        return self.records[0].is_classical

    @property
    def width_known(self) -> bool:
        """Return whether the family is one that can be built at any width."""
        return self.records[0].width is not None

    def cost(self, cost: Cost) -> float:
        """Return the mean of a cost over the seeds; NaN where no run has it, or it is a size."""
        values = [run_cost(record, cost) for record in self.records]
        known = [value for value in values if math.isfinite(value)]
        return sum(known) / len(known) if known else math.nan


def run_cost(record: RunRecord, cost: Cost) -> float:
    """Return a run's cost; NaN if unknown, or for the parameters of what has no size."""
    if record.is_classical and cost is PARAMETERS:
        return math.nan
    return record.metrics.get(cost.metric, math.nan)


def known_error(record: RunRecord, split: str) -> float:
    """Return the run's error on a split; NaN if it was not measured."""
    if not 1 <= record.best_epoch <= len(record.history):
        return math.nan
    try:
        return record.error(split)
    except KeyError:
        return math.nan


def failed_to_train(record: RunRecord, standard_errors: float = CHANCE_ERRORS) -> bool:
    """Return whether a run's loss stopped being finite, or its test error is that of chance.

    Chance is to answer always the commonest class; an error above it less so many standard errors
    of the test set is no better. Where there are no classes, or that was not kept, nothing is said.
    """
    if "diverged" in record.extras:
        return True
    if "chance" not in record.extras or record.sample_errors is None:
        return False
    errors = sample_errors.unpack(record.sample_errors)
    margin = standard_errors * float(errors.std()) / math.sqrt(len(errors))
    return bool(record.error() > record.extras["chance"] - margin)


def by_seed(records: Sequence[RunRecord]) -> Seeds:
    """Return runs' test errors, and those of each test sample if all have kept them."""
    kept = [record.sample_errors for record in records if record.sample_errors]
    samples = np.array([sample_errors.unpack(each) for each in kept])
    return Seeds(
        tuple(record.seed for record in records),
        np.array([record.error() for record in records]),
        samples if len(kept) == len(records) else None,
    )


def cells_errors(cells: Sequence[Cell]) -> SizeErrors:
    """Return the cells' test errors by size."""
    return size_errors([cell.parameters for cell in cells], [cell.by_seed for cell in cells])


def best_by_validation(cells: Iterable[Cell]) -> Cell:
    """Return the cell with the lowest validation error, of equals the smallest.

    By validation, so that no luck on the test set picks it.
    """
    return min(cells, key=lambda cell: (cell.validation_error, cell.parameters))


def pareto_front(costs: Array, errors: Array) -> NDArray[np.intp]:
    """Return the indices of the points that no other beats on both, by rising cost.

    A point is off the front if another has at most its cost and at most its error, and less of one;
    of equal points the first is kept. Points whose cost is not finite are off it.

    Args:
        costs: (K,).
        errors: (K,).
    """
    known = np.flatnonzero(np.isfinite(costs))
    order = known[np.lexsort((errors[known], costs[known]))]
    if not len(order):
        return order
    least_before = np.minimum.accumulate(np.concatenate([[np.inf], errors[order][:-1]]))
    return order[errors[order] < least_before]
