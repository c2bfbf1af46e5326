"""Is one size's error higher than another's?

Runs of the same seed share their division of the data and the order of its samples, so that where
two sizes share most of their seeds, the differences within seeds are compared (in pairs); else
their means are, by Welch's t. Either way variances are moderated and the test set's own chance is
in: see `errors`.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sizewise.report.stats.errors import CONFIDENCE, Interval, SizeErrors, both_degrees, half_width
from sizewise.report.stats.noise import Array

EDGE = 0.25  # of a tolerance: within it of the tolerance's end, a size may be taken or left


class Seeds(NamedTuple):
    """One size's errors: its seeds, each one's error (n,), and that of each sample, (n, N)."""

    seeds: tuple[int, ...]
    errors: Array
    samples: Array | None = None


class Difference(NamedTuple):
    """A mean error less another's.

    Args:
        mean: above zero where the first is worse.
        interval: None where there are no two seeds to say how sure it is.
        variance: of one seed's difference, moderated; NaN with no interval.
        degrees: of freedom, of `variance`.
        shared: the variance of `mean` that comes of the test set.
        seeds: pairs, or the fewer seeds of the two where most are not shared.
        confidence: of `interval`.
        rivals: the first's differences from others that may be the best in the second's place.
    """

    mean: float
    interval: Interval | None
    variance: float
    degrees: float
    shared: float
    seeds: int
    confidence: float = CONFIDENCE
    rivals: "tuple[Difference, ...]" = ()

    @property
    def low(self) -> float:
        """Return the interval's lower end."""
        return -math.inf if self.interval is None else self.interval.low

    @property
    def high(self) -> float:
        """Return the interval's upper end."""
        return math.inf if self.interval is None else self.interval.high

    def is_worse(self, tolerance: float) -> bool:
        """Return whether being worse by `tolerance` or less is ruled out, than each rival too."""
        return self.low > tolerance and all(each.low > tolerance for each in self.rivals)

    def is_as_good(self, tolerance: float) -> bool:
        """Return whether being worse by more is ruled out, than each rival too."""
        return self.high <= tolerance and all(each.high <= tolerance for each in self.rivals)

    def is_at_edge(self, tolerance: float) -> bool:
        """Return whether the interval says that it is as bad as `tolerance`, as near as matters."""
        near = EDGE * tolerance
        return self.interval is not None and (
            tolerance - near <= self.interval.low <= self.interval.high <= tolerance + near
        )

    def with_test_samples(self, factor: float) -> "Difference":
        """Return the difference, had there been so many times the test samples."""
        rivals = tuple(each.with_test_samples(factor) for each in self.rivals)
        return self._replace(shared=self.shared / factor, rivals=rivals)

    def half_width(self, seeds: int) -> float:
        """Return half the interval's width, had there been so many seeds."""
        degrees = max(self.degrees + seeds - self.seeds, 1)
        of_seeds = np.asarray(self.variance / seeds)
        return float(half_width(of_seeds, degrees, self.shared, self.confidence))

    def seeds_needed(self, tolerance: float, most: int) -> int | None:
        """Return with how many seeds in all, more than now, it would decide; None above `most`.

        Were mean and variance to stay as they are.
        """
        if self.low > tolerance:
            doubted = [each for each in self.rivals if each.low <= tolerance]
        else:
            doubted = [each for each in self.rivals if self.high <= tolerance < each.high]
        if doubted:  # beside the reference itself it is decided
            needed = [each.seeds_needed(tolerance, most) for each in doubted]
            known = [each for each in needed if each is not None]
            return max(known) if len(known) == len(needed) else None
        off = abs(self.mean - tolerance)
        enough = max(off, EDGE * tolerance - off)  # it is told, or at the edge
        more = range(self.seeds + 1, most + 1)
        return next((n for n in more if self.half_width(n) < enough), None)


