"""Sweeps drawn from a fitted curve, and what they say about how sure a fit is."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sizewise.report.forms import (
    POWER_LAW,
    Curve,
    best_on_grid,
    losses,
    parabolic_minimum,
)
from sizewise.report.noise import Array, moderate

CONFIDENCE = 0.90
TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
RESAMPLES = 999


class Interval(NamedTuple):
    """The ends of a 90 % interval; an infinite end was not found in the range searched."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


@dataclass(frozen=True)
class Sweep:
    """One family's test errors, by size.

    Args:
        sizes: parameters, ascending, (K,).
        errors: for each size, its seeds' test errors, (n,) each.
    """

    sizes: Array
    errors: list[Array]

    @property
    def counts(self) -> Array:
        """Return the number of seeds of each size, (K,)."""
        return np.array([len(each) for each in self.errors], dtype=float)

    @property
    def means(self) -> Array:
        """Return the mean error of each size, (K,)."""
        return np.array([each.mean() for each in self.errors])

    @property
    def variances(self) -> Array:
        """Return the moderated variance between seeds of each size, (K,)."""
        raw = np.array([each.var(ddof=1) if len(each) > 1 else np.nan for each in self.errors])
        return moderate(raw, self.counts, np.log(self.sizes)).variances


def resample(
    sweep: Sweep,
    model: Array,
    variances: Array,
    scatter: float,
    generator: np.random.Generator,
    count: int,
) -> tuple[Array, Array]:
    """Draw `count` sweeps whose true errors are `model` (K,): their means and weights, (B, K).

    A seed's deviation is drawn from the standardised residuals of all sizes' seeds together, as
    three seeds of one size have no distribution to draw from. The draw is smoothed (Silverman &
    Young, Biometrika 74, 1987): two seeds drawn alike would show no variance at all.
    """
    counts = sweep.counts
    shrunk = [
        (each - each.mean()) * np.sqrt(len(each) / (len(each) - 1)) / np.sqrt(variance)
        for each, variance in zip(sweep.errors, variances, strict=True)
        if len(each) > 1
    ]
    pool = np.concatenate(shrunk)
    pool = pool / max(np.sqrt((pool**2).mean()), 1e-12)
    width = 1.06 * len(pool) ** -0.2  # Silverman's rule, of the pool's unit deviation
    scale = np.sqrt(variances / (1 + width**2))
    means, spreads = np.empty((2, count, len(counts)))
    for i, n in enumerate(counts.astype(int)):
        smooth = width * generator.standard_normal((count, n))
        drawn = scale[i] * (generator.choice(pool, (count, n)) + smooth)
        means[:, i] = drawn.mean(axis=1)
        spreads[:, i] = drawn.var(axis=1, ddof=1) if n > 1 else np.nan
    means += model + scatter * generator.standard_normal(means.shape)
    noise = moderate(spreads, counts, np.log(sweep.sizes)).variances
    return means, 1 / (noise / counts + scatter**2)


def chance_of_trend(
    sweep: Sweep,
    variances: Array,
    scatter: float,
    curve: Curve,
    generator: np.random.Generator,
    count: int,
) -> float:
    """Return how often sweeps without any trend gain as much from the curve as this one (p)."""
    weights = 1 / (variances / sweep.counts + scatter**2)
    level, flat = _flat(sweep.means[None], weights[None])
    gain = flat[0] - float(curve.loss)
    model = np.full(len(weights), level[0])
    drawn, drawn_weights = resample(sweep, model, variances, scatter, generator, count)
    best = best_on_grid(POWER_LAW, POWER_LAW.grid(), sweep.sizes, drawn, drawn_weights)
    gains = _flat(drawn, drawn_weights)[1] - best.loss
    return float((1 + (gains >= gain).sum()) / (1 + count))


def invert(
    sweep: Sweep, curve: Curve, weights: Array, grid: Array, drawn: Array, drawn_weights: Array
) -> tuple[Interval, Interval]:
    """Return the intervals of the exponent and of the floor: see `fit`'s docstring.

    Args:
        sweep: the family's test errors.
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


def _flat(errors: Array, weights: Array) -> tuple[Array, Array]:
    """Return the weighted mean and what it leaves, (B,) each."""
    level = (weights * errors).sum(axis=1) / weights.sum(axis=1)
    return level, (weights * (errors - level[:, None]) ** 2).sum(axis=1)
