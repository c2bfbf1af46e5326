"""Sizes under several learning rates: what fails, how far seeds differ, how much the rate matters.

Each family is looked at from its smallest to its largest size, under the same rates. What is said
of a size at one rate is said at the rate that validation prefers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from sizewise.records import RunRecord
from sizewise.report.cells import Cell, best_by_validation, by_seed, failed_to_train
from sizewise.report.selection import select
from sizewise.report.stats.differences import Seeds, in_pairs, mean_of, size_errors
from sizewise.report.stats.errors import Interval
from sizewise.report.stats.shares import paired_difference
from sizewise.report.stats.spread import Spread, middle, spread

RATE = "training.learning_rate"
FEWEST_SEEDS = FEWEST_RATES = 3


@dataclass(frozen=True, eq=False)
class Size:
    """One family at one size; `cells` by learning rate, ascending, and the best by validation."""

    cells: dict[float, Cell]
    best: Cell

    @property
    def asked(self) -> int:
        """Return the size asked for, or that of the width given."""
        return self.best.size_asked or self.best.parameters

    @property
    def best_rate(self) -> float:
        """Return the rate that validation prefers."""
        return float(self.best.records[0].config[RATE])

    @cached_property
    def failures(self) -> dict[tuple[float, int], bool]:
        """Return whether each run failed to train, by its rate and seed."""
        return {
            (rate, record.seed): failed_to_train(record)
            for rate, cell in self.cells.items()
            for record in cell.records
        }

    @cached_property
    def sensitivity(self) -> Seeds:
        """Return each seed's mean over the rates of min(error, chance), less its error at best."""
        best = by_seed(self.best.records)
        return mean_of([in_pairs(_capped(cell), best) for cell in self.cells.values()])

    @cached_property
    def gap(self) -> Seeds:
        """Return each seed's test error less its training error, at the best rate."""
        seeds, errors, samples = self.best.by_seed
        return Seeds(seeds, errors - self.best.train_errors, samples)

    @cached_property
    def spikes(self) -> Seeds | None:
        """Return each seed's loss spikes per 1,000 steps over the rates; None if not counted."""
        runs = [record for cell in self.cells.values() for record in cell.records]
        if not all("spikes" in run.extras for run in runs):
            return None
        seeds = sorted({run.seed for run in runs})
        own = [[run for run in runs if run.seed == seed] for seed in seeds]
        shares = [
            1000 * sum(run.extras["spikes"] for run in each) / sum(run.steps for run in each)
            for each in own
        ]
        return Seeds(tuple(seeds), np.array(shares))


@dataclass(frozen=True, eq=False)
class Family:
    """A family's sizes, ascending, and how much its seeds differ at each."""

    name: str
    sizes: list[Size]
    spread: Spread


class Contrast(NamedTuple):
    """What the largest size has more than the smallest."""

    value: float
    interval: Interval | None

    @property
    def is_told(self) -> bool:
        """Return whether the interval rules out that there is no difference."""
        return self.interval is not None and 0 not in self.interval


class Contrasts(NamedTuple):
    """What the largest sizes have more than the smallest: each a mean over families."""

    failures: Contrast
    spread: Contrast
    sensitivity: Contrast
    gap: Contrast


def compared(records: Sequence[RunRecord]) -> list[Family]:
    """Return the families with two sizes or more, of which each was run under the same rates.

    At least three of these, each with three seeds or more.
    """
    by_rate: dict[float, list[RunRecord]] = {}
    for record in records:
        if not record.is_classical:
            by_rate.setdefault(record.config[RATE], []).append(record)
    found: dict[str, dict[int, dict[float, Cell]]] = {}
    for rate, group in sorted(by_rate.items()):
        for cell in select(group).cells:
            if len(cell.seeds) >= FEWEST_SEEDS:
                of_family = found.setdefault(cell.family, {})
                of_family.setdefault(cell.size_asked or cell.parameters, {})[rate] = cell
    generator = np.random.default_rng(0)
    families = []
    for name, by_size in found.items():
        rates = sorted(set.intersection(*(set(cells) for cells in by_size.values())))
        if len(by_size) > 1 and len(rates) >= FEWEST_RATES:
            sizes = []
            for _, cells in sorted(by_size.items()):
                alike = {rate: cells[rate] for rate in rates}
                sizes.append(Size(alike, best_by_validation(alike.values())))
            errors = size_errors([each.asked for each in sizes], [s.best.by_seed for s in sizes])
            families.append(Family(name, sizes, spread(errors, generator)))
    return families


def contrasts(families: Sequence[Family]) -> Contrasts:
    """Compare the largest size with the smallest, each a mean over the families."""
    ends = [(family.sizes[-1], family.sizes[0]) for family in families]
    runs = [
        (large.failures[run], small.failures[run])
        for large, small in ends
        for run in large.failures.keys() & small.failures.keys()
    ]
    deviations, drawn = (
        np.mean([each[..., -1] - each[..., 0] for each in of_families], axis=0)
        for of_families in zip(*(family.spread for family in families), strict=True)
    )
    return Contrasts(
        Contrast(*paired_difference(runs)),
        Contrast(float(deviations), middle(drawn)),
        mean_contrast([in_pairs(large.sensitivity, small.sensitivity) for large, small in ends]),
        mean_contrast([in_pairs(large.gap, small.gap) for large, small in ends]),
    )


def mean_contrast(pairs: Sequence[Seeds]) -> Contrast:
    """Return the mean of differences, within the seeds that all have; NaN where none is shared."""
    shared = mean_of(pairs)
    if not shared.seeds:
        return Contrast(math.nan, None)
    errors = size_errors([1], [shared])
    return Contrast(float(errors.means[0]), errors.intervals()[0])


def _capped(cell: Cell) -> Seeds:
    """Return the errors of all runs of a cell, of each at most those of chance."""
    seeds, errors, samples = by_seed(cell.records)
    chance = np.array([record.extras.get("chance", np.inf) for record in cell.records])
    if samples is not None:
        samples = np.where((errors > chance)[:, None], chance[:, None], samples)
    return Seeds(seeds, np.minimum(errors, chance), samples)
