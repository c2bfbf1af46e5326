"""Where a difference changes its sign along an axis."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from sizewise.report.stats.errors import TAILS, Interval, SizeErrors
from sizewise.report.stats.noise import Array

DRAWS = 4000


class Drawn(NamedTuple):
    """How sure a crossing is.

    Args:
        differences: the interval of each difference, 90 %; None where nothing gives one.
        place: the interval of the place, 90 %.
        never, always: the shares of draws in which the last difference is not below zero, and in
            which all are.
    """

    differences: Sequence[Interval | None]
    place: Interval
    never: float
    always: float


def draw_crossing(sweep: SizeErrors, places: Callable[[Array], Array]) -> Drawn:
    """Return how sure the crossing of differences is, over draws of what they may be.

    Args:
        sweep: differences at each place, over seeds, (A,).
        places: where rows of differences (DRAWS, A) cross, (DRAWS,).
    """
    curves = sweep.means + sweep.deviations(DRAWS)
    low, high = np.quantile(places(curves), TAILS, method="nearest")
    never, always = (curves[:, -1] >= 0).mean(), (curves < 0).all(axis=1).mean()
    return Drawn(sweep.intervals(), Interval(float(low), float(high)), float(never), float(always))


def crossing_of(places: Array, differences: Array) -> Array:
    """Return where each row of differences (..., A) changes from above zero to below for good.

    Between two places it is interpolated in a straight line. It is minus infinity where a row is
    below zero throughout, and infinity where its last is not.

    Args:
        places: ascending, (A,), A at least 2.
        differences: at each of them.
    """
    ahead = differences < 0
    last = len(places) - 1 - np.argmax(~ahead[..., ::-1], axis=-1)  # the last not below zero
    before = np.minimum(last, len(places) - 2)
    high = np.take_along_axis(differences, before[..., None], axis=-1)[..., 0]
    low = np.take_along_axis(differences, before[..., None] + 1, axis=-1)[..., 0]
    share = np.clip(high / np.where(high == low, 1, high - low), 0, 1)  # without a change: unread
    place = places[before] + share * (places[before + 1] - places[before])
    place = np.where(last == len(places) - 1, np.inf, place)
    return np.asarray(np.where(ahead.all(axis=-1), -np.inf, place))
