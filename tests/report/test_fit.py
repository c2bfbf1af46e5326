import numpy as np
import pytest

from sizewise.report.stats.curves import FORMS
from sizewise.report.stats.errors import Interval, SizeErrors
from sizewise.report.stats.fit import Fit, NoFit, fit_sweep
from sizewise.report.stats.noise import Array

SIZES = np.geomspace(500, 500_000, 8)


def power_law(
    sizes: Array, floor: float = 0.05, amplitude: float = 0.4, exponent: float = 0.5
) -> Array:
    return floor + amplitude * (sizes / 500) ** -exponent


def noisy(
    truth: Array, spreads: Array | float, seeds: int, rng: np.random.Generator
) -> list[Array]:
    spreads = np.broadcast_to(spreads, truth.shape)
    return [
        mean + spread * rng.standard_normal(seeds)
        for mean, spread in zip(truth, spreads, strict=True)
    ]


def known(interval: Interval | None) -> Interval:
    assert interval is not None
    return interval


def fitted(sweep: SizeErrors, tolerance: float = 0.01) -> Fit:
    fit = fit_sweep(sweep, tolerance)
    assert isinstance(fit, Fit), fit
    return fit


@pytest.mark.parametrize("exponent", [0.25, 0.5, 1.0])
def test_exponent_is_recovered_from_unequal_noise(exponent: float) -> None:
    rng = np.random.default_rng(3)
    sizes = np.geomspace(500, 500_000, 10)
    spreads = 0.005 * np.exp(rng.uniform(-0.7, 0.7, 10))
    fit = fitted(SizeErrors(sizes, noisy(power_law(sizes, exponent=exponent), spreads, 10, rng)))
    assert fit.form.name == "power law with a floor"
    assert fit.curve.shape == pytest.approx(exponent, rel=0.05)
    assert 0.05 in known(fit.floor_interval)
    assert np.diff(known(fit.floor_interval)) < 0.1


def test_noise_free_sweep_is_fitted_exactly() -> None:
    rng = np.random.default_rng(0)
    fit = fitted(SizeErrors(SIZES, noisy(power_law(SIZES), 1e-7, 3, rng)))
    assert fit.curve.shape == pytest.approx(0.5, rel=1e-4)
    assert fit.floor == pytest.approx(0.05, rel=1e-3)
    assert fit.curve.amplitude == pytest.approx(0.4, rel=1e-4)


def test_a_wild_size_counts_for_little() -> None:
    rng = np.random.default_rng(1)
    errors = noisy(power_law(SIZES), 0.002, 5, rng)
    errors[4] = errors[4] + np.array([-0.1, 0.3, -0.05, 0.25, 0.0])
    assert fitted(SizeErrors(SIZES, errors)).curve.shape == pytest.approx(0.5, rel=0.1)


def test_a_size_sure_of_itself_and_off_the_curve_is_allowed_for_or_no_curve_is_given() -> None:
    errors = noisy(power_law(SIZES), 0.002, 5, np.random.default_rng(1))
    errors[4] = errors[4] + 0.08
    found = fit_sweep(SizeErrors(SIZES, errors), 0.01)
    assert isinstance(found, NoFit)
    assert "no form describes" in found.reason
    fit = fitted(SizeErrors(SIZES, errors), tolerance=0.1)
    assert fit.scatter > 0.01
    assert 0.05 in known(fit.floor_interval)


def test_held_out_size_is_predicted_from_the_smaller_ones() -> None:
    rng = np.random.default_rng(2)
    fit = fitted(SizeErrors(SIZES, noisy(power_law(SIZES), 0.004, 5, rng)))
    assert fit.held_out is not None
    assert fit.held_out.size == 500_000
    truth = power_law(SIZES)[-1]
    assert fit.held_out.predicted == pytest.approx(truth, abs=0.01)
    assert truth in fit.held_out.interval
    broken = SizeErrors(SIZES, noisy(power_law(SIZES) + 0.1 * (SIZES == 500_000), 0.004, 5, rng))
    held_out = fitted(broken, tolerance=0.1).held_out
    assert held_out is not None
    assert held_out.observed > held_out.interval.high


def test_doubling_gain_is_where_the_formula_says() -> None:
    rng = np.random.default_rng(0)
    fit = fitted(SizeErrors(SIZES, noisy(power_law(SIZES), 1e-6, 3, rng)))
    place, interval = fit.size_where_doubling_buys(0.01)
    assert place == pytest.approx(500 * (0.4 * (1 - 2**-0.5) / 0.01) ** 2, rel=0.02)
    assert fit.predict(np.array([place])) - fit.predict(np.array([2 * place])) == pytest.approx(
        0.01, rel=0.02
    )
    assert interval is not None
    assert interval.low <= place <= interval.high


@pytest.mark.parametrize(
    ("truth", "sizes", "reason"),
    [
        (power_law(SIZES[:3]), SIZES[:3], "has 3 sizes"),
        (power_law(SIZES[:1]), SIZES[:1], "has 1 size;"),
        (np.full(8, 0.3), SIZES, "shows no fall"),
        (np.linspace(0.2, 0.4, 8), SIZES, "shows no fall"),
    ],
)
def test_what_cannot_be_fitted_is_said(truth: Array, sizes: Array, reason: str) -> None:
    sweep = SizeErrors(sizes, noisy(truth, 0.01, 4, np.random.default_rng(5)))
    found = fit_sweep(sweep, 0.01)
    assert isinstance(found, NoFit)
    assert reason in found.reason


def test_a_rival_that_is_true_is_preferred_and_drawn() -> None:
    rng = np.random.default_rng(0)
    saturating = 0.1 + 0.4 * np.exp(-(SIZES - 500) / 20_000)
    fit = fitted(SizeErrors(SIZES, noisy(saturating, 0.004, 5, rng)))
    assert fit.form.name == "exponential saturation"
    assert fit.predict(SIZES) == pytest.approx(saturating, abs=0.01)
    assert not next(score for score in fit.scores if score.form is FORMS[0]).ties


def test_of_forms_that_tie_the_usual_one_is_drawn() -> None:
    rng = np.random.default_rng(0)
    fit = fitted(SizeErrors(SIZES, noisy(power_law(SIZES, 0.02), 0.02, 3, rng)))
    assert sum(score.ties for score in fit.scores) > 1
    assert fit.form is FORMS[0]


def test_one_seed_gives_a_curve_without_intervals() -> None:
    fit = fitted(SizeErrors(SIZES, [np.array([error]) for error in power_law(SIZES)]))
    assert fit.curve.shape == pytest.approx(0.5, rel=1e-3)
    assert fit.floor_interval is None
    assert fit.band(SIZES) is None


def test_the_same_sweep_gives_the_same_intervals() -> None:
    sweep = SizeErrors(SIZES, noisy(power_law(SIZES), 0.01, 3, np.random.default_rng(7)))
    assert fitted(sweep).floor_interval == fitted(sweep).floor_interval


def test_what_the_largest_size_shows_does_not_change_its_prediction() -> None:
    errors = noisy(power_law(SIZES), 0.004, 5, np.random.default_rng(3))
    wild = [*errors[:-1], errors[-1] + np.array([-0.05, 0.03, 0.0, 0.02, -0.01])]
    kept, changed = (fitted(SizeErrors(SIZES, each), 0.1).held_out for each in (errors, wild))
    assert kept is not None
    assert changed is not None
    assert kept.interval == changed.interval
