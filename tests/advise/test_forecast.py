"""How long a run will take, from those that were seen."""

import pytest

from sizewise.advise.forecast import BESIDE, Forecast
from sizewise.advise.known import work_of


def test_a_step_lies_between_those_of_less_and_of_more_work() -> None:
    forecast = Forecast()
    forecast.try_out("cnn", 1e6, 0.001)
    forecast.try_out("cnn", 1e8, 0.01)
    assert forecast.seconds("cnn", 1e7, 100) == pytest.approx(BESIDE + 100 * 10**-2.5)
    assert forecast.seconds("cnn", 1e5, 100) == pytest.approx(BESIDE + 100 * 0.001)
    assert forecast.seconds("cnn", 1e9, 100) == pytest.approx(BESIDE + 100 * 0.1)


def test_a_run_counts_for_more_than_a_trial_on_noise() -> None:
    forecast = Forecast()
    forecast.try_out("cnn", 1e6, 0.001)
    for beside in (1.0, 3.0, 1.5):
        forecast.see("cnn", 1e6, 0.002, beside)
    assert forecast.beside == 1.5
    assert forecast.seconds("cnn", 1e6, 1000) == pytest.approx(3.5)


def test_work_is_known_between_sizes_and_grows_with_parameters_beyond() -> None:
    known = {1000: 1e6, 16_000: 1.6e7}
    assert work_of(known, 4000) == pytest.approx(4e6)
    assert work_of(known, 64_000) == pytest.approx(6.4e7)


def test_a_trial_on_noise_counts_as_real_runs_of_its_family_have_shown() -> None:
    forecast = Forecast()
    for family in ("cnn", "lstm"):
        forecast.try_out(family, 1e6, 0.001)
        forecast.try_out(family, 1e8, 0.02)
    forecast.see("cnn", 1e6, 0.0015, 1.0)
    assert forecast.seconds("cnn", 1e8, 100) == pytest.approx(1 + 100 * 0.03)
    assert forecast.seconds("lstm", 1e8, 100) == pytest.approx(1 + 100 * 0.02)
    assert forecast.reaches("cnn", 1e8)
    assert not forecast.reaches("cnn", 1.1e8)
    assert not forecast.reaches("mlp", 1e6)
