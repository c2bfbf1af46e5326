"""How a family's test error falls with its size, and how sure that is.

The usual form is error(N) = E + A·N^-α: Hestness et al., "Deep Learning Scaling is Predictable,
Empirically" (2017, arXiv:1712.00409, section 3), Rosenfeld et al., "A Constructive Prediction of
the Generalization Error Across Scales" (ICLR 2020, arXiv:1909.12673, eq. 1 at a fixed amount of
data). It is set against two rivals, and the form that describes the sizes best is the one that is
used: of those that tie, the usual one.

**Weights.** Each size's mean weighs 1 / (s²/n + u + τ²): s² is its variance over n seeds, u what
the test set adds that other sizes do not share, τ² a scatter of whole sizes about the curve, above
zero only where the curve leaves more than chance makes it leave in 95 of 100 drawn sweeps (then by
Paule & Mandel, J. Res. NBS 87, 1982). Where τ is more than the tolerance, no form describes the
sizes, and none is drawn.

**Intervals** are percentiles of curves fitted to sweeps drawn from the best one: see
`SizeErrors.deviations`. benchmarks/fit_coverage.py measures how often they hold the truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import stdtr

from sizewise.report.stats.curves import FORMS, Curve, Form
from sizewise.report.stats.errors import TAILS, Interval, SizeErrors
from sizewise.report.stats.noise import Array

FEWEST_SIZES = 4
SIGNIFICANT = 0.05
DRAWS = 1000
CLEARLY_BETTER = 2.0  # of AICc: Burnham & Anderson, Model Selection, 2002, section 2.6
BEYOND = np.geomspace(1e-3, 1e5, 1000)  # where growth is followed, in sizes of the smallest


class HeldOut(NamedTuple):
    """The largest size, predicted from the others alone, and seen."""

    size: float
    predicted: float
    interval: Interval
    observed: float


class Score(NamedTuple):
    """How well a form describes a sweep: its AICc less the best form's."""

    form: Form
    curve: Curve
    behind: float

    @property
    def ties(self) -> bool:
        """Return whether nothing tells it from the best."""
        return self.behind <= CLEARLY_BETTER


@dataclass(frozen=True)
class Fit:
    """A family's curve.

    Args:
        form: the usual one, or a rival that describes the sizes clearly better.
        smallest: the sweep's smallest size, in parameters.
        curve: the best.
        scatter: τ, of sizes about the curve beyond what chance explains.
        drawn: curves of the drawn sweeps, (B,) each; None where no size has two seeds.
        held_out: None below five sizes, where the rest can't be fitted.
        scores: of all forms, best first; none with one seed a size.
    """

    form: Form
    smallest: float
    curve: Curve
    scatter: float = 0.0
    drawn: Curve | None = None
    held_out: HeldOut | None = None
    scores: Sequence[Score] = ()

    @property
    def floor(self) -> float:
        """Return what no size gets below, by the curve."""
        return self.curve.floor.item()

    @property
    def floor_interval(self) -> Interval | None:
        """Return the floor's 90 % interval."""
        return None if self.drawn is None else _percentiles(self.drawn.floor)

    def predict(self, sizes: Array) -> Array:
        """Return the fitted error at `sizes` (M,)."""
        return np.asarray(self.form.predict(self.curve, sizes, self.smallest)[0])

    def band(self, sizes: Array) -> tuple[Array, Array] | None:
        """Return the ends of the curve's pointwise 90 % band at `sizes` (M,)."""
        if self.drawn is None:
            return None
        low, high = np.quantile(self.form.predict(self.drawn, sizes, self.smallest), TAILS, axis=0)
        return low, high

    def size_where_doubling_buys(self, gain: float) -> tuple[float, Interval | None]:
        """Return the size beyond which no doubling lowers the error by `gain`, and its interval."""
        own, drawn = self._gains
        point = self._last_above(own, gain).item()
        return point, None if drawn is None else _percentiles(self._last_above(drawn, gain))

    @cached_property
    def _gains(self) -> tuple[Array, Array | None]:
        """What a doubling from each of `BEYOND` buys by the curve and the drawn ones, (B, M)."""

        def gains(curve: Curve) -> Array:
            sizes = self.smallest * BEYOND
            once, twice = (self.form.predict(curve, n * sizes, self.smallest) for n in (1, 2))
            return np.asarray(once - twice)

        return gains(self.curve), None if self.drawn is None else gains(self.drawn)

    def _last_above(self, gains: Array, gain: float) -> Array:
        sizes, pays = self.smallest * BEYOND, gains >= gain
        last = len(sizes) - 1 - pays[:, ::-1].argmax(axis=1)
        return np.asarray(np.where(pays.any(axis=1), sizes[last], sizes[0]))


