"""The runs that a sweep's report is over: its own, and all others in the store like them."""

from collections.abc import Sequence

from sizewise.errors import UserError, first_line
from sizewise.records import RunRecord
from sizewise.report.comparable import gather
from sizewise.report.selection import on_most_test_samples
from sizewise.run.identity import code_now
from sizewise.tracking.artifacts import readable
from sizewise.tracking.queries import search
from sizewise.tracking.store import STORE_ERRORS, Store


def with_runs_alike(
    store: Store, own: Sequence[RunRecord], name: str
) -> tuple[list[RunRecord], list[str]]:
    """Return a sweep's records and those like them, and notes on where they come from.

    Records from before it was kept what they were tested on stand by themselves, and so do all
    while the store is away: a sweep that has ended gets its report.

    Args:
        store: where to look.
        own: the sweep's.
        name: the sweep's.
    """
    own = on_most_test_samples(own)
    if not own or not own[0].test_fingerprint:
        return own, []
    tested_alike = f"tags.test_set = '{own[0].test_fingerprint}'"
    try:
        found = search(store, f"{tested_alike} AND attributes.status = 'FINISHED'")
        others = [record for _, record in readable(store, found).by_key.values()]
    except (*STORE_ERRORS, UserError) as error:
        return own, [f"Other runs like these were not looked for: {first_line(error)}."]
    return gather(own, others, code_now, name)
