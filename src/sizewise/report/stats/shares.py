"""Shares of runs, and how they differ between two groups of paired runs."""

import math
from collections.abc import Sequence

from scipy.special import betaincinv, ndtri

from sizewise.report.stats.errors import TAILS, Interval


def share_interval(count: int, of: int) -> Interval:
    """Return the exact 90 % interval of a share (Clopper & Pearson, Biometrika 26, 1934)."""
    low, high = TAILS
    return Interval(
        float(betaincinv(count, of - count + 1, low)) if count else 0.0,
        float(betaincinv(count + 1, of - count, high)) if count < of else 1.0,
    )


def paired_difference(pairs: Sequence[tuple[bool, bool]]) -> tuple[float, Interval | None]:
    """Return by how much the share of the first is above that of the second, and its interval.

    Without pairs they are NaN and None.

    It is the adjusted Wald interval of Bonett & Price, "Adjusted Wald confidence interval for a
    difference of binomial proportions based on paired data" (J. Educ. Behav. Stat. 37, 2012).
    """
    n = len(pairs)
    if not n:
        return math.nan, None
    only = [sum(each is True and other is False for each, other in pairs)]
    only.append(sum(each is False and other is True for each, other in pairs))
    first, second = ((count + 1) / (n + 2) for count in only)
    middle = first - second
    half = float(ndtri(TAILS[1])) * math.sqrt((first + second - middle**2) / (n + 2))
    interval = Interval(max(-1.0, middle - half), min(1.0, middle + half))
    return (only[0] - only[1]) / n, interval
