"""Errors by size over seeds, and sweeps drawn like them."""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from sizewise.report.stats.forms import Means
from sizewise.report.stats.noise import Array, Noise, moderate

CONFIDENCE = 0.90
TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
RESAMPLES = 999


class Interval(NamedTuple):
    """The ends of a 90 % interval; an infinite end was not found in the range searched."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high

    def turned(self) -> "Interval":
        """Return the interval of the same quantity with its sign changed."""
        return Interval(-self.high, -self.low)


class SizeErrors:
    """Errors (or differences of errors) by size, over the seeds of each.

    Args:
        sizes: parameters, ascending where a curve is fitted, (K,).
        errors: for each size, its seeds' errors, (n,) each.
    """

    def __init__(self, sizes: Sequence[float] | Array, errors: Sequence[Array]) -> None:
        self.sizes = np.maximum(np.asarray(sizes, dtype=float), 1)
        self.errors = list(errors)

    @cached_property
    def counts(self) -> Array:
        """Return the number of seeds of each size, (K,)."""
        return np.array([len(each) for each in self.errors], dtype=float)

    @cached_property
    def means(self) -> Array:
        """Return the mean error of each size, (K,)."""
        return np.array([each.mean() for each in self.errors])

    @cached_property
    def noise(self) -> Noise:
        """Return the moderated variance between seeds of each size; NaN if no size has two."""
        raw = np.array([each.var(ddof=1) if len(each) > 1 else np.nan for each in self.errors])
        return moderate(raw, self.counts, np.log(self.sizes))

    @property
    def variances(self) -> Array:
        """Return those of `noise`, (K,)."""
        return self.noise.variances

    def weighed(self, weights: Array) -> Means:
        """Return the means under `weights`, (K,)."""
        return Means(self.sizes, self.means[None], weights[None])


def resample(
    sweep: SizeErrors,
    model: Array,
    variances: Array,
    scatter: float,
    generator: np.random.Generator,
    count: int = RESAMPLES,
) -> Means:
    """Draw `count` sweeps whose true errors are `model` (K,).

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
    return Means(sweep.sizes, means, 1 / (noise / counts + scatter**2))


def deviations(sweep: SizeErrors, seed: int) -> Array:
    """Return how far off the means may be, (B, K): a studentised bootstrap over seeds.

    Efron & Tibshirani, An Introduction to the Bootstrap, 1993, section 12.5; residuals are pooled
    over the sizes and variances moderated (`noise`).
    """
    generator = np.random.default_rng(seed)
    none = np.zeros(len(sweep.errors))
    _, drawn, weights = resample(sweep, none, sweep.variances, 0.0, generator)
    return np.asarray(drawn * np.sqrt(weights) * np.sqrt(sweep.variances / sweep.counts))
