"""How sure a fit is: intervals from a likelihood ratio, and the chance of a trend without one."""

import numpy as np

from sizewise.report.stats.forms import (
    POWER_LAW,
    Curve,
    best_on_grid,
    losses,
    parabolic_minimum,
)
from sizewise.report.stats.noise import Array
from sizewise.report.stats.resample import CONFIDENCE, Interval, SizeErrors


def chance_of_trend(
    sweep: SizeErrors, weights: Array, curve: Curve, drawn: Array, drawn_weights: Array
) -> float:
    """Return how often sweeps without any trend gain as much from a curve as this one (p).

    Args:
        sweep: the family's errors.
        weights: of the means, (K,).
        curve: the best through them.
        drawn: sweeps drawn about the weighted mean (`level`), (B, K).
        drawn_weights: theirs, (B, K).
    """
    flat = level(sweep.means[None], weights[None])[1]
    gain = flat[0] - float(curve.loss)
    best = best_on_grid(POWER_LAW, POWER_LAW.grid(), sweep.sizes, drawn, drawn_weights)
    gains = level(drawn, drawn_weights)[1] - best.loss
    return float((1 + (gains >= gain).sum()) / (1 + len(drawn)))


def level(errors: Array, weights: Array) -> tuple[Array, Array]:
    """Return the weighted mean of each sweep (B, K) and what it leaves, (B,) each."""
    mean = (weights * errors).sum(axis=1) / weights.sum(axis=1)
    return mean, (weights * (errors - mean[:, None]) ** 2).sum(axis=1)


def invert(
    sweep: SizeErrors, curve: Curve, weights: Array, grid: Array, drawn: Array, drawn_weights: Array
) -> tuple[Interval, Interval]:
    """Return the intervals of the exponent and of the floor: see `fit`'s docstring.

    Args:
        sweep: the family's errors.
        curve: the best through them.
        weights: of the means, (K,).
        grid: shapes to search, (G,), close together around the best.
        drawn: sweeps drawn from the curve, (B, K).
        drawn_weights: theirs, (B, K).
    """
    sizes, exact = sweep.sizes, np.array([float(curve.shape)])
    resampled = best_on_grid(POWER_LAW, grid, sizes, drawn, drawn_weights)
    at_exponent = losses(POWER_LAW, exact, sizes, drawn, drawn_weights)[0][:, 0]
    c_exponent = np.quantile(np.maximum(at_exponent - resampled.loss, 0), CONFIDENCE)
    at_floor = np.full(len(drawn), float(curve.floor))
    held = losses(POWER_LAW, grid, sizes, drawn, drawn_weights, at_floor)[0]
    at_floor_left = parabolic_minimum(grid, held)
    c_floor = np.quantile(np.maximum(at_floor_left - resampled.loss, 0), CONFIDENCE)

    y, w, least = sweep.means[None], weights[None], float(curve.loss)
    profile = losses(POWER_LAW, grid, sizes, y, w)[0][0] - least
    low, high = crossings(np.log(grid), profile, c_exponent, float(np.log(curve.shape)))
    exponent = Interval(float(np.exp(low)), float(np.exp(high)))  # exp(-inf) is 0
    reach = 6 * float(resampled.floor.std()) + 1e-6
    near = np.linspace(float(curve.floor) - reach, float(curve.floor) + reach, 121)
    floors = np.concatenate([np.linspace(0, sweep.means.max(), 121), near[near > 0]])
    floors = np.unique(floors)
    repeated = (np.repeat(y, len(floors), axis=0), np.repeat(w, len(floors), axis=0))
    held_profile = parabolic_minimum(grid, losses(POWER_LAW, grid, sizes, *repeated, floors)[0])
    low, high = crossings(floors, held_profile - least, c_floor, float(curve.floor))
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
