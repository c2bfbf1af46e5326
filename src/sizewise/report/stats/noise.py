"""How much a test error varies between seeds, at sizes that have only a few seeds each.

Three seeds say little about a variance: it is off by a factor of ten in one sweep of twenty. The
sizes of a family are alike, though, so each size's variance is drawn towards what the others show.
This is the empirical-Bayes estimate of Smyth, "Linear models and empirical Bayes methods for
assessing differential expression in microarray experiments" (2004), section 6.2, with a trend in
log size as the prior's mean; the strength of the pull is itself estimated from the data.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]

FEWEST_FOR_TREND = 5  # variances, below which their logarithms are averaged, not fitted
SMALLEST_SHARE = 1e-4  # of the median variance: seeds that agree by luck don't weigh without bound
MOST_PRIOR_DEGREES = 1e4  # stands for "all sizes vary alike"


class Noise(NamedTuple):
    """Variances between seeds, (..., K), and their degrees of freedom, prior's included, (..., K).

    Where no size has two seeds the variances are NaN and the degrees 0.
    """

    variances: Array
    degrees: Array


def moderate(variances: Array, counts: Array, log_sizes: Array) -> Noise:
    """Return each size's variance drawn towards the trend over all sizes.

    Args:
        variances: sample variances over the seeds, (..., K), any number of sweeps at once; those of
            sizes with one seed are not read.
        counts: seeds of each size, (K,).
        log_sizes: (K,).
    """
    known = counts > 1
    if not known.any():
        return Noise(np.full_like(variances, np.nan), np.zeros_like(variances))
    degrees = np.where(known, counts - 1, 0).astype(float)
    d = degrees[known]
    seen = variances[..., known]
    least = np.maximum(SMALLEST_SHARE * np.median(seen, axis=-1, keepdims=True), 1e-12)
    seen = np.maximum(seen, least)
    # log s^2 has a known mean and variance about log sigma^2, were the data normal
    log_variance = np.log(seen) - special.digamma(d / 2) + np.log(d / 2)
    trended = known.sum() >= FEWEST_FOR_TREND
    degree = 1 if trended and np.ptp(log_sizes[known]) > 0 else 0
    design = np.vander(log_sizes - log_sizes.mean(), degree + 1)
    coefficients = log_variance @ np.linalg.pinv(design[known]).T
    trend = coefficients @ design.T
    residual = log_variance - trend[..., known]
    free = max(1, known.sum() - design.shape[1])
    excess = (residual**2).sum(axis=-1) / free - special.polygamma(1, d / 2).mean()
    prior_degrees = np.minimum(2 * _inverse_trigamma(np.maximum(excess, 1e-9)), MOST_PRIOR_DEGREES)
    d0 = prior_degrees[..., None]
    prior = np.exp(trend + special.digamma(d0 / 2) - np.log(d0 / 2))
    observed = np.zeros_like(trend)
    observed[..., known] = seen
    # the prior is known no better than all sizes together tell it (as Smyth's limma has it)
    total = np.minimum(d0 + degrees, degrees.sum())
    return Noise((d0 * prior + degrees * observed) / (d0 + degrees), total)


def _inverse_trigamma(value: Array) -> Array:
    """Solve trigamma(x) = value by Newton's method on 1/trigamma, which is nearly linear."""
    x: Array = 0.5 + 1 / np.asarray(value, dtype=float)
    for _ in range(8):
        trigamma = special.polygamma(1, x)
        x = x + trigamma * (1 - trigamma / value) / special.polygamma(2, x)
    return x
