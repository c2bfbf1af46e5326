"""How sure a fit is: intervals from a likelihood ratio, and the chance of a trend without one."""

import numpy as np

from sizewise.report.stats.forms import (
    POWER_LAW,
    Curve,
    Means,
    best_on_grid,
    losses,
    parabolic_minimum,
)
from sizewise.report.stats.noise import Array
from sizewise.report.stats.resample import CONFIDENCE, Interval


def chance_of_trend(means: Means, curve: Curve, drawn: Means) -> float:
    """Return how often sweeps without any trend gain as much from a curve as this one (p).

    Args:
        means: of one sweep.
        curve: the best through them.
        drawn: sweeps drawn about the weighted mean (`level`).
    """
    gain = level(means)[1][0] - float(curve.loss)
    best = best_on_grid(POWER_LAW, POWER_LAW.grid(), drawn)
    gains = level(drawn)[1] - best.loss
    return float((1 + (gains >= gain).sum()) / (1 + len(gains)))


def level(means: Means) -> tuple[Array, Array]:
    """Return the weighted mean of each sweep and what it leaves, (B,) each."""
    _, errors, weights = means
    mean = (weights * errors).sum(axis=1) / weights.sum(axis=1)
    return mean, (weights * (errors - mean[:, None]) ** 2).sum(axis=1)


def invert(means: Means, curve: Curve, grid: Array, drawn: Means) -> tuple[Interval, Interval]:
    """Return the intervals of the exponent and of the floor: see `fit`'s docstring.

    Args:
        means: of one sweep.
        curve: the best through them.
        grid: shapes to search, (G,), close together around the best.
        drawn: sweeps drawn from the curve.
    """
    resampled = best_on_grid(POWER_LAW, grid, drawn)
    at_exponent = losses(POWER_LAW, np.array([float(curve.shape)]), drawn)[0][:, 0]
    c_exponent = np.quantile(np.maximum(at_exponent - resampled.loss, 0), CONFIDENCE)
    at_floor = np.full(len(drawn.errors), float(curve.floor))
    held = parabolic_minimum(grid, losses(POWER_LAW, grid, drawn, at_floor)[0])
    c_floor = np.quantile(np.maximum(held - resampled.loss, 0), CONFIDENCE)

    least = float(curve.loss)
    profile = losses(POWER_LAW, grid, means)[0][0] - least
    low, high = crossings(np.log(grid), profile, c_exponent, float(np.log(curve.shape)))
    exponent = Interval(float(np.exp(low)), float(np.exp(high)))  # exp(-inf) is 0
    reach = 6 * float(resampled.floor.std()) + 1e-6
    near = np.linspace(float(curve.floor) - reach, float(curve.floor) + reach, 121)
    floors = np.unique(np.concatenate([np.linspace(0, means.errors.max(), 121), near[near > 0]]))
    repeated = Means(means.sizes, *(np.repeat(each, len(floors), axis=0) for each in means[1:]))
    profile = parabolic_minimum(grid, losses(POWER_LAW, grid, repeated, floors)[0]) - least
    low, high = crossings(floors, profile, c_floor, float(curve.floor))
    return exponent, Interval(max(low, 0.0), high)


def crossings(grid: Array, profile: Array, threshold: float, centre: float) -> tuple[float, float]:
    """Return where `profile` rises above `threshold` on either side of `centre`."""
    order = np.argsort(np.append(grid, centre))
    x, y = np.append(grid, centre)[order], np.append(profile, 0.0)[order]
    inside = y <= threshold
    middle = int(np.flatnonzero(order == len(grid))[0])
    below, above = np.flatnonzero(~inside[:middle]), np.flatnonzero(~inside[middle:])
    low, high = -np.inf, np.inf
    if len(below):
        i = below[-1]
        low = float(np.interp(threshold, [y[i + 1], y[i]], [x[i + 1], x[i]]))
    if len(above):
        i = middle + above[0]
        high = float(np.interp(threshold, [y[i - 1], y[i]], [x[i - 1], x[i]]))
    return low, high
