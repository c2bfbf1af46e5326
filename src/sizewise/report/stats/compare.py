"""Is one size's error higher than another's? A paired bootstrap over seeds.

Runs of the same seed share their division of the data and the order of its samples, so the
differences within seeds are compared (in pairs). With three to five seeds a percentile bootstrap is
far too sure of itself: three differences have ten distinct resamples. The interval is studentised
instead: see `deviations`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from sizewise.report.stats.noise import Array
from sizewise.report.stats.resample import CONFIDENCE, Interval, SizeErrors, deviations

BySeed = Mapping[int, float]  # errors


class Difference(NamedTuple):
    """A mean error less another's.

    Args:
        mean: above zero where the first is worse.
        interval: 90 %; None where neither pairs nor repeats say how sure it is.
        spread: standard deviation of one seed's difference; None with `interval`.
        seeds: pairs, or the fewer seeds of the two where they share none.
    """

    mean: float
    interval: Interval | None
    spread: float | None
    seeds: int

    def is_worse(self, tolerance: float) -> bool:
        """Return whether the interval lies above zero, and the difference above `tolerance`."""
        return self.interval is not None and self.interval.low > 0 and self.mean > tolerance

    def is_as_good(self, tolerance: float) -> bool:
        """Return whether the interval rules out being worse by more than `tolerance`."""
        return self.interval is not None and self.interval.high <= tolerance


def in_pairs(errors: BySeed, others: BySeed) -> Array:
    """Return the differences within the seeds that both have, (n,)."""
    return np.array([error - others[seed] for seed, error in errors.items() if seed in others])


def compare(
    sizes: Sequence[int], groups: Sequence[BySeed], reference: int, *, seed: int = 0
) -> list[Difference]:
    """Compare each size's errors with those at the index `reference`, in their order.

    The reference itself differs from itself by exactly 0.

    Args:
        sizes: parameters, (K,).
        groups: each size's errors, (K,).
        reference: the index of what all are compared with.
        seed: of the draws.
    """
    own = groups[reference]
    found = {reference: Difference(0.0, Interval(0.0, 0.0), 0.0, len(own))}
    others = [index for index in range(len(groups)) if index != reference]
    pairs = {index: in_pairs(groups[index], own) for index in others}
    paired = [index for index in others if len(pairs[index])]
    if any(len(pairs[index]) > 1 for index in paired):
        differences = SizeErrors([sizes[i] for i in paired], [pairs[i] for i in paired])
        found |= zip(paired, _paired(differences, seed), strict=True)
    rest = [index for index in others if index not in found]
    if rest:
        everyone = [*rest, reference]
        errors = [np.array(list(groups[index].values())) for index in everyone]
        unpaired = _unpaired(SizeErrors([sizes[index] for index in everyone], errors))
        found |= zip(rest, unpaired, strict=True)
    return [found[index] for index in range(len(groups))]


def mean_intervals(sweep: SizeErrors) -> list[Interval | None]:
    """Return the 90 % interval of each size's mean error over seeds (moderated t)."""
    noise = sweep.noise
    half = _quantile(noise.degrees) * np.sqrt(noise.variances / sweep.counts)
    return [
        Interval(float(mean - h), float(mean + h)) if np.isfinite(h) else None
        for mean, h in zip(sweep.means, half, strict=True)
    ]


def _paired(differences: SizeErrors, seed: int) -> list[Difference]:
    half = np.quantile(np.abs(deviations(differences, seed)), CONFIDENCE, axis=0)
    return [
        Difference(mean, Interval(mean - h, mean + h), float(np.sqrt(variance)), len(each))
        for each, mean, h, variance in zip(
            differences.errors,
            map(float, differences.means),
            map(float, half),
            differences.variances,
            strict=True,
        )
    ]


def _unpaired(sweep: SizeErrors) -> list[Difference]:
    """Compare all sizes with the last by Welch's t with moderated noise."""
    variances, degrees = sweep.noise
    squares = variances / sweep.counts
    found = []
    for i in range(len(squares) - 1):
        mean = float(sweep.means[i] - sweep.means[-1])
        seeds = int(min(sweep.counts[i], sweep.counts[-1]))
        if np.isnan(squares[i]):
            found.append(Difference(mean, None, None, seeds))
            continue
        total = squares[i] + squares[-1]
        free = total**2 / (squares[i] ** 2 / degrees[i] + squares[-1] ** 2 / degrees[-1])
        half = float(_quantile(free) * np.sqrt(total))
        spread = float(np.sqrt(variances[i] + variances[-1]))
        found.append(Difference(mean, Interval(mean - half, mean + half), spread, seeds))
    return found


def _quantile(degrees: Array | float) -> Array:
    return np.asarray(stats.t.ppf((1 + CONFIDENCE) / 2, degrees))
