"""Runs by their budget of training FLOPs."""

import math
from collections.abc import Sequence

from sizewise.records import RunRecord

FLOPS = "training.flops"


def by_budget(records: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """Divide runs by their budget of training FLOPs, smallest first; those without come last."""
    groups: dict[float, list[RunRecord]] = {}
    for record in records:
        asked = record.config.get(FLOPS)
        groups.setdefault(math.inf if asked is None else asked, []).append(record)
    return [group for _, group in sorted(groups.items())]


def at_largest_budget(records: Sequence[RunRecord]) -> list[RunRecord]:
    """Return each family's runs at its largest budget of training FLOPs, or those without one."""
    families = {record.family for record in records}
    last = {each: by_budget([r for r in records if r.family == each])[-1] for each in families}
    kept = {id(record) for group in last.values() for record in group}
    return [record for record in records if id(record) in kept]
