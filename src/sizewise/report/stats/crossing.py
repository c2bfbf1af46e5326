"""Where a difference changes its sign along an axis."""

import numpy as np

from sizewise.report.stats.noise import Array


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
