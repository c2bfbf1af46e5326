"""How long a sweep goes on by its report's own proposals: `until=told`.

Looking again and again until an interval decides would spoil its 5 %. So there are few looks, each
at intervals so wide that all together they err as one would; and which looks there have been is
kept with the sweep, so that typing its command again buys no more of them.
"""

import time
from collections.abc import Iterable, Sequence

from sizewise.errors import say
from sizewise.records import RunRecord
from sizewise.report.proposal import Proposal
from sizewise.report.verdict import LOOKS, look_confidence
from sizewise.report.words import duration
from sizewise.tracking.queries import search
from sizewise.tracking.store import Store


class Until:
    """The looks and the time that a sweep has left.

    Args:
        minutes: that it may take in all.
        at_once: runs.
        looks: that there have been at it, each by the runs that it was over.
    """

    confidence = look_confidence()  # of the intervals that decide

    def __init__(self, minutes: float, at_once: int, looks: Iterable[str]) -> None:
        self._seconds = 60 * minutes
        self._at_once = at_once
        self._started = time.monotonic()
        self.looks = set(looks)

    @classmethod
    def of_sweep(cls, store: Store, key: str, minutes: float, at_once: int) -> "Until":
        """Return it with the looks that sweeps of this key have had before."""
        sweeps = search(store, f"tags.sweep_key = '{key}'")
        looks = [each for sweep in sweeps for each in sweep.tags.get("looks", "").split()]
        return cls(minutes, at_once, looks)

    def share(self, store: Store, runs: Sequence[RunRecord]) -> None:
        """Count the looks that other sweeps have had at some of these runs."""
        at_these = f"-{runs[0].test_fingerprint}"
        for name in {run.sweep for run in runs if run.sweep}:
            for sweep in search(store, f"tags.kind = 'sweep' AND tags.sweep = '{name}'"):
                looks = sweep.tags.get("looks", "").split()
                self.looks |= {each for each in looks if each.endswith(at_these)}

    def look(self, runs: Sequence[RunRecord]) -> bool:
        """Take a look at these runs; return whether there may be another after it.

        One that was had before is no new one: a sweep that is typed again goes the same way.
        """
        look = f"{len(runs)}-{runs[0].test_fingerprint}"
        had = look in self.looks
        self.looks.add(look)
        return had or self.allows(is_new=True)

    def allows(self, *, is_new: bool) -> bool:
        """Return whether to go on, to a look that is new or was had before; say so if not."""
        if not is_new or len(self.looks) < LOOKS:
            return True
        say(f"{LOOKS} looks at the answer are all that its intervals allow: it stays as it is")
        return False

    def affordable(self, proposals: Sequence[Proposal]) -> list[Proposal]:
        """Return the first of `proposals` that are done before time is over."""
        left = self._seconds - (time.monotonic() - self._started)
        chosen = []
        for proposal in proposals:
            takes = proposal.seconds / self._at_once
            if takes > left:
                say(
                    f"until.minutes={self._seconds / 60:g} are over: {proposal.like.family} would "
                    f"take about {duration(takes)} more"
                )
                continue
            left -= takes
            chosen.append(proposal)
        return chosen