class NoFit(NamedTuple):
    """Why there is no fit, in words that go on from the family's name."""

    reason: str


def fit_sweep(sweep: SizeErrors, tolerance: float, *, seed: int = 0) -> Fit | NoFit:
    """Fit one family's errors, or say why they can't be fitted.

    Args:
        sweep: the family's test errors.
        tolerance: a scatter of sizes above it means that no form describes them.
        seed: of the draws: the same sweep gives the same intervals.
    """
    sizes = len(sweep.sizes)
    if sizes < FEWEST_SIZES:
        return NoFit(
            f"has {sizes} size{'s' * (sizes != 1)}; a curve of three parameters needs at least "
            f"{FEWEST_SIZES}"
        )
    usual, smallest = FORMS[0], sweep.sizes.min()
    if np.isnan(sweep.noise.variances).any():  # one seed each: nothing says how sure any of it is
        curve = usual.fit(sweep.sizes, sweep.means[None], np.ones(sizes))
        if curve.amplitude <= 0 or np.corrcoef(np.log(sweep.sizes), sweep.means)[0, 1] >= 0:
            return NoFit("shows no fall of error with size")
        return Fit(usual, smallest, curve)
    own = _own_variances(sweep)
    chance = _chance_of_trend(sweep, own)
    if chance >= SIGNIFICANT:
        return NoFit(
            "shows no fall of error with size that chance could not have made "
            f"(p = {chance:.2g}; a fit is given below {SIGNIFICANT})"
        )
    deviations = sweep.deviations(DRAWS, seed)
    scores = _scores(sweep, own)
    form = usual if any(each.form is usual and each.ties for each in scores) else scores[0].form
    scatter = _scatter(form, sweep, own, deviations)
    if scatter > tolerance:
        return NoFit("has errors that no form describes: they scatter about each curve")
    curve, drawn = _drawn(form, sweep, own, scatter, deviations)
    held_out = _hold_out(form, sweep, seed)
    return Fit(form, smallest, curve, scatter, drawn, held_out, scores)


def _own_variances(sweep: SizeErrors) -> Array:
    """Return the variance of each mean that is its own: what the test set does to all is not."""
    covariance, count = sweep.covariance, len(sweep.sizes)
    alike = (covariance.sum(axis=1) - covariance.diagonal()) / (count - 1)
    of_samples = np.maximum(covariance.diagonal() - np.maximum(alike, 0), 0)
    return np.asarray(sweep.noise.variances / sweep.counts + of_samples)


def _chance_of_trend(sweep: SizeErrors, own: Array) -> float:
    """Return the chance (p) that errors which do not fall with size seem to fall as these do.

    By a straight line through the logarithms of the sizes, one-sided.
    """
    x = np.log(sweep.sizes)
    x = x - (x / own).sum() / (1 / own).sum()
    z = (x * sweep.means / own).sum() / np.sqrt((x**2 / own).sum())
    return float(stdtr(sweep.noise.degrees.mean(), z))


