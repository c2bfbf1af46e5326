import numpy as np
import pytest

from sizewise.sample_errors import pack, unpack

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("count", [1, 7, 8, 1000, 32_000])
def test_right_and_wrong_come_back_as_they_were(count: int) -> None:
    wrong = (RANDOM.random(count) < 0.3).astype(float)
    assert unpack(pack(wrong)) == pytest.approx(wrong, abs=0)
    assert len(pack(wrong)) < 1.4 * count / 8 + 20


def test_other_measures_come_back_to_half_precision() -> None:
    bits = RANDOM.gamma(2.0, 1.0, 1500)
    assert unpack(pack(bits)) == pytest.approx(bits, rel=1e-3)


@pytest.mark.parametrize("unit", [1e6, 1e-7])
def test_errors_of_any_unit_come_back(unit: float) -> None:
    off = unit * RANDOM.gamma(2.0, 1.0, 4000)
    assert unpack(pack(off)).mean() == pytest.approx(off.mean(), rel=1e-3)
    assert unpack(pack(off[:900])) == pytest.approx(off[:900], rel=1e-6)


def test_what_is_long_comes_back_as_means_that_keep_the_whole_mean() -> None:
    bits = RANDOM.gamma(2.0, 1.0, 60_000)
    kept = unpack(pack(bits))
    assert len(kept) == 2000
    assert kept.mean() == pytest.approx(bits.mean(), rel=1e-3)
    assert len(pack(bits)) < 5500
    assert len(pack((bits > 2).astype(float))) < 5500


def test_all_runs_keep_as_many_whatever_their_largest_error() -> None:
    off = RANDOM.gamma(2.0, 1.0, 7000)
    kept = [unpack(pack(unit * off)) for unit in (1.0, 5e3, 1e4, 1e6)]
    assert {len(each) for each in kept} == {2000}
    assert {pack(unit * off).partition(":")[0] for unit in (1.0, 1e4)} == {"half", "single"}
