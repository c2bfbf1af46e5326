"""How a family's test error falls with its size: error(N) = E + A·N^-α, and how sure that is.

The form is that of Hestness et al., "Deep Learning Scaling is Predictable, Empirically" (2017,
arXiv:1712.00409, section 3), Rosenfeld et al., "A Constructive Prediction of the Generalization
Error Across Scales" (ICLR 2020, arXiv:1909.12673, eq. 1 at a fixed amount of data) and Hoffmann et
al., "Training Compute-Optimal Large Language Models" (2022, arXiv:2203.15556, eq. 2).

**Weights.** Each size's mean weighs 1 / (s²/n + τ²): s² is its variance over n seeds (`noise`), τ²
a scatter of whole sizes about the curve, above zero only where the curve leaves more than seeds
make it leave in 95 of 100 drawn sweeps (then by Paule & Mandel, J. Res. NBS 87, 1982).

**Intervals** invert a likelihood ratio: all α whose best curve leaves no more than c above the
minimum, likewise E. c is the 90 % point of that same difference in sweeps drawn from the fitted
curve: seeds from the pooled standardised residuals of all sizes, sizes from N(0, τ²), with the
variances estimated afresh in each, so what few seeds leave uncertain is paid for. Percentile
intervals over such sweeps, and an F threshold on raw variances in place of c, cover less well:
benchmarks/fit_coverage.py measures all three.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from sizewise.report.stats.forms import (
    POWER_LAW,
    RIVALS,
    Curve,
    Form,
    Means,
    best_curve,
    best_on_grid,
    evaluate,
)
from sizewise.report.stats.likelihood import chance_of_trend, invert, level
from sizewise.report.stats.noise import Array
from sizewise.report.stats.resample import RESAMPLES, TAILS, Interval, SizeErrors, resample

FEWEST_SIZES = 4
SIGNIFICANT = 0.05


class HeldOut(NamedTuple):
    """The largest size, predicted from the others, and seen."""

    size: float
    predicted: float
    interval: Interval
    observed: float


class FormScore(NamedTuple):
    """How well a form describes a sweep: AICc less the best form's; its held-out error."""

    form: Form
    curve: Curve
    aicc_difference: float
    held_out_error: float | None


@dataclass(frozen=True)
class Fit:
    """error(N) = floor + amplitude · (N / smallest)^-exponent.

    Args:
        smallest: the sweep's smallest size, in parameters.
        curve: the best: its shape is the exponent.
        exponent_interval, floor_interval: None where no size has two seeds.
        scatter: τ, of sizes about the curve beyond what seeds explain.
        resampled: curves of the resampled sweeps, (B,) each; None with `exponent_interval`.
        held_out: None below five sizes, where the rest can't be fitted.
        forms: the power law with a floor and its rivals, best first; none with one seed a size.
    """

    smallest: float
    curve: Curve
    exponent_interval: Interval | None = None
    floor_interval: Interval | None = None
    scatter: float = 0.0
    resampled: Curve | None = None
    held_out: HeldOut | None = None
    forms: Sequence[FormScore] = ()

    @property
    def exponent(self) -> float:
        """Return α."""
        return float(self.curve.shape)

    @property
    def floor(self) -> float:
        """Return E."""
        return float(self.curve.floor)

    def predict(self, sizes: Array) -> Array:
        """Return the fitted error at `sizes` (M,)."""
        return evaluate(POWER_LAW, self.curve, sizes, self.smallest)

    def band(self, sizes: Array) -> tuple[Array, Array] | None:
        """Return the ends of the curve's pointwise 90 % band at `sizes` (M,)."""
        if self.resampled is None:
            return None
        curves = evaluate(POWER_LAW, self.resampled, sizes, self.smallest)
        low, high = np.quantile(curves, TAILS, axis=0)
        return low, high

    def size_where_doubling_buys(self, gain: float) -> tuple[float, Interval | None]:
        """Return the size at which a doubling lowers the error by `gain`, with its interval."""
        point = float(_doubling(self.curve, self.smallest, gain))
        if self.resampled is None:
            return point, None
        low, high = np.quantile(_doubling(self.resampled, self.smallest, gain), TAILS)
        return point, Interval(float(low), float(high))


class NoFit(NamedTuple):
    """Why there is no fit, in words that go on from the family's name."""

    reason: str


