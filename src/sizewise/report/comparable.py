"""Which other runs belong into a sweep's report: all that ask the same, whoever trained them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from sizewise.records import RunRecord
from sizewise.report.conditions import differing
from sizewise.report.selection import NOT_SETTINGS, varying

# Beside what varies in the sweep itself, these may differ.
FREE = (*NOT_SETTINGS, "model.depth", "features", "data.path")
UNNAMED = "sweep-"  # how sweeps are called that are no study


def gather(
    own: Sequence[RunRecord],
    others: Iterable[RunRecord],
    code_of: Callable[[RunRecord], str | None],
    name: str,
) -> tuple[list[RunRecord], list[str]]:
    """Return a sweep's runs with all that are comparable, and notes on where they come from.

    Comparable are runs on the same test samples, in the same settings but for what the sweep
    varies, of the same study where the sweep is one; by the code and the libraries of now.

    Args:
        own: the sweep's runs.
        others: any, newest first; those that the sweep has are left out.
        code_of: what returns the hash of the code that a run would be trained by now.
        name: the sweep's, which is its study's if it is one.
    """
    first, keys = own[0], {record.run_key for record in own}
    free = {*FREE, *varying(own), *differing(own)}
    joined, older = [], 0
    for record in others:
        if not name.startswith(UNNAMED) and record.sweep != name:
            continue
        if record.run_key in keys or not _asks_the_same(record, first, free):
            continue
        keys.add(record.run_key)
        if record.libraries == first.libraries and record.code == code_of(record):
            joined.append(record)
        else:
            older += 1
    notes = []
    # A sweep without a name of its own is called by its key: that is this one, as it had grown.
    others_named = Counter(
        record.sweep or "runs by themselves"
        for record in joined
        if record.sweep != name or not name.startswith(UNNAMED)
    )
    if count := others_named.total():
        sources = ", ".join(f"{count} of {name}" for name, count in others_named.most_common())
        first_part = f"{len(own) + len(joined) - count} runs of this sweep"
        notes.append(f"{first_part} and {count} like them: {sources}.")
    if older:
        notes.append(
            f"{older} like them left out: trained by older code or other library versions."
        )
    return [*joined, *own], notes


def _asks_the_same(record: RunRecord, first: RunRecord, free: set[str]) -> bool:
    same_test_set = record.test_fingerprint == first.test_fingerprint is not None
    return (
        same_test_set
        and record.measure == first.measure
        and all(
            record.config.get(key) == first.config.get(key)
            for key in record.config.keys() | first.config.keys()
            if key not in free
        )
    )
