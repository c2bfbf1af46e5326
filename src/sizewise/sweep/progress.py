"""How a sweep is getting on, read from the states that its jobs leave."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sizewise.records import RunRecord
from sizewise.sweep.states import ENDED, STATUSES, RunState, read_states

SECONDS = 0.5  # between looks at the folder


class Expected(NamedTuple):
    """A run that is known before it starts."""

    key: str
    name: str
    family: str


class Progress:
    """Follows a sweep in a thread of its own: a live table, or plain lines off a terminal.

    Args:
        folder: the sweep's.
        expected: its runs, where they are known beforehand.
        total: how many there will be.
        before: the keys of those that are finished already.
    """

    def __init__(
        self, folder: Path, expected: Sequence[Expected], total: int, before: Iterable[str]
    ) -> None:
        self._folder = folder
        self._expected = expected
        self._total = total
        self._before = set(before)
        self._told = set(self._before)
        self._states: dict[str, RunState] = {}
        self._records: dict[str, RunRecord] = {}
        self._console = Console()
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Tell how the last runs ended, and end."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _follow(self) -> None:
        if not self._console.is_terminal:
            while not self._ended.wait(SECONDS):
                self._tell(self._look(), self._console)
            self._tell(self._look(), self._console)
            return
        with Live(console=self._console, refresh_per_second=4, transient=True) as live:
            while not self._ended.wait(SECONDS):
                states = self._look()
                self._tell(states, live.console, failures_only=True)
                live.update(self._table(states))
            self._tell(self._look(), live.console, failures_only=True)

    def _look(self) -> dict[str, RunState]:
        self._states = read_states(self._folder, self._states)
        return self._states

    def _tell(
        self, states: dict[str, RunState], console: Console, *, failures_only: bool = False
    ) -> None:
        """Print a line for each run that has ended since the last time."""
        for state in states.values():
            if state.status not in ENDED or state.key in self._told:
                continue
            self._told.add(state.key)
            if failures_only and state.status != "failed":
                continue
            ended = f"{state.name}  {self._how(state)}  {self._time_left(states)}"
            console.print(
                f"{len(self._told)}/{self._total}  {ended}".rstrip(),
                soft_wrap=True,
                highlight=False,
                markup=False,
            )

    def _how(self, state: RunState) -> str:
        if state.status == "failed":
            return f"failed: {state.error}"
        if state.status == "done":
            record = self._record(state)
            return f"test {record.measure.name} {record.measure.shown(record.error())}"
        return state.status

    def _record(self, state: RunState) -> RunRecord:
        if state.key not in self._records:
            self._records[state.key] = state.record
        return self._records[state.key]

    def _table(self, states: dict[str, RunState]) -> Group:
        done = [self._record(state) for state in states.values() if state.status == "done"]
        totals = Counter(each.family for each in self._expected)
        table = Table(box=None, header_style="bold")
        for heading in ("family", "runs done", "lowest validation error so far"):
            table.add_column(heading)
        for family in dict.fromkeys([*totals, *(record.family for record in done)]):
            own = [each for each in done if each.family == family]
            of = f"/{totals[family]}" if family in totals else ""
            best = min(own, key=lambda each: each.error("val"), default=None)
            score = f"{best.measure.shown(best.error('val'))}  {best.name}" if best else "–"
            table.add_row(family, f"{len(own)}{of}", score)
        counts = Counter(state.status for state in states.values())
        counts["waiting"] = max(0, self._total - counts.total())
        tally = "  ".join(f"{counts[each]} {each}" for each in STATUSES if counts[each])
        return Group(table, Text(f"{tally}  {self._time_left(states)}", style="dim"))

    def _time_left(self, states: dict[str, RunState]) -> str:
        """Extrapolate from the share of epochs done since the start; early on a rough guess."""
        new = [state for state in states.values() if state.key not in self._before]
        to_do = self._total - len(self._before)
        share = sum(state.share for state in new) / to_do if to_do > 0 else 1.0
        if not 0 < share < 1:
            return ""
        left = (time.monotonic() - self._started) * (1 - share) / share
        minutes, seconds = divmod(round(left), 60)
        return f"{minutes}:{seconds:02} left"