def fit_sweep(sweep: SizeErrors, *, resamples: int = RESAMPLES, seed: int = 0) -> Fit | NoFit:
    """Fit one family's errors, or say why they can't be fitted.

    Args:
        sweep: the family's test errors.
        resamples: sweeps drawn for the intervals.
        seed: of the draws: the same sweep gives the same intervals.
    """
    sizes = len(sweep.sizes)
    if sizes < FEWEST_SIZES:
        return NoFit(
            f"has {sizes} size{'s' * (sizes != 1)}; a curve of three parameters needs at least "
            f"{FEWEST_SIZES}"
        )
    smallest, variances = float(sweep.sizes.min()), sweep.variances
    if np.isnan(variances).any():  # one seed each: nothing says how sure any of it is
        curve = best_curve(POWER_LAW, sweep.weighed(np.ones(sizes)))
        if curve.amplitude <= 0 or np.corrcoef(np.log(sweep.sizes), sweep.means)[0, 1] >= 0:
            return NoFit("shows no fall of error with size")
        return Fit(smallest, curve)
    generator = np.random.default_rng(seed)

    def draw(model: Array, scatter: float) -> Means:
        return resample(sweep, model, variances, scatter, generator, resamples)

    def best(means: Means) -> tuple[Curve, Array]:
        curve = best_curve(POWER_LAW, means)
        return curve, evaluate(POWER_LAW, curve, sweep.sizes, smallest)

    curve, model = best(sweep.weighed(sweep.counts / variances))
    drawn = draw(model, 0.0)
    scatter = _scatter(sweep, curve, drawn)
    means = sweep.weighed(1 / (variances / sweep.counts + scatter**2))
    if scatter:
        curve, model = best(means)
        drawn = draw(model, scatter)
    flat = np.full(sizes, level(means)[0][0])
    chance = chance_of_trend(means, curve, draw(flat, scatter))
    if chance >= SIGNIFICANT:
        return NoFit(
            "shows no fall of error with size that seeds could not have made "
            f"(p = {chance:.2g}; a fit is given below {SIGNIFICANT})"
        )
    grid = POWER_LAW.grid_around(curve, means)
    return Fit(
        smallest,
        curve,
        *invert(means, curve, grid, drawn),
        scatter=scatter,
        resampled=best_on_grid(POWER_LAW, grid, drawn),
        held_out=_hold_out(sweep, scatter, generator, resamples),
        forms=_compare(sweep, means),
    )


def _scatter(sweep: SizeErrors, curve: Curve, drawn: Means) -> float:
    """Return τ: zero unless sizes scatter about the curve more than seeds make them.

    Args:
        sweep: the family's test errors.
        curve: the best through the means, were there no scatter.
        drawn: sweeps drawn with no such scatter; they show what seeds make, with the variances as
            uncertain as they are, which a χ² table doesn't know.
    """
    grid = POWER_LAW.grid_around(curve, sweep.weighed(sweep.counts / sweep.variances))
    by_seeds = best_on_grid(POWER_LAW, grid, drawn).loss
    if (1 + (by_seeds >= float(curve.loss)).sum()) / (1 + len(by_seeds)) >= SIGNIFICANT:
        return 0.0
    free = len(sweep.sizes) - POWER_LAW.parameters

    def excess(tau_squared: float) -> float:
        means = sweep.weighed(1 / (sweep.variances / sweep.counts + tau_squared))
        return float(best_curve(POWER_LAW, means).loss) - free

    widest = float(sweep.means.var()) + 1e-9
    if excess(0.0) <= 0:
        return 0.0
    if excess(widest) > 0:
        return float(np.sqrt(widest))
    return float(np.sqrt(brentq(excess, 0.0, widest, xtol=1e-3 * widest)))


def _hold_out(
    sweep: SizeErrors, scatter: float, generator: np.random.Generator, count: int
) -> HeldOut | None:
    """Predict the largest size from the others; the interval is for the mean of its seeds."""
    rest = SizeErrors(sweep.sizes[:-1], sweep.errors[:-1])
    if len(rest.sizes) < FEWEST_SIZES or not (rest.counts > 1).any():
        return None
    size, smallest, variances = sweep.sizes[-1:], rest.sizes.min(), sweep.variances
    means = rest.weighed(1 / (variances[:-1] / rest.counts + scatter**2))
    curve = best_curve(POWER_LAW, means)
    model = evaluate(POWER_LAW, curve, rest.sizes, smallest)
    drawn = resample(rest, model, variances[:-1], scatter, generator, count)
    curves = best_on_grid(POWER_LAW, POWER_LAW.grid_around(curve, means), drawn)
    predictions = evaluate(POWER_LAW, curves, size, smallest)[:, 0]
    own = np.sqrt(variances[-1] / sweep.counts[-1] + scatter**2)
    predictions = predictions + own * generator.standard_normal(count)
    low, high = np.quantile(predictions, TAILS)
    predicted = evaluate(POWER_LAW, curve, size, smallest).item()
    interval = Interval(max(0.0, float(low)), float(high))
    return HeldOut(float(size[0]), predicted, interval, float(sweep.means[-1]))


def _compare(sweep: SizeErrors, means: Means) -> list[FormScore]:
    """Rank the forms by AICc over runs (Hurvich & Tsai, Biometrika 76, 1989).

    All are weighed alike, the power law's scatter included, or its excess would decide by itself.
    """
    runs = float(sweep.counts.sum())
    found = []
    for form in (POWER_LAW, *RIVALS):
        curve = best_curve(form, means)
        p = form.parameters
        aicc = float(curve.loss) + 2 * p + 2 * p * (p + 1) / max(runs - p - 1, 1)
        error = None
        if len(sweep.sizes) > FEWEST_SIZES:
            rest = best_curve(form, Means(*(each[..., :-1] for each in means)))
            error = evaluate(form, rest, sweep.sizes[-1:], sweep.sizes[0]).item() - sweep.means[-1]
        found.append(FormScore(form, curve, aicc, error))
    least = min(score.aicc_difference for score in found)
    found = [score._replace(aicc_difference=score.aicc_difference - least) for score in found]
    return sorted(found, key=lambda score: score.aicc_difference)


def _doubling(curve: Curve, smallest: float, gain: float) -> Array:
    at_smallest = curve.amplitude * (1 - 2.0**-curve.shape)
    exponents = np.log(np.maximum(at_smallest, 1e-300) / gain) / curve.shape
    return np.asarray(smallest * np.exp(np.clip(exponents, -50, 50)))
