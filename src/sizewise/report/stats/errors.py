"""Errors by size, over seeds and over the samples of one test set: how sure their means are.

Two kinds of chance stand between a mean test error and what it estimates. Other seeds would train
other networks: that is judged by a t with moderated variances (`noise`). And another test set would
hold other samples, on which all networks that are compared err alike: no number of seeds shows
that, so it is judged by the samples themselves. What two *different* seeds' errors share from
sample to sample is what comes of the samples; their covariance over the N samples, divided by N, is
the variance that the test set gives a mean over seeds. (The two-way random effects of seeds by
samples: Searle, Casella & McCulloch, Variance Components, 1992, chapter 4.)
"""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from sizewise.report.stats.noise import Array, Noise, moderate

CONFIDENCE = 0.90
TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)


class Interval(NamedTuple):
    """The ends of an interval; an infinite end was not found in the range searched."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        """Return whether a value is not ruled out: an end that is NaN rules out none."""
        return isinstance(value, int | float) and not (value < self.low or value > self.high)

    def turned(self) -> "Interval":
        """Return the interval of the same quantity with its sign changed."""
        return Interval(-self.high, -self.low)


class SizeErrors:
    """Errors (or differences of errors) by size, over the seeds of each.

    Args:
        sizes: parameters, ascending where a curve is fitted, (K,).
        errors: for each size, its seeds' errors, (n,) each.
        samples: for each size, its seeds' errors of each test sample, (n, N) each; None where that
            was not kept: then the test set's own chance is left out.
    """

    def __init__(
        self,
        sizes: Sequence[float] | Array,
        errors: Sequence[Array],
        samples: Sequence[Array] | None = None,
    ) -> None:
        self.sizes = np.maximum(np.asarray(sizes, dtype=float), 1)
        self.errors = list(errors)
        self.samples = samples

    @cached_property
    def counts(self) -> Array:
        """Return the number of seeds of each size, (K,)."""
        return np.array([len(each) for each in self.errors], dtype=float)

    @cached_property
    def means(self) -> Array:
        """Return the mean error of each size, (K,); NaN of one without a seed."""
        return np.array([each.mean() if len(each) else np.nan for each in self.errors])

    @cached_property
    def noise(self) -> Noise:
        """Return the moderated variance between seeds of each size; NaN if no size has two."""
        raw = np.array([each.var(ddof=1) if len(each) > 1 else np.nan for each in self.errors])
        return moderate(raw, self.counts, np.log(self.sizes))

    @cached_property
    def covariance(self) -> Array:
        """Return the covariance of the means that comes of the test set, (K, K); 0 if unknown.

        Of a size with one seed it holds what is that seed's own as well.
        """
        if self.samples is None:
            return np.zeros((len(self.errors),) * 2)
        shared, alone, _ = self._by_sample
        count = shared.shape[1]
        found = shared @ shared.T
        np.fill_diagonal(found, np.maximum(alone, 0))
        return np.asarray(found / ((count - 1) * count))

    @cached_property
    def sampled(self) -> Array:
        """Return how much the test samples add to the variance between seeds, (K,); 0 if unknown.

        It is there because seeds err on different ones; of a size with one seed nothing is known.
        """
        if self.samples is None:
            return np.zeros(len(self.errors))
        shared, _, apart = self._by_sample
        count = shared.shape[1]
        return np.asarray(apart / ((count - 1) * count))

    @cached_property
    def _by_sample(self) -> tuple[Array, Array, Array]:
        """Return how samples' errors deviate from each seed's mean.

        That is the mean over seeds, (K, N); and sums over samples of products, (K,): the mean over
        pairs of different seeds, and what is left of a seed's own.
        """
        shared, alone, apart = [], [], []
        assert self.samples is not None
        for each in self.samples:
            n = len(each)
            centred = each - each.mean(axis=1, keepdims=True, dtype=float)
            total = centred.sum(axis=0)
            shared.append(total / n)
            own, all_pairs = (centred**2).sum(), (total**2).sum()
            alone.append((all_pairs - own * (n > 1)) / max(n * (n - 1), 1))
            apart.append((own - all_pairs / n) / max(n - 1, 1))
        return np.array(shared), np.array(alone), np.array(apart)

    def half_widths(self, confidence: float = CONFIDENCE) -> Array:
        """Return half the width of each mean's interval, (K,); NaN if no size has two seeds."""
        variances, degrees = self.noise
        return half_width(variances / self.counts, degrees, self.covariance.diagonal(), confidence)

    def intervals(self) -> list[Interval | None]:
        """Return the 90 % interval of each mean."""
        variances, degrees = self.noise
        of_seeds, of_samples = variances / self.counts, self.covariance.diagonal()
        halves = half_width(of_seeds, both_degrees(of_seeds, degrees, of_samples), of_samples)
        return [
            Interval(float(mean - half), float(mean + half)) if np.isfinite(half) else None
            for mean, half in zip(self.means, halves, strict=True)
        ]

    def deviations(self, draws: int, seed: int = 0) -> Array:
        """Draw how far off the means may be, (draws, K)."""
        generator = np.random.default_rng(seed)
        variances, degrees = self.noise
        of_seeds = generator.standard_t(degrees, (draws, len(variances)))
        values, vectors = np.linalg.eigh(self.covariance)
        scale = np.sqrt(np.maximum(values, 0))
        of_samples = generator.standard_normal((draws, len(values))) * scale @ vectors.T
        return np.asarray(of_seeds * np.sqrt(variances / self.counts) + of_samples)


def half_width(
    of_seeds: Array | float,
    degrees: Array | float,
    of_samples: Array | float,
    confidence: float = CONFIDENCE,
) -> Array:
    """Return how far an interval reaches to either side of a mean, by Student's t.

    With the first variance's degrees it is as if both were as uncertain as that one: verdicts are
    given by pairs of seeds so, since the second is estimated from the same few.

    Args:
        of_seeds: the variance of the mean over seeds.
        degrees: of freedom, of that variance or of `both_degrees`.
        of_samples: the variance of the mean that comes of the test set.
        confidence: of the interval.
    """
    quantile = stdtrit(np.maximum(degrees, 1e-9), (1 + confidence) / 2)
    return np.asarray(quantile * np.sqrt(of_seeds + of_samples))


def both_degrees(of_seeds: Array, degrees: Array, of_samples: Array) -> Array:
    """Return the degrees of freedom of both variances' sum, the second known (Satterthwaite)."""
    whole = of_seeds + of_samples
    return np.asarray(degrees * (whole / np.maximum(of_seeds, 1e-30)) ** 2)
