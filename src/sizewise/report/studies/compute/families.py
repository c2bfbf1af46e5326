"""What runs at equal training FLOPs say, in numbers: winners, surfaces, and what these foretell."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from sizewise.records import Measure, RunRecord
from sizewise.report.budget import FLOPS, by_budget
from sizewise.report.cells import Cell, Cost
from sizewise.report.conditions import by_condition
from sizewise.report.goal import Goal
from sizewise.report.selection import select
from sizewise.report.stats.errors import Interval
from sizewise.report.stats.noise import Array
from sizewise.report.stats.optimum import (
    FEWEST_SIZES,
    Costs,
    Optimum,
    best_by_interpolation,
    best_by_surface,
)
from sizewise.report.stats.surface import Fitted, Losses, fit_surface
from sizewise.report.verdict import Answer, answer

LEAST_STEPS = 50  # of a cell that a surface is fitted to: before, little but the warm-up is learnt
SHARE = 0.10  # of the largest budget's FLOPs, from which it is foretold
ROUNDING = 1.001
TRAINING = "cost/flops_training"
SPENT = Cost("cost/flops_spent", "training FLOPs", "")


@dataclass(frozen=True)
class Budget:
    """A family's sizes at one budget of training FLOPs.

    Args:
        flops: of each run.
        cells: by size.
        found: how they compare; the best is the best by validation.
    """

    flops: float
    cells: list[Cell]
    found: Answer

    @property
    def winner(self) -> Cell:
        """Return the best size by validation."""
        return self.found.best

    @property
    def untold(self) -> list[Cell]:
        """Return the sizes that may be the best, the winner among them; all where none trained."""
        differences = self.found.comparisons
        return [
            cell
            for cell in self.cells
            if cell is self.winner or cell not in differences or not differences[cell].is_worse(0.0)
        ]


class Foretold(NamedTuple):
    """A cell's loss, predicted from others, and as it came."""

    cell: Cell
    predicted: float
    interval: Interval
    came: float

    @property
    def is_inside(self) -> bool:
        """Return whether it came inside the 90 % interval."""
        return self.came in self.interval


class Forecast(NamedTuple):
    """The largest budget, predicted from smaller ones.

    Args:
        budget: that was held out.
        used: those that it is predicted from, in FLOPs.
        share: of its FLOPs that they have together.
        cells: of the held-out budget, by size.
        best: the size that is best there, as predicted; refused where that is at the edge.
    """

    budget: Budget
    used: list[float]
    share: float
    cells: list[Foretold]
    best: Optimum


@dataclass(frozen=True)
class Compute:
    """One family at several budgets, the smallest first."""

    family: str
    budgets: list[Budget]

    @cached_property
    def costs(self) -> Costs:
        """Return what a sample costs in training by size."""
        every = {cell.parameters: cell for each in self.budgets for cell in each.cells}
        sizes = sorted(every)
        flops = [every[size].records[0].metrics[TRAINING] for size in sizes]
        return Costs(np.array(sizes, dtype=float), np.array(flops))

    @cached_property
    def fitted(self) -> Fitted | None:
        """Return the surface through all budgets, if there is one."""
        return fit_surface(losses_of(self.budgets))

    @cached_property
    def by_surface(self) -> list[Optimum | None]:
        """Return each budget's best size by the surface."""
        if self.fitted is None:
            return [None] * len(self.budgets)
        return [best_by_surface(self.fitted, self.costs, each.flops) for each in self.budgets]

    @cached_property
    def by_interpolation(self) -> list[Optimum | None]:
        """Return each budget's best size by interpolation."""
        scatter = self.fitted.scatter if self.fitted else 0.0
        found: list[Optimum | None] = []
        for each in self.budgets:
            losses = losses_of([each], least_steps=1)
            enough = len(losses.means) >= FEWEST_SIZES and (losses.counts > 1).any()
            found.append(best_by_interpolation(losses, scatter) if enough else None)
        return found

    @cached_property
    def forecast(self) -> Forecast | None:
        """Predict the largest budget from those that have a tenth of its FLOPs together.

        Where these are fewer than two, it is from the two smallest. None without a surface.
        """
        *smaller, largest = self.budgets
        used: list[Budget] = []
        for each in smaller:
            whole = sum(budget.flops for budget in [*used, each])
            if len(used) < 2 or whole <= SHARE * ROUNDING * largest.flops:
                used.append(each)
        fitted = fit_surface(losses_of(used)) if len(used) > 1 else None
        cells = [cell for cell in largest.cells if is_fitted(cell)]
        if fitted is None or not cells:
            return None
        losses = losses_of([largest])
        expected, intervals = fitted.foresee(losses.sizes, losses.samples, losses.counts)
        rows = zip(cells, map(float, expected), intervals, map(float, losses.means), strict=True)
        flops = [each.flops for each in used]
        best = best_by_surface(fitted, self.costs, largest.flops)
        cases = [Foretold(*row) for row in rows]
        return Forecast(largest, flops, sum(flops) / largest.flops, cases, best)


