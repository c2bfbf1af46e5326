"""The test set's own chance, against simulation: benchmarks/fit_coverage.py asks more of it."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from sizewise.report.by_rate import Contrast
from sizewise.report.stats.differences import Seeds, compare, size_errors
from sizewise.report.stats.errors import Interval
from sizewise.report.stats.noise import Array

SAMPLES = 400


def wrong(rng: np.random.Generator, rates: list[float], seeds: int, shared: float = 0.8) -> Array:
    """Return whether each sample is wrong, (K, seeds, N); hard samples are so for all."""
    hard = shared * rng.standard_normal(SAMPLES)
    own = np.sqrt(1 - shared**2) * rng.standard_normal((len(rates), seeds, SAMPLES))
    return np.asarray(hard + own < norm.ppf(rates)[:, None, None], dtype=np.float32)


def groups(errors: Array, first: int = 0) -> list[Seeds]:
    seeds = tuple(range(first, first + errors.shape[1]))
    return [Seeds(seeds, each.mean(axis=1), each) for each in errors]


def test_the_test_sets_variance_is_what_other_test_sets_show() -> None:
    rng = np.random.default_rng(0)
    rates = [0.3, 0.2, 0.1]
    means, estimates = [], []
    for _ in range(400):
        sweep = size_errors([1, 2, 3], groups(wrong(rng, rates, 5)))
        means.append(sweep.means)
        estimates.append(sweep.covariance)
    # over test sets, means vary by that and a fifth of what seeds add
    seen, found = np.cov(np.array(means).T), np.mean(estimates, axis=0)
    assert found[~np.eye(3, dtype=bool)] == pytest.approx(seen[~np.eye(3, dtype=bool)], rel=0.25)
    assert np.all(found.diagonal() < seen.diagonal())
    assert np.all(found.diagonal() > 0.5 * seen.diagonal())


@pytest.mark.parametrize("first", [0, 5])
def test_intervals_of_differences_hold_the_truth_in_pairs_and_apart(first: int) -> None:
    rng, hits, sweeps = np.random.default_rng(1), 0, 300
    for _ in range(sweeps):
        hard = wrong(rng, [0.2, 0.2, 0.3, 0.3], 10)
        one, other = groups(hard[:2, :5]), groups(hard[2:, 5:] if first else hard[2:, :5], first)
        found = compare([1, 2, 3], [one[0], one[1], other[0]], 2)[0]
        assert found.interval is not None
        hits += found.interval.low <= -0.1 <= found.interval.high
    assert 0.85 < hits / sweeps < 0.96


def test_without_samples_the_intervals_are_narrower() -> None:
    errors = wrong(np.random.default_rng(2), [0.3, 0.2], 5)
    with_samples = size_errors([1, 2], groups(errors))
    without = size_errors([1, 2], [each._replace(samples=None) for each in groups(errors)])
    assert np.all(without.half_widths() < with_samples.half_widths())
    assert not without.covariance.any()


def test_more_seeds_than_now_are_asked_for_or_a_larger_test_set() -> None:
    errors = wrong(np.random.default_rng(3), [0.2, 0.19], 5)
    difference = compare([1, 2], groups(errors), 1)[0]
    needed = difference.seeds_needed(0.05, 1000)
    assert needed is not None
    assert needed > difference.seeds
    assert difference.half_width(needed) < abs(difference.mean - 0.05)
    assert difference.half_width(needed - 1) >= abs(difference.mean - 0.05) or needed == 6
    none = difference._replace(shared=1.0)
    assert none.seeds_needed(0.05, 1000) is None


def test_seeds_are_counted_at_the_confidence_of_the_interval_up_to_the_most() -> None:
    errors = wrong(np.random.default_rng(3), [0.2, 0.19], 5)
    usual, sure = (compare([1, 2], groups(errors), 1, level)[0] for level in (0.9, 0.98))
    for each in (usual, sure):
        assert each.interval is not None
        assert each.half_width(each.seeds) == pytest.approx(each.interval.high - each.mean)
    tolerance = sure.mean + sure.half_width(20)
    needed = sure.seeds_needed(tolerance, 1000)
    assert needed is not None
    assert needed > (usual.seeds_needed(tolerance, 1000) or math.inf)
    assert sure.seeds_needed(tolerance, needed) == needed
    assert sure.seeds_needed(tolerance, needed - 1) is None


def test_an_interval_that_is_not_known_rules_nothing_out() -> None:
    assert 0 not in Interval(0.1, 0.2)
    assert 0 in Interval(math.nan, math.nan)
    assert not Contrast(0.1, Interval(math.nan, math.nan)).is_told
