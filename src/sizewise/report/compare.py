"""Is one cell's test error higher than another's? A paired bootstrap over seeds.

Runs of the same seed share their division of the data and the order of its samples, so the
differences within seeds are compared (in pairs). With three to five seeds a percentile bootstrap is
far too sure of itself: three differences have ten distinct resamples. The interval is studentised
instead (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, section 12.5), with residuals
pooled over all cells compared and their variances moderated as in `noise`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from sizewise.report.bootstrap import CONFIDENCE, RESAMPLES, Interval, Sweep, resample
from sizewise.report.noise import Array, moderate
from sizewise.report.select import Cell


@dataclass(frozen=True)
class Comparison:
    """A cell's mean test error less the reference's.

    Args:
        cell: what is compared.
        difference: above zero where the cell is worse.
        interval: 90 %; None where neither pairs nor repeats say how sure it is.
        spread: standard deviation of one seed's difference; None with `interval`.
        seeds: pairs, or the fewer seeds of the two cells where they share none.
    """

    cell: Cell
    difference: float
    interval: Interval | None
    spread: float | None
    seeds: int

    def is_worse(self, tolerance: float) -> bool:
        """Return whether the interval lies above zero, and the difference above `tolerance`."""
        return self.interval is not None and self.interval.low > 0 and self.difference > tolerance

    def is_as_good(self, tolerance: float) -> bool:
        """Return whether the interval rules out being worse by more than `tolerance`."""
        return self.interval is not None and self.interval.high <= tolerance


def compare(cells: Sequence[Cell], reference: Cell, *, seed: int = 0) -> list[Comparison]:
    """Compare each of `cells` with `reference`, in their order.

    The reference itself, if it is among them, differs from itself by exactly 0.
    """
    found: dict[int, Comparison] = {}
    paired: list[tuple[Cell, Array]] = []
    own = dict(zip(reference.seeds, reference.test_errors, strict=True))
    for cell in cells:
        if cell is reference:
            found[id(cell)] = Comparison(cell, 0.0, Interval(0.0, 0.0), 0.0, len(cell.seeds))
            continue
        errors = dict(zip(cell.seeds, cell.test_errors, strict=True))
        shared = [each for each in cell.seeds if each in own]
        if shared:
            paired.append((cell, np.array([errors[each] - own[each] for each in shared])))
    if any(len(differences) > 1 for _, differences in paired):
        found |= {id(each.cell): each for each in _paired(paired, seed)}
    unpaired = [cell for cell in cells if id(cell) not in found]
    if unpaired:
        found |= {id(each.cell): each for each in _unpaired(unpaired, reference)}
    return [found[id(cell)] for cell in cells]


def standard_errors(cells: Sequence[Cell]) -> list[float]:
    """Return the standard error of each cell's mean test error; NaN if no cell has two seeds."""
    sweep = _sweep(cells, [cell.test_errors for cell in cells])
    return [float(each) for each in np.sqrt(sweep.variances / sweep.counts)]


def mean_intervals(cells: Sequence[Cell]) -> list[Interval | None]:
    """Return each cell's 90 % interval of the mean test error over seeds (moderated t)."""
    sweep = _sweep(cells, [cell.test_errors for cell in cells])
    raw = np.array([each.var(ddof=1) if len(each) > 1 else np.nan for each in sweep.errors])
    noise = moderate(raw, sweep.counts, np.log(sweep.sizes))
    half = stats.t.ppf((1 + CONFIDENCE) / 2, noise.degrees) * np.sqrt(
        noise.variances / sweep.counts
    )
    return [
        Interval(float(mean - h), float(mean + h)) if np.isfinite(h) else None
        for mean, h in zip(sweep.means, half, strict=True)
    ]


def _paired(paired: list[tuple[Cell, Array]], seed: int) -> list[Comparison]:
    sweep = _sweep([cell for cell, _ in paired], [differences for _, differences in paired])
    variances = sweep.variances
    errors = np.sqrt(variances / sweep.counts)
    generator = np.random.default_rng(seed)
    drawn, weights = resample(sweep, np.zeros(len(errors)), variances, 0.0, generator, RESAMPLES)
    half = np.quantile(np.abs(drawn) * np.sqrt(weights), CONFIDENCE, axis=0) * errors
    return [
        Comparison(cell, mean, Interval(mean - h, mean + h), float(np.sqrt(variance)), len(each))
        for (cell, each), mean, h, variance in zip(
            paired, map(float, sweep.means), map(float, half), variances, strict=True
        )
    ]


def _unpaired(cells: list[Cell], reference: Cell) -> list[Comparison]:
    """Compare cells that share no seeds with the reference, by Welch's t with moderated noise."""
    everyone = [*cells, reference]
    sweep = _sweep(everyone, [cell.test_errors for cell in everyone])
    raw = np.array([each.var(ddof=1) if len(each) > 1 else np.nan for each in sweep.errors])
    variances, degrees = moderate(raw, sweep.counts, np.log(sweep.sizes))
    squares = variances / sweep.counts
    found = []
    for i, cell in enumerate(cells):
        difference = float(sweep.means[i] - sweep.means[-1])
        seeds = int(min(sweep.counts[i], sweep.counts[-1]))
        if np.isnan(squares[i]):
            found.append(Comparison(cell, difference, None, None, seeds))
            continue
        total = squares[i] + squares[-1]
        free = total**2 / (squares[i] ** 2 / degrees[i] + squares[-1] ** 2 / degrees[-1])
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, free) * np.sqrt(total))
        spread = float(np.sqrt(variances[i] + variances[-1]))
        interval = Interval(difference - half, difference + half)
        found.append(Comparison(cell, difference, interval, spread, seeds))
    return found


def _sweep(cells: Sequence[Cell], errors: list[Array]) -> Sweep:
    sizes = np.array([max(cell.parameters, 1) for cell in cells], dtype=float)
    return Sweep(sizes, errors)
