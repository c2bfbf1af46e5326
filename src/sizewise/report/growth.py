"""What growing bought and cost."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sizewise.report.cells import COSTS, Cell, Cost
from sizewise.report.stats.differences import in_pairs
from sizewise.report.stats.errors import Interval
from sizewise.report.verdict import compared


class Growth(NamedTuple):
    """What growing from a family's smallest to its largest size bought and cost.

    `bought` is how far the test error fell, from `before` to `after`, below zero if it rose: where
    seeds are compared in pairs, over those that both have. A factor is NaN where a cost is not
    known.
    """

    smallest: Cell
    largest: Cell
    before: float
    after: float
    bought: float
    interval: Interval | None
    factors: dict[Cost, float]


def growth(cells: Sequence[Cell]) -> Growth | None:
    """Return what a family's growth bought and cost; None for a single size.

    Args:
        cells: of one family, by size.
    """
    if len(cells) < 2:
        return None
    smallest, largest = cells[0], cells[-1]
    difference = compared(cells, largest)[smallest]
    factors = {
        cost: largest.cost(cost) / smallest.cost(cost) if smallest.cost(cost) > 0 else math.nan
        for cost in COSTS
    }
    bought, (seeds, errors, _) = difference.mean, largest.by_seed
    shared = in_pairs(smallest.by_seed, largest.by_seed)
    after = largest.error  # or, where that is what is compared, of the seeds that both have
    if shared.seeds and math.isclose(shared.errors.mean(), bought, abs_tol=1e-12):
        after = errors[np.isin(seeds, shared.seeds)].mean()
    return Growth(smallest, largest, after + bought, after, bought, difference.interval, factors)