def _scores(sweep: SizeErrors, own: Array) -> list[Score]:
    """Rank the forms by AICc over runs (Hurvich & Tsai, Biometrika 76, 1989)."""
    runs, found = sweep.counts.sum(), []
    for form in FORMS:
        curve = form.fit(sweep.sizes, sweep.means[None], 1 / own)
        p = form.parameters
        found.append(
            (curve.loss.item() + 2 * p + 2 * p * (p + 1) / max(runs - p - 1, 1), form, curve)
        )
    least = min(aicc for aicc, *_ in found)
    return sorted(
        (Score(form, curve, aicc - least) for aicc, form, curve in found),
        key=lambda each: each.behind,
    )


def _scatter(form: Form, sweep: SizeErrors, own: Array, deviations: Array) -> float:
    """Return τ: zero unless sizes scatter about the curve more than chance makes them."""
    curve, drawn = _drawn(form, sweep, own, 0.0, deviations)
    if (1 + (drawn.loss >= curve.loss).sum()) / (1 + len(deviations)) >= SIGNIFICANT:
        return 0.0
    free = len(sweep.sizes) - form.parameters

    def excess(square: float) -> float:
        return form.fit(sweep.sizes, sweep.means[None], 1 / (own + square)).loss.item() - free

    widest = float(sweep.means.var()) + 1e-9
    if excess(0.0) <= 0 or excess(widest) > 0:
        return 0.0 if excess(0.0) <= 0 else float(np.sqrt(widest))
    return float(np.sqrt(brentq(excess, 0.0, widest, xtol=1e-3 * widest)))


def _drawn(
    form: Form, sweep: SizeErrors, own: Array, scatter: float, deviations: Array, seed: int = 1
) -> tuple[Curve, Curve]:
    """Return the best curve, and those of sweeps drawn from it."""
    weights = 1 / (own + scatter**2)
    curve = form.fit(sweep.sizes, sweep.means[None], weights)
    model = form.predict(curve, sweep.sizes, sweep.sizes.min())
    of_sizes = np.random.default_rng(seed).standard_normal(deviations.shape)
    return curve, form.fit(sweep.sizes, model + deviations + scatter * of_sizes, weights)


def _hold_out(form: Form, sweep: SizeErrors, seed: int) -> HeldOut | None:
    """Predict the largest size from the others; the interval is for the mean of its seeds.

    Of the largest nothing is used but its size and the number of its seeds: its variance is what
    the others lead one to expect, its test set's chance that of the next smaller.
    """
    samples = None if sweep.samples is None else sweep.samples[:-1]
    rest = SizeErrors(sweep.sizes[:-1], sweep.errors[:-1], samples)
    if len(rest.sizes) < FEWEST_SIZES or not (rest.counts > 1).any():
        return None
    own = _own_variances(rest)
    of_samples = own - rest.noise.variances / rest.counts
    deviations = rest.deviations(DRAWS, seed)
    scatter = _scatter(form, rest, own, deviations)
    curve, drawn = _drawn(form, rest, own, scatter, deviations)
    size, smallest = sweep.sizes[-1:], rest.sizes.min()
    unseen = SizeErrors(sweep.sizes, [*rest.errors, rest.errors[-1][:1]]).noise
    generator = np.random.default_rng(seed)
    of_seeds = generator.standard_t(unseen.degrees[-1], DRAWS)
    of_seeds *= np.sqrt(unseen.variances[-1] / sweep.counts[-1])
    of_size = generator.standard_normal(DRAWS) * np.sqrt(scatter**2 + of_samples[-1])
    predictions = form.predict(drawn, size, smallest)[:, 0] + of_seeds + of_size
    interval = _percentiles(np.maximum(predictions, 0))
    predicted = form.predict(curve, size, smallest).item()
    return HeldOut(size.item(), predicted, interval, float(sweep.means[-1]))


def _percentiles(values: Array) -> Interval:
    low, high = np.quantile(values, TAILS)
    return Interval(float(low), float(high))
