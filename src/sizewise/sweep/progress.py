"""How a sweep is getting on, read from the states that its jobs leave."""

import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sizewise.records import RunRecord
from sizewise.sweep.states import ENDED, RunState, read_states

SECONDS = 0.5  # between looks at the folder


class SweepProgress:
    """Follows a sweep in a thread of its own: one moving line, or a line per run off a terminal.

    The time left follows from the share of epochs that are done.

    Args:
        folder: the sweep's.
        total: how many runs there will be.
        before: the keys of those that are finished already.
    """

    def __init__(self, folder: Path, total: int, before: Iterable[str]) -> None:
        self._folder = folder
        self._total = total
        self._told = set(before)
        self._states: dict[str, RunState] = {}
        self._best: dict[str, RunRecord] = {}  # on validation, of each family
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TimeRemainingColumn(),
            TextColumn("{task.fields[tally]}"),
            speed_estimate_period=24 * 3600,
            transient=True,
        )
        self._bar.disable = not self._bar.console.is_terminal
        self._task = self._bar.add_task("", total=total - len(self._told), tally="")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def grow(self, runs: int, before: Iterable[str]) -> None:
        """Take in so many runs more, and which are finished already."""
        self._total += runs
        self._told |= set(before)
        self._bar.update(self._task, total=self._total)

    def stop(self) -> None:
        """Tell how the last runs ended, and end."""
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        with self._bar:
            while not self._ended.wait(SECONDS):
                self._look()
            self._look()

    def _look(self) -> None:
        self._states = read_states(self._folder, self._states)
        states = list(self._states.values())
        self._bar.update(self._task, completed=sum(state.share for state in states))
        for state in states:
            if state.status in ENDED and state.key not in self._told:
                self._told.add(state.key)
                self._tell(state)
        counts = Counter(state.status for state in states)
        tally = [f"{number} {status}" for status, number in sorted(counts.items())]
        best = [
            f"{family}: {record.name} {record.measure.shown(record.error('val'))}"
            for family, record in self._best.items()
        ]
        self._bar.update(
            self._task,
            description=f"{len(self._told)}/{self._total}",
            tally="  ".join([*tally, *(best and ["best on validation", *best])]),
        )

    def _tell(self, state: RunState) -> None:
        """Print a line for a run that has ended; on a terminal, if it has failed."""
        how = f"failed: {state.error}" if state.status == "failed" else state.status
        if state.status == "done":
            record = state.record
            how = f"test {record.measure.name} {record.measure.shown(record.error())}"
            best = self._best.get(record.family, record)
            self._best[record.family] = min(record, best, key=lambda each: each.error("val"))
        if self._bar.disable or state.status == "failed":
            line = f"{len(self._told)}/{self._total}  {state.name}  {how}  {self._time_left()}"
            self._bar.console.print(line.rstrip(), soft_wrap=True, highlight=False, markup=False)

    def _time_left(self) -> str:
        left = self._bar.tasks[0].time_remaining
        return f"{left // 60:.0f}:{left % 60:02.0f} left" if left else ""
