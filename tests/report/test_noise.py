import numpy as np
import pytest

from sizewise.report.stats.noise import moderate


def test_few_seeds_borrow_from_the_other_sizes() -> None:
    rng = np.random.default_rng(0)
    truth = 0.01 * np.geomspace(1, 4, 12)  # noise that grows with size
    raw = np.array([(s * rng.standard_normal(3)).var(ddof=1) for s in truth])
    noise = moderate(raw, np.full(12, 3.0), np.linspace(0, 5, 12))
    off = np.abs(np.log(noise.variances / truth**2))
    assert off.max() < 1.2  # within a factor of about 3, where the raw variances are not
    assert np.abs(np.log(raw / truth**2)).max() > 2
    assert np.all(noise.degrees > 2)


def test_many_seeds_keep_their_own_variance() -> None:
    raw = np.array([1e-4, 25e-4, 1e-4, 25e-4])
    noise = moderate(raw, np.full(4, 200.0), np.arange(4.0))
    assert noise.variances == pytest.approx(raw, rel=0.05)


def test_a_size_with_one_seed_takes_the_others_variance() -> None:
    noise = moderate(np.array([4e-4, np.nan, 4e-4, 4e-4]), np.array([9, 1, 9, 9.0]), np.arange(4.0))
    assert noise.variances[1] == pytest.approx(4e-4, rel=0.2)


def test_without_two_seeds_anywhere_nothing_is_known() -> None:
    noise = moderate(np.full(3, np.nan), np.ones(3), np.arange(3.0))
    assert np.isnan(noise.variances).all()
    assert not noise.degrees.any()
