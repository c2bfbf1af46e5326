"""How big does it need to be: the answer, or what to run to get one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np

from sizewise.report.bootstrap import Interval
from sizewise.report.commands import Spell, new_seeds, next_command, spell_all
from sizewise.report.compare import Comparison, compare, standard_errors
from sizewise.report.costs import COSTS, Cost
from sizewise.report.select import Cell, Selection

TOLERANCE = 0.01  # of test error: a model at most this much worse counts as as good
FEWEST_NEW_SEEDS, MOST_NEW_SEEDS = 2, 8  # at a time: the next report says if more are needed
SEEDS_WHEN_ALONE = 4  # to add where there is one: five are the fewest that show a spread


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
        best: the cell with the lowest validation error, so that no luck on the test set picks it.
        comparisons: of every cell with the best, by size.
        not_worse: the smallest cell not shown to be worse.
        as_good: the smallest cell shown to be as good; the answer if it is `not_worse` too.
        one_standard_error: the smallest cell whose mean error is at most the best's and one
            standard error (Breiman et al., Classification and Regression Trees, 1984, 3.4.3).
        command: what to run next; None if there is nothing to find out.
        seeds_needed: of each cell, about, to decide; None unless seeds are what is missing.
    """

    kind: Kind
    best: Cell
    comparisons: list[Comparison]
    not_worse: Cell
    as_good: Cell
    one_standard_error: Cell | None
    command: str | None = None
    seeds_needed: int | None = None

    def comparison(self, cell: Cell) -> Comparison:
        """Return the comparison of `cell` with the best."""
        return next(each for each in self.comparisons if each.cell is cell)


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


def answer(
    cells: Sequence[Cell],
    *,
    selection: Selection,
    tolerance: float = TOLERANCE,
    command: str | None = None,
    spell: Spell = spell_all,
) -> Answer:
    """Return the answer for cells of one family or of several.

    Args:
        cells: what is compared.
        selection: where they come from.
        tolerance: of test error; see `Answer`.
        command: what the sweep was started with, for the command to run next.
        spell: see `next_command`.
    """
    cells = sorted(cells, key=lambda cell: cell.parameters)
    best = min(cells, key=lambda cell: (float(cell.validation_errors.mean()), cell.parameters))
    comparisons = compare(cells, best)
    as_good = next(each.cell for each in comparisons if each.is_as_good(tolerance))
    not_worse = next(each.cell for each in comparisons if not each.is_worse(tolerance))
    found = Answer(
        kind=Kind.ANSWER,
        best=best,
        comparisons=comparisons,
        not_worse=not_worse,
        as_good=as_good,
        one_standard_error=_one_standard_error(cells, best),
    )
    kind = _kind(found, tolerance)
    fields = vars(found) | {"kind": kind}
    if len({cell.family for cell in cells}) > 1 or (kind is Kind.ONE_SIZE and not best.width_known):
        return Answer(**fields)
    needed = _seeds_needed(found, tolerance) if kind is Kind.MORE_SEEDS else None
    fields |= {"seeds_needed": needed}
    fields |= {"command": _command(Answer(**fields), selection, command, spell, tolerance)}
    return Answer(**fields)


def growth(cells: Sequence[Cell]) -> Growth | None:
    """Return what a family's growth bought and cost; None for a single size.

    Args:
        cells: of one family, by size.
    """
    if len(cells) < 2:
        return None
    smallest, largest = cells[0], cells[-1]
    comparison = compare(cells, largest)[0]
    factors = {}
    for cost in COSTS:
        before, after = smallest.cost(cost.metric), largest.cost(cost.metric)
        factors[cost] = after / before if before > 0 else math.nan
    return Growth(smallest, largest, comparison.difference, comparison.interval, factors)


def undecided(found: Answer, tolerance: float) -> list[Comparison]:
    """Return the comparisons that decide nothing, of cells below the smallest as-good one."""
    return [
        each
        for each in found.comparisons
        if each.cell.parameters < found.as_good.parameters
        and not each.is_worse(tolerance)
        and not each.is_as_good(tolerance)
    ]


def _kind(found: Answer, tolerance: float) -> Kind:
    cells = [each.cell for each in found.comparisons]
    if len(cells) == 1:
        return Kind.ONE_SIZE
    if any(each.interval is None for each in found.comparisons):
        return Kind.ONE_SEED
    if found.best is cells[-1]:
        halves = [
            each for each in found.comparisons if each.cell.parameters <= found.best.parameters / 2
        ]
        if halves and halves[-1].is_worse(tolerance):
            return Kind.LARGER_SIZES
    if found.as_good is not found.not_worse:
        return Kind.MORE_SEEDS
    return Kind.SMALLER_SIZES if found.as_good is cells[0] else Kind.ANSWER


def _one_standard_error(cells: Sequence[Cell], best: Cell) -> Cell | None:
    errors = dict(zip(map(id, cells), standard_errors(cells), strict=True))
    limit = float(best.test_errors.mean()) + errors[id(best)]
    if math.isnan(limit):
        return None
    return next(cell for cell in cells if float(cell.test_errors.mean()) <= limit)


def _seeds_needed(found: Answer, tolerance: float) -> int:
    """Return the seeds at which an interval is half as wide as the tolerance, either way."""
    spread = max(each.spread or 0.0 for each in undecided(found, tolerance))
    return math.ceil((1.645 * spread / (tolerance / 2)) ** 2)


def _command(
    found: Answer, selection: Selection, command: str | None, spell: Spell, tolerance: float
) -> str | None:
    cells = [each.cell for each in found.comparisons]
    swept = selection.swept[found.best.family]
    seeds = sorted({seed for cell in cells for seed in cell.seeds})
    smallest, largest = (cell.size_asked or cell.parameters for cell in (cells[0], cells[-1]))
    match found.kind:
        case Kind.ANSWER:
            return None
        case Kind.LARGER_SIZES:
            sizes = [2 * largest, 4 * largest]
        case Kind.SMALLER_SIZES:
            sizes = [max(1, smallest // 4), max(1, smallest // 2)]
        case Kind.ONE_SIZE:
            sizes = [max(1, smallest // 4), max(1, smallest // 2), 2 * largest, 4 * largest]
        case Kind.ONE_SEED:
            added = new_seeds(cells, SEEDS_WHEN_ALONE)
            return next_command(cells, None, added, swept, command, spell)
        case Kind.MORE_SEEDS:
            wanted = [each.cell for each in undecided(found, tolerance)] + [found.best]
            assert found.seeds_needed is not None
            missing = found.seeds_needed - min(len(cell.seeds) for cell in wanted)
            count = int(np.clip(missing, FEWEST_NEW_SEEDS, MOST_NEW_SEEDS))
            return next_command(wanted, None, new_seeds(wanted, count), swept, command, spell)
    return next_command(cells, sizes, seeds, swept, command, spell)
