"""Which cells are worth their cost."""

import numpy as np
from numpy.typing import NDArray

from sizewise.report.noise import Array


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