def compare(
    sizes: Sequence[int],
    groups: Sequence[Seeds],
    reference: int,
    confidence: float = CONFIDENCE,
) -> list[Difference]:
    """Compare each size's errors with those at the index `reference`, in their order.

    The reference itself differs from itself by exactly 0.

    Args:
        sizes: parameters, (K,).
        groups: each size's errors, (K,).
        reference: the index of what all are compared with.
        confidence: of the intervals.
    """
    own = groups[reference]
    none = Difference(0.0, Interval(0.0, 0.0), 0.0, math.inf, 0.0, len(own.seeds))
    found = {reference: none}
    pairs = {i: in_pairs(group, own) for i, group in enumerate(groups) if i != reference}
    paired = [
        i
        for i, pair in pairs.items()
        if 2 * len(pair.seeds) > min(len(groups[i].seeds), len(own.seeds))
    ]
    if any(len(pairs[i].seeds) > 1 for i in paired):
        differences = size_errors([sizes[i] for i in paired], [pairs[i] for i in paired])
        variances, degrees = differences.noise
        rows = zip(
            *(differences.means, variances, degrees, differences.covariance.diagonal()),
            differences.half_widths(confidence),
            differences.counts,
            strict=True,
        )
        found |= {i: difference(confidence, *row) for i, row in zip(paired, rows, strict=True)}
    rest = [i for i in range(len(groups)) if i not in found]
    if rest:
        everyone = [*rest, reference]
        sweep = size_errors([sizes[i] for i in everyone], [groups[i] for i in everyone])
        found |= zip(rest, _unpaired(sweep, confidence), strict=True)
    return [found[i] for i in range(len(groups))]


def in_pairs(group: Seeds, other: Seeds) -> Seeds:
    """Return the differences within the seeds that both have."""
    shared = [seed for seed in group.seeds if seed in other.seeds]
    first = [group.seeds.index(seed) for seed in shared]
    second = [other.seeds.index(seed) for seed in shared]
    samples = None
    if group.samples is not None and other.samples is not None:
        samples = np.subtract(group.samples[first], other.samples[second], dtype=np.float32)
    return Seeds(tuple(shared), group.errors[first] - other.errors[second], samples)


def mean_of(groups: Sequence[Seeds]) -> Seeds:
    """Return the mean of groups within the seeds that all have."""
    shared = sorted(set.intersection(*(set(group.seeds) for group in groups)))
    rows = [[group.seeds.index(seed) for seed in shared] for group in groups]
    errors = [group.errors[own] for group, own in zip(groups, rows, strict=True)]
    samples = [
        group.samples[own]
        for group, own in zip(groups, rows, strict=True)
        if group.samples is not None
    ]
    kept = np.mean(samples, axis=0) if len(samples) == len(groups) else None
    return Seeds(tuple(shared), np.mean(errors, axis=0), kept)


def size_errors(sizes: Sequence[float] | Array, groups: Sequence[Seeds]) -> SizeErrors:
    """Return groups as `SizeErrors`."""
    samples = [group.samples for group in groups if group.samples is not None]
    kept = samples if samples and len(samples) == len(groups) else None
    return SizeErrors(sizes, [group.errors for group in groups], kept)


def _unpaired(sweep: SizeErrors, confidence: float) -> list[Difference]:
    """Compare all sizes with the last by Welch's t with moderated noise."""
    variances, degrees = sweep.noise
    squares, covariance = variances / sweep.counts, sweep.covariance
    found = []
    for i in range(len(squares) - 1):
        both = squares[i] + squares[-1]
        free = both**2 / (squares[i] ** 2 / degrees[i] + squares[-1] ** 2 / degrees[-1])
        shared = covariance[i, i] + covariance[-1, -1] - 2 * covariance[i, -1]
        shared = max(shared, 0.0)
        half = float(half_width(both, both_degrees(both, free, shared), shared, confidence))
        seeds = min(sweep.counts[i], sweep.counts[-1])
        mean = sweep.means[i] - sweep.means[-1]
        found.append(difference(confidence, mean, both * seeds, free, shared, half, seeds))
    return found


def difference(
    confidence: float,
    mean: float,
    variance: float,
    degrees: float,
    shared: float,
    half: float,
    seeds: float,
) -> Difference:
    """Return a difference whose interval reaches `half` to either side; see `Difference`."""
    interval = Interval(float(mean - half), float(mean + half)) if np.isfinite(half) else None
    variance, degrees, shared = map(float, (variance, degrees, shared))
    return Difference(float(mean), interval, variance, degrees, shared, int(seeds), confidence)
