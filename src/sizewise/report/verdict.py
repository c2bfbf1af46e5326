"""How big does it need to be: the answer, or what is missing for one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from sizewise.report.cells import COSTS, Cell, Cost, best_by_validation
from sizewise.report.stats.compare import Difference, compare
from sizewise.report.stats.resample import Interval


class Kind(Enum):
    """What can be said about a group of cells."""

    ANSWER = "answer"
    SMALLER_SIZES = "the smallest size run is as good as the best"
    LARGER_SIZES = "the error still falls at the largest size"
    MORE_SEEDS = "seeds differ too much to tell"
    ONE_SEED = "one seed at each size"
    ONE_SIZE = "one size"


@dataclass(frozen=True)
class Answer:
    """The smallest cell not worse than the best, of one family or of all.

    A cell is *as good* if the 90 % interval of its error less the best's ends below the tolerance;
    *worse* if the interval lies above zero and the difference above the tolerance; undecided
    otherwise, as where seeds show that a difference is real but not whether it matters.

    Args:
        kind: what can be said.
        best: the best by validation.
        comparisons: of every cell with the best, by size.
        not_worse: the smallest cell not shown to be worse.
        as_good: the smallest cell shown to be as good; the answer if it is `not_worse` too.
        undecided: cells smaller than `as_good` that are neither.
        seeds_needed: of each cell, about, to decide; None unless seeds are what is missing.
    """

    kind: Kind
    best: Cell
    comparisons: dict[Cell, Difference]
    not_worse: Cell
    as_good: Cell
    undecided: list[Cell]
    seeds_needed: int | None = None

    def below(self, parameters: float) -> Cell | None:
        """Return the largest cell of at most so many parameters."""
        cells = [cell for cell in self.comparisons if cell.parameters <= parameters]
        return cells[-1] if cells else None


class Growth(NamedTuple):
    """What growing from a family's smallest to its largest size bought and cost.

    `bought` is how far the test error fell, below zero if it rose; a factor is NaN where a cost is
    not known.
    """

    smallest: Cell
    largest: Cell
    bought: float
    interval: Interval | None
    factors: dict[Cost, float]


def compared(cells: Sequence[Cell], reference: Cell) -> dict[Cell, Difference]:
    """Compare each of `cells` with `reference`, in their order."""
    everyone = [*cells] if reference in cells else [*cells, reference]
    found = compare(
        [cell.parameters for cell in everyone],
        [cell.by_seed for cell in everyone],
        everyone.index(reference),
    )
    return dict(zip(cells, found, strict=False))


def answer(cells: Sequence[Cell], tolerance: float) -> Answer:
    """Return the answer for cells of one family or of several.

    Args:
        cells: what is compared.
        tolerance: of test error; see `Answer`.
    """
    cells = sorted(cells, key=lambda cell: cell.parameters)
    best = best_by_validation(cells)
    comparisons = compared(cells, best)
    not_worse = [cell for cell in cells if not comparisons[cell].is_worse(tolerance)]
    as_good = next(cell for cell in cells if comparisons[cell].is_as_good(tolerance))
    undecided = [
        cell
        for cell in not_worse
        if cell.parameters < as_good.parameters and not comparisons[cell].is_as_good(tolerance)
    ]
    found = Answer(Kind.ANSWER, best, comparisons, not_worse[0], as_good, undecided)
    found = replace(found, kind=_kind(found, tolerance))
    if found.kind is not Kind.MORE_SEEDS or len({cell.family for cell in cells}) > 1:
        return found
    # the seeds at which an interval is half as wide as the tolerance, either way
    spread = max(comparisons[cell].spread or 0.0 for cell in undecided)
    return replace(found, seeds_needed=math.ceil((1.645 * spread / (tolerance / 2)) ** 2))


def growth(cells: Sequence[Cell]) -> Growth | None:
    """Return what a family's growth bought and cost; None for a single size.

    Args:
        cells: of one family, by size.
    """
    if len(cells) < 2:
        return None
    smallest, largest = cells[0], cells[-1]
    difference = compared(cells, largest)[smallest]
    factors = {}
    for cost in COSTS:
        before, after = smallest.cost(cost), largest.cost(cost)
        factors[cost] = after / before if before > 0 else math.nan
    return Growth(smallest, largest, difference.mean, difference.interval, factors)


def _kind(found: Answer, tolerance: float) -> Kind:
    cells = list(found.comparisons)
    if len(cells) == 1:
        return Kind.ONE_SIZE
    if any(each.interval is None for each in found.comparisons.values()):
        return Kind.ONE_SEED
    half = found.below(found.best.parameters / 2)
    if found.best is cells[-1] and half and found.comparisons[half].is_worse(tolerance):
        return Kind.LARGER_SIZES
    if found.as_good is not found.not_worse:
        return Kind.MORE_SEEDS
    return Kind.SMALLER_SIZES if found.as_good is cells[0] else Kind.ANSWER
