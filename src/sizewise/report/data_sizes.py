"""Deep learning against classical as the training data grow: who wins where, and how surely.

At each amount of training samples every family stands for itself by its best size, chosen by
validation there. The networks' champion, by validation too, is set against the classical one, in
pairs of seeds: runs of the same seed share their samples, and fewer are a subset of more.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from sizewise.records import RunRecord
from sizewise.report.bootstrap import CONFIDENCE, RESAMPLES, TAILS, Interval, Sweep, resample
from sizewise.report.compare import mean_intervals
from sizewise.report.noise import Array
from sizewise.report.select import Cell, select_usable
from sizewise.report.usable import AMOUNT

LEAST_ERROR = 1e-5  # stands for none at all, which has no logarithm


class Overtaking(Enum):
    """Whether the networks' error falls below the classical families' as data grow."""

    CROSSES = "classical ahead on little data, networks on much"
    NETWORKS = "networks ahead at every amount"
    CLASSICAL = "classical ahead at the largest amount"
    ONE_KIND = "both were run at fewer than two amounts"


@dataclass(frozen=True)
class Amount:
    """The families' best cells at one amount of training samples.

    Args:
        samples: how many were learnt from.
        cells: each family's best size by validation, families in alphabetical order.
        intervals: of the cells' mean test errors; None where seeds are lacking.
        network, classical: the best of each kind by validation; None where there is none.
    """

    samples: int
    cells: list[Cell]
    intervals: list[Interval | None]
    network: Cell | None
    classical: Cell | None


@dataclass(frozen=True)
class Crossing:
    """Where the networks overtake, in training samples.

    Args:
        kind: what the means say.
        amounts: those where both kinds were run, ascending, (A,).
        differences: the network's mean test error less the classical one's, (A,).
        intervals: theirs, 90 %; None where a pair of seeds is lacking.
        place: where the difference changes sign for good; None without a crossing.
        interval: of the place: 0 where the networks may be ahead from the least amount on, infinite
            where they may not be ahead at the largest.
        never, always: the shares of resamples in which the networks are not ahead at the largest
            amount, and are ahead at every one; NaN without intervals.
    """

    kind: Overtaking
    amounts: Array
    differences: Array
    intervals: list[Interval] | None
    place: float | None = None
    interval: Interval | None = None
    never: float = math.nan
    always: float = math.nan


@dataclass(frozen=True)
class DataSizes:
    """All amounts, ascending, and where the networks overtake."""

    amounts: list[Amount]
    crossing: Crossing


def by_amount(records: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """Divide runs by the training samples asked for, fewest first; all of them come last."""
    groups: dict[float, list[RunRecord]] = {}
    for record in records:
        asked = record.config.get(AMOUNT)
        groups.setdefault(math.inf if asked is None else asked, []).append(record)
    return [group for _, group in sorted(groups.items())]


def compare_amounts(groups: Sequence[Sequence[RunRecord]]) -> DataSizes:
    """Compare networks and classical families at each amount of `by_amount`."""
    amounts = sorted(map(_amount, groups), key=lambda each: each.samples)
    return DataSizes(amounts, _cross(amounts))


def crossing_of(amounts: Array, differences: Array) -> Array:
    """Return where each row of differences (..., A) changes from above zero to below for good.

    Between two amounts it is interpolated, straight in the logarithm of the amount; for logarithms
    of ratios of errors that is where two power laws of the amount meet. It is 0 where a row is
    below zero throughout, and infinite where its last is not.
    """
    ahead = differences < 0
    last = len(amounts) - 1 - np.argmax(~ahead[..., ::-1], axis=-1)  # the last not below zero
    before = np.minimum(last, len(amounts) - 2)[..., None]
    high = np.take_along_axis(differences, before, axis=-1)[..., 0]
    low = np.take_along_axis(differences, before + 1, axis=-1)[..., 0]
    share = np.clip(high / np.where(high == low, 1, high - low), 0, 1)  # without a change: unread
    logs = np.log(amounts)
    start = logs[before[..., 0]]
    place = np.exp(start + share * (logs[before[..., 0] + 1] - start))
    place = np.where(last == len(amounts) - 1, np.inf, place)
    return np.asarray(np.where(ahead.all(axis=-1), 0.0, place))


def _amount(records: Sequence[RunRecord]) -> Amount:
    selection = select_usable(records, [])
    cells = [min(each, key=_by_validation) for each in selection.families.values()]
    cells = sorted([*cells, *selection.references], key=lambda cell: cell.family)
    known = [record.train_samples for record in records if record.train_samples is not None]
    asked = records[0].config.get(AMOUNT)
    samples = asked if asked is not None else max(known, default=0)
    networks = [cell for cell in cells if not cell.is_reference]
    return Amount(
        samples=samples,
        cells=cells,
        intervals=mean_intervals(cells),
        network=min(networks, key=_by_validation, default=None),
        classical=min(selection.references, key=_by_validation, default=None),
    )


def _by_validation(cell: Cell) -> tuple[float, int]:
    return float(cell.validation_errors.mean()), cell.parameters


def _cross(amounts: Sequence[Amount], *, seed: int = 0) -> Crossing:
    both = [each for each in amounts if each.network and each.classical and each.samples > 0]
    if len(both) < 2:
        return Crossing(Overtaking.ONE_KIND, np.array([]), np.array([]), None)
    sizes = np.array([each.samples for each in both], dtype=float)
    means, pairs = [], []
    for each in both:
        assert each.network is not None
        assert each.classical is not None
        means.append(each.network.test_errors.mean() - each.classical.test_errors.mean())
        pairs.append(_paired(each.network, each.classical))
    differences = np.array(means)
    classical = np.array([each.classical.test_errors.mean() for each in both if each.classical])
    place = float(crossing_of(sizes, _log_ratios(differences, classical)))
    kind = Overtaking.CROSSES
    if (differences < 0).all():
        kind = Overtaking.NETWORKS
    elif differences[-1] >= 0:
        kind = Overtaking.CLASSICAL
    found = place if kind is Overtaking.CROSSES else None
    if min(map(len, pairs)) < 2:
        return Crossing(kind, sizes, differences, None, found)
    drawn = _draw(sizes, pairs, np.random.default_rng(seed))
    half = np.quantile(np.abs(drawn), CONFIDENCE, axis=0)
    centres = np.array([pair.mean() for pair in pairs])
    intervals = [Interval(*ends) for ends in zip(centres - half, centres + half, strict=True)]
    curves = centres + drawn
    places = crossing_of(sizes, _log_ratios(curves, classical))
    low, high = np.quantile(places, TAILS, method="nearest")
    return Crossing(
        kind,
        sizes,
        differences,
        intervals,
        found,
        Interval(float(low), float(high)) if found is not None else None,
        never=float((curves[:, -1] >= 0).mean()),
        always=float((curves < 0).all(axis=1).mean()),
    )


def _log_ratios(differences: Array, classical: Array) -> Array:
    """Return the logarithms of the network's error over the classical one's, (..., A)."""
    errors = np.maximum(classical, LEAST_ERROR)
    return np.asarray(np.log(np.maximum(errors + differences, LEAST_ERROR) / errors))


def _paired(network: Cell, classical: Cell) -> Array:
    """Return the differences of test errors within shared seeds, (n,)."""
    theirs = dict(zip(classical.seeds, classical.test_errors, strict=True))
    own = zip(network.seeds, network.test_errors, strict=True)
    return np.array([error - theirs[seed] for seed, error in own if seed in theirs])


def _draw(sizes: Array, pairs: list[Array], generator: np.random.Generator) -> Array:
    """Return how far off the mean differences may be, (B, A): a studentised bootstrap over seeds.

    As `compare` does: residuals are pooled over the amounts and variances moderated (`noise`).
    """
    sweep = Sweep(sizes, pairs)
    variances = sweep.variances
    none = np.zeros(len(sizes))
    drawn, weights = resample(sweep, none, variances, 0.0, generator, RESAMPLES)
    return -drawn * np.sqrt(weights) * np.sqrt(variances / sweep.counts)
