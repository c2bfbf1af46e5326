"""Spread between seeds and shares of runs, against simulation and by hand."""

import math

import numpy as np
import pytest

from sizewise.report.stats.differences import Seeds, size_errors
from sizewise.report.stats.shares import paired_difference, share_interval
from sizewise.report.stats.spread import middle, spread

SEEDS = 5


@pytest.mark.parametrize("deviation", [0.0, 0.03])
def test_spread_is_what_the_test_set_does_not_explain(deviation: float) -> None:
    rng = np.random.default_rng(0)
    seen, inside, sweeps = [], 0, 60
    for _ in range(sweeps):
        rates = np.clip(0.2 + deviation * rng.standard_normal(SEEDS), 0, 1)
        hard = rng.random(300) < 0.3  # on which alone one errs
        errors = (rng.random((SEEDS, 300)) < rates[:, None] / 0.3) & hard
        group = Seeds(tuple(range(SEEDS)), errors.mean(axis=1), errors.astype(np.float32))
        found = size_errors([1000], [group])
        seen.append(found.errors[0].var(ddof=1) - found.sampled[0])
        ends = middle(spread(found, rng).drawn[:, 0])
        assert ends is not None
        inside += ends.low <= deviation <= ends.high
    assert np.mean(seen) == pytest.approx(deviation**2, abs=1.2e-4)  # the samples add 1.3e-4
    assert inside >= 0.8 * sweeps


def test_shares_have_exact_intervals() -> None:
    assert share_interval(0, 20) == pytest.approx((0, 1 - 0.05 ** (1 / 20)))
    assert share_interval(20, 20) == pytest.approx((0.05 ** (1 / 20), 1))
    assert share_interval(5, 20) == pytest.approx((0.1041, 0.4556), abs=1e-4)


def test_shares_of_pairs_are_compared_by_those_that_differ() -> None:
    pairs = [(True, False)] * 6 + [(False, True)] * 1 + [(True, True)] * 5 + [(False, False)] * 8
    value, interval = paired_difference(pairs)
    assert value == pytest.approx(5 / 20)
    first, second = 7 / 22, 2 / 22  # Bonett & Price's (b + 1) / (n + 2)
    half = 1.644854 * math.sqrt((first + second - (first - second) ** 2) / 22)
    assert interval == pytest.approx((first - second - half, first - second + half), abs=1e-6)
    same = paired_difference([(False, False)] * 5)[1]
    assert same is not None
    assert 0 in same
