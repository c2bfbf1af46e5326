"""Which runs can be compared at all: finished ones, on the same data."""

import math
from collections import defaultdict
from collections.abc import Sequence

from sizewise.errors import UserError
from sizewise.records import RunRecord

AMOUNT = "data.train_samples"


def validation(record: RunRecord, metric: str) -> float:
    """Return a validation metric at the epoch whose weights were kept; NaN if there is none."""
    if not 1 <= record.best_epoch <= len(record.history):
        return math.nan
    return record.history[record.best_epoch - 1].get(f"val/{metric}", math.nan)


def usable_runs(records: Sequence[RunRecord]) -> tuple[list[RunRecord], list[str]]:
    """Return the runs that hold all a report reads, and a note about the rest.

    Raises:
        UserError: there are fewer than two.
    """
    if not records:
        raise UserError(
            "there are no runs to report: expected at least 2; "
            "make some with `python train.py -m model=lstm size=1k,4k,16k seed=0,1,2`"
        )
    usable = [
        record
        for record in records
        if math.isfinite(record.metrics.get("test/accuracy", math.nan))
        and math.isfinite(validation(record, "accuracy"))
    ]
    if not usable:
        raise UserError(
            f"none of the {len(records)} runs has both test/accuracy and val/accuracy: expected "
            "runs that finished; train them again with `python train.py`"
        )
    if len(usable) == 1:
        raise UserError(
            f"there is one finished run, {usable[0].name}, and a report compares at least 2: add "
            "seeds or sizes, as in `python train.py -m model=lstm size=1k,4k,16k seed=0,1,2`"
        )
    left_out = len(records) - len(usable)
    if not left_out:
        return usable, []
    noun = "run" if left_out == 1 else "runs"
    return usable, [f"{left_out} {noun} left out: no finite test and validation accuracy."]


def check_data(records: Sequence[RunRecord]) -> None:
    """Check that all runs learnt from the same data, be it more of it or less.

    Raises:
        UserError: they are on different sets, variants of one, or bytes that changed.
    """
    sets: dict[tuple[str, str], int] = defaultdict(int)
    prints: dict[tuple[str, str, str, int], set[str]] = defaultdict(set)
    for record in records:
        details = {
            key: value
            for key, value in sorted(record.config.items())
            if key.startswith("data.") and key not in ("data.root", "data.name", AMOUNT)
        }
        sets[record.data, repr(details)] += 1
        # the fingerprint covers the division into training and validation, which the seed draws
        amount = repr(record.config.get(AMOUNT))
        prints[record.data, repr(details), amount, record.seed].add(record.fingerprint)
    if len({name for name, _ in sets}) > 1:
        counts = ", ".join(f"{name} ({count} runs)" for (name, _), count in sorted(sets.items()))
        raise UserError(
            f"the runs are on different data sets, {counts}, and errors on one say nothing of "
            "another: expected one; sweep and report each by itself, with data=NAME"
        )
    if len(sets) > 1:
        raise UserError(
            f"the runs are on {len(sets)} variants of {records[0].data} (their data.* keys "
            "differ): expected one; sweep and report each by itself"
        )
    changed = [seed for (_, _, _, seed), found in prints.items() if len(found) > 1]
    if changed:
        raise UserError(
            f"the bytes of {records[0].data} changed between runs (two fingerprints for seed "
            f"{changed[0]}): expected one data set; train the older runs again"
        )
