"""How a sweep is getting on, read from the folders of its jobs."""

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sizewise.records import RunRecord, read_records
from sizewise.run import RUN_FOLDER
from sizewise.sweep.job import ERROR, INTERRUPTED, NOT_STARTED, RECORD

SECONDS = 0.5  # between looks at the folders


STATUSES = ("done", "running", "failed", "interrupted", "waiting")
ENDED = ("done", "failed", "interrupted")


class JobState(NamedTuple):
    """One job's status, one of `STATUSES`, and its share of epochs done, 0..1."""

    status: str
    share: float
    record: RunRecord | None = None


class Progress:
    """Follows a sweep in a thread of its own: a live table, or plain lines off a terminal.

    Args:
        folder: the sweep's; job N's files are in its folder N.
        names: the runs' names in the order of their jobs.
        epochs: each run's most epochs, likewise.
    """

    def __init__(self, folder: Path, names: Sequence[str], epochs: Sequence[int]) -> None:
        self._folder = folder
        self._names = names
        self._epochs = epochs
        self._console = Console()
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._settled: dict[int, JobState] = {}
        states = self.states()
        self._before = {job for job, state in enumerate(states) if state.status in ENDED}
        self._told = set(self._before)
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Show the final state and end."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def states(self) -> list[JobState]:
        """Return the jobs' states as their folders show them now."""
        return [self._state(job) for job in range(len(self._names))]

    def _state(self, job: int) -> JobState:
        if job not in self._settled:
            state = self._look(job)
            if state.status != "done":  # a scheduler may queue the others again
                return state
            self._settled[job] = state
        return self._settled[job]

    def _look(self, job: int) -> JobState:
        folder = self._folder / str(job)
        if (folder / ERROR).exists():
            return JobState("failed", 1.0)
        if (folder / INTERRUPTED).exists():
            return JobState("interrupted", 0.0)
        try:
            if (folder / RECORD).exists():
                return JobState("done", 1.0, read_records(folder / RECORD)[0])
            if (folder / RUN_FOLDER).exists():
                folder = folder / (folder / RUN_FOLDER).read_text().strip()
            lines = (folder / "metrics.jsonl").read_text().splitlines()
            return JobState("running", json.loads(lines[-1])["step"] / self._epochs[job])
        except (OSError, ValueError, IndexError):  # not there yet, or being written
            started = folder.exists() and not (folder / NOT_STARTED).exists()
            return JobState("running" if started else "waiting", 0.0)

    def _follow(self) -> None:
        if not self._console.is_terminal:
            while not self._ended.wait(SECONDS):
                self._tell()
            self._tell()
            return
        with Live(console=self._console, refresh_per_second=4, transient=True) as live:
            while not self._ended.wait(SECONDS):
                live.update(self._table(self.states()))

    def _tell(self) -> None:
        """Print one line for each job that ended since the last time."""
        states = self.states()
        for job, state in enumerate(states):
            if state.status in ENDED and job not in self._told:
                self._told.add(job)
                score = state.record and f"{state.record.metrics['test/accuracy']:.2%} test"
                ended = f"{self._names[job]}  {score or state.status}"
                self._console.print(
                    f"{len(self._told)}/{len(states)}  {ended}  {self._time_left(states)}",
                    soft_wrap=True,
                    highlight=False,
                )

    def _table(self, states: list[JobState]) -> Group:
        counts = {status: 0 for status in STATUSES}
        families: dict[str, list[tuple[float, str]]] = {}
        for name, state in zip(self._names, states, strict=True):
            counts[state.status] += 1
            best = families.setdefault(name.partition("-")[0], [])
            if state.record is not None:
                best.append((state.record.best_validation_accuracy, name))
        table = Table(box=None, header_style="bold")
        for heading in ("family", "runs done", "best validation so far"):
            table.add_column(heading)
        for family, scores in families.items():
            total = sum(name.partition("-")[0] == family for name in self._names)
            top = max(scores, default=None)
            table.add_row(
                family, f"{len(scores)}/{total}", f"{top[0]:.1%}  {top[1]}" if top else "–"
            )
        tally = "  ".join(f"{count} {status}" for status, count in counts.items() if count)
        left = self._time_left(states)
        return Group(table, Text(f"{tally}  {left}", style="dim"))

    def _time_left(self, states: Sequence[JobState]) -> str:
        """Extrapolate from the share of epochs done since the start; early on a rough guess."""
        shares = [state.share for job, state in enumerate(states) if job not in self._before]
        share = sum(shares) / len(shares) if shares else 1.0
        if not 0 < share < 1:
            return ""
        left = (time.monotonic() - self._started) * (1 - share) / share
        minutes, seconds = divmod(round(left), 60)
        return f"{minutes}:{seconds:02} left"
