"""What the runs of a report may learn from that differs: amounts of data, noise, order, length."""

import math
from collections.abc import Sequence
from typing import Any

from sizewise.records import RunRecord

AMOUNT, NOISE, NOISE_KIND = "data.train_samples", "data.label_noise", "data.label_noise_kind"
SHUFFLED, LENGTH = "data.shuffle_seq", "data.length"
# What the runs of a report may learn from that differs: sizes are compared on one of them each.
CONDITIONS = (AMOUNT, NOISE, NOISE_KIND, SHUFFLED, LENGTH)


def by_condition(records: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """Divide runs by what they learn from; those on the most samples, as published, come last.

    Of sequences those of the greatest length do.
    """
    groups: dict[tuple[Any, ...], list[RunRecord]] = {}
    for record in records:
        amount, noise, kind, shuffled, length = (record.config.get(key) for key in CONDITIONS)
        most = math.inf if amount is None else amount
        place = (length or 0, not shuffled, -(noise or 0), kind or "", most)
        groups.setdefault(place, []).append(record)
    return [group for _, group in sorted(groups.items())]


def levels(records: Sequence[RunRecord], *keys: str) -> list[list[RunRecord]]:
    """Divide by `keys` of `CONDITIONS` the runs that are, in all others, as `by_condition`'s last.

    They come in the same order: amounts ascend, noise descends.
    """
    first = by_condition(records)[-1][0]
    fixed = [key for key in CONDITIONS if key not in keys]
    return by_condition(
        [
            record
            for record in records
            if all(record.config.get(key) == first.config.get(key) for key in fixed)
        ]
    )


def differing(records: Sequence[RunRecord]) -> list[str]:
    """Return those of `CONDITIONS` in which runs differ."""
    return [key for key in CONDITIONS if len({record.config.get(key) for record in records}) > 1]