def families_at_budgets(records: Sequence[RunRecord]) -> list[Compute]:
    """Return each family of networks with its budgets; none with fewer than two of them.

    Args:
        records: usable runs; those without a budget are left out.
    """
    last = by_condition(records)[-1]  # the most data, as published
    at_budgets = [each for each in last if each.config.get(FLOPS) is not None]
    budgets: dict[str, list[Budget]] = {}
    for group in by_budget(at_budgets):
        for family, cells in select(group).families.items():
            found = Budget(group[0].config[FLOPS], cells, answer(cells, Goal(0.0)))
            budgets.setdefault(family, []).append(found)
    return [Compute(family, each) for family, each in budgets.items() if len(each) > 1]


def fitted_measure(measure: Measure) -> Measure:
    """Return what surfaces are fitted to: the loss, in nats, where the error is a share."""
    return Measure("loss", "nats", 0.0) if measure.unit == "%" else measure


def loss_of(record: RunRecord) -> float:
    """Return the test loss of a run, in its `fitted_measure`."""
    return record.metrics["test/loss"] if record.measure.unit == "%" else record.error()


def losses_in(cell: Cell) -> list[float]:
    """Return the test losses of a cell's runs that trained for as long as they were to."""
    found = [loss_of(record) for record in cell.trained if record.steps == steps_of(cell)]
    return [each for each in found if math.isfinite(each)]


def steps_of(cell: Cell) -> int:
    """Return the steps of a cell's runs; one whose loss stopped being finite took fewer."""
    return max(record.steps for record in cell.records)


def is_fitted(cell: Cell, least_steps: int = LEAST_STEPS) -> bool:
    """Return whether a surface is fitted to a cell: it took so many steps, and a run trained."""
    trained = cell.failures < len(cell.records) and bool(losses_in(cell))
    return steps_of(cell) >= least_steps and trained


def seen_by(cell: Cell) -> int:
    """Return the samples that a cell's runs were trained on, repeats included."""
    return steps_of(cell) * int(cell.records[0].config["training.batch_size"])


def losses_of(budgets: Sequence[Budget], least_steps: int = LEAST_STEPS) -> Losses:
    """Return the test losses of all cells that are fitted."""
    cells = [cell for each in budgets for cell in each.cells if is_fitted(cell, least_steps)]

    def numbers(values: list[int]) -> Array:
        return np.array(values, dtype=float)

    return Losses(
        numbers([cell.parameters for cell in cells]),
        numbers([seen_by(cell) for cell in cells]),
        [np.array(losses_in(cell)) for cell in cells],
    )


def flops(count: float) -> str:
    """Return a number of FLOPs: 3e10, 4.5e10."""
    return f"{count:.3g}".replace("e+0", "e").replace("e+", "e")
