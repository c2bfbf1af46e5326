"""How long a sweep still takes, learnt from the runs that it has seen."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sizewise.sweep.states import RunState

# What a step of a network takes grows with its size by about this power where nothing is known of
# that size: experiments/large_vs_small has 0.29 to 0.47 between 300 and 100k parameters.
POWER = 0.4
BEGUN = 0.05  # a run that is seen further than this was not seen to begin: it is taken up, say


class _Seen(NamedTuple):
    seconds: float
    work: float


class Pace:
    """Follows how fast the runs go.

    A run's work is its steps, weighed by its size; what a unit of it takes is known best from runs
    of the same kind, else from the same family on the same data, else from any network.
    """

    def __init__(self) -> None:
        self._base: dict[str, tuple[float, float]] = {}  # when a run was at which share
        self._seen: dict[str, _Seen] = {}
        self._ended: set[str] = set()
        self._at_once = 1

    def seconds_left(
        self, states: Iterable[RunState], steps: Mapping[str, int], unknown: int, now: float
    ) -> float | None:
        """Return the seconds until all runs have ended; None while nothing is known of some.

        Args:
            states: of all runs that are known and were not finished before.
            steps: that the runs at work have done, by run key.
            unknown: how many runs there will be besides.
            now: in seconds since 1970.
        """
        states = [state for state in states if state.kind is not None]
        running = [state for state in states if state.status == "running"]
        self._at_once = max(self._at_once, len(running))
        shares = {each.key: steps.get(each.key, 0) / max(1, _steps(each)) for each in running}
        for state in states:
            if state.status == "done" or state.key in shares:
                self._look(state, shares.get(state.key, 1.0), now)
        rates = self._rates(states)
        to_go, whole = [0.0], []
        for state in states:
            rate = next((rates[level] for level in _levels(state) if level in rates), None)
            if rate is None and state.kind is not None and state.kind.size is not None:
                return None
            whole.append((rate or 0.0) * _work(state))
            if state.status in ("running", "waiting"):
                to_go.append(whole[-1] * (1 - shares.get(state.key, 0.0)))
        if unknown and not whole:
            return None
        more = unknown * sum(whole) / len(whole) if unknown else 0.0
        return max(max(to_go), (sum(to_go) + more) / self._at_once)

    def speed(self, state: RunState) -> float | None:
        """Return a run's steps per second, if they are known."""
        seen = self._seen.get(state.key)
        if seen is None or not seen.seconds:
            return None
        return seen.work / _work(state) * _steps(state) / seen.seconds

    def _look(self, state: RunState, share: float, now: float) -> None:
        """Take in how far a run is; what it has taken in all is fixed when it is done.

        Till then its steps are counted from the first that is known: before it, data are read.
        """
        if state.key in self._ended or not share:
            return
        at, before = self._base.setdefault(state.key, (now, share))
        if state.status == "done":
            self._ended.add(state.key)
            if before < BEGUN or before == share:
                at, before = state.started, 0.0
        self._seen[state.key] = _Seen(now - at, _work(state) * (share - before))

    def _rates(self, states: Iterable[RunState]) -> dict[object, float]:
        """Return the seconds that a unit of work takes, by what is alike in runs."""
        seconds: defaultdict[object, float] = defaultdict(float)
        work: defaultdict[object, float] = defaultdict(float)
        for state in states:
            seen = self._seen.get(state.key, _Seen(0.0, 0.0))
            for level in _levels(state):
                seconds[level] += seen.seconds
                work[level] += seen.work
        return {level: seconds[level] / work[level] for level in work if work[level] > 0}


def _levels(state: RunState) -> list[object]:
    """Return by what runs are alike, the closest first."""
    assert state.kind is not None
    levels: list[object] = [state.kind, (state.kind.family, state.kind.data)]
    return levels if state.kind.size is None else [*levels, "network"]


def _steps(state: RunState) -> int:
    return state.course.steps if state.course else 1


def _work(state: RunState) -> float:
    """Return the work of a run; a classical family's fits are all the same as far as is known."""
    size = state.kind.size if state.kind else None
    return 1.0 if size is None else float(_steps(state) * size**POWER)
