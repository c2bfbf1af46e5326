"""How a sweep is getting on, read from the states that its jobs leave."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.measure import Measurement
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sizewise.records import RunRecord, readable_count
from sizewise.screen import MISSING, time_left
from sizewise.sweep.pace import Pace
from sizewise.sweep.states import ENDED, Kind, RunState, read_states, read_step

SECONDS = 0.5  # between looks at the folder
MOST_NAMED = 8  # runs at work


class SweepProgress:
    """Follows a sweep in a thread of its own: a live table, or a line per run off a terminal.

    Args:
        folder: the sweep's.
        total: how many runs there will be.
        planned: those that are known, by run key.
        finished: the records of those that are finished already.
        console: the screen.
        when_all_have_begun: is called in that thread as soon as no run waits any more.
    """

    def __init__(
        self,
        folder: Path,
        total: int,
        planned: Mapping[str, RunState],
        finished: Mapping[str, RunRecord],
        console: Console | None = None,
        when_all_have_begun: Callable[[], None] = lambda: None,
    ) -> None:
        self._folder = folder
        self._total = total
        self._states = dict(planned)
        self._records = dict(finished)
        self._before = set(finished)
        self._told = set(finished)
        self._steps: dict[str, int] = {}
        self._pace = Pace()
        self._left: float | None = None
        self._then = ""
        self._console = console or Console()
        self._live = Live(console=self._console, auto_refresh=False)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._when_all_have_begun = when_all_have_begun
        self._thread = threading.Thread(target=self._follow, daemon=True)
        if self._console.is_interactive:
            self._live.start()
        self._thread.start()

    def grow(self, runs: Mapping[str, RunState], finished: Mapping[str, RunRecord]) -> None:
        """Take in more runs, and which of all are finished already."""
        with self._lock:
            self._total += len(runs)
            self._states |= runs
            self._before |= finished.keys() & runs.keys()
            self._records |= finished
            self._told |= finished.keys()

    def stop(self, then: str = "") -> None:
        """Tell how the last runs ended, and end; with `then`, show that until it is called again.

        Args:
            then: what is done now.
        """
        self._ended.set()
        self._thread.join()
        self._then = then
        self._draw(whole=not then)
        if not then:
            self._live.stop()

    def _follow(self) -> None:
        some_wait = True
        while not self._ended.wait(SECONDS):
            self._look()
            if some_wait and not self._waiting():
                some_wait = False
                self._when_all_have_begun()
        self._look()

    def _waiting(self) -> int:
        """Return how many runs have not begun."""
        with self._lock:
            begun = {key for key, each in self._states.items() if each.status != "waiting"}
            return self._total - len(begun | self._before)

    def _look(self) -> None:
        """Read what the jobs have left, and show it."""
        with self._lock:
            self._states |= read_states(self._folder, self._states)
            for state in self._states.values():
                if state.status == "running":
                    step = read_step(self._folder, state.key)
                    self._steps[state.key] = max(step, self._steps.get(state.key, 0))
            known = [each for key, each in self._states.items() if key not in self._before]
            unknown = max(0, self._total - len(self._states))
            self._left = self._pace.seconds_left(known, self._steps, unknown, time.time())
            for state in known:
                if state.status in ENDED and state.key not in self._told:
                    self._told.add(state.key)
                    self._tell(state)
        self._draw()

    def _tell(self, state: RunState) -> None:
        """Print a line for a run that has ended; on a terminal, if it has failed."""
        how = f"failed: {state.error}" if state.status == "failed" else state.status
        if state.status == "done":
            record = self._records[state.key] = state.record
            how = f"test {record.measure.name} {record.measure.shown(record.error())}"
        if not self._console.is_interactive or state.status == "failed":
            left = time_left(self._left)
            line = f"{len(self._told)}/{self._total}  {state.name}  {how}  {left}".rstrip()
            self._console.print(line, soft_wrap=True, highlight=False, markup=False)

    def _draw(self, whole: bool = False) -> None:
        if self._live.is_started:
            self._live.update(self._picture(whole), refresh=True)

    def _picture(self, whole: bool) -> RenderableType:
        """Return the table, the runs at work and how much is left; at the end the table alone."""
        with self._lock:
            running = [each for each in self._states.values() if each.status == "running"]
            named = [self._at_work(each) for each in running[:MOST_NAMED]]
            if len(running) > MOST_NAMED:
                named.append(Text(f"and {len(running) - MOST_NAMED} more", style="dim"))
            room = len(self._states) if whole else self._console.height - len(named) - 4
            table = self._table(max(room, 1))
            if whole:
                return Group(table, "")
            return Group(table, "", *([] if self._then else named), self._foot())

    def _at_work(self, state: RunState) -> Text:
        step = self._steps.get(state.key, 0)
        words = state.course.place(step, self._pace.speed(state)) if state.course else ""
        return Text(f"{state.name}  {words}", no_wrap=True, overflow="ellipsis")

    def _foot(self) -> RenderableType:
        if self._then:
            return Text(self._then)
        counts = Counter(state.status for state in self._states.values())
        notes = [f"{counts[each]} {each}" for each in ENDED[1:] if counts[each]]
        foot = Table.grid(padding=(0, 2))
        done = sum(self._steps.get(k, 0) / s.course.steps for k, s in self._running() if s.course)
        bar = ProgressBar(total=self._total, completed=len(self._told) + done, width=20)
        foot.add_row(f"{len(self._told)}/{self._total}", bar, time_left(self._left), *notes)
        return foot

    def _running(self) -> list[tuple[str, RunState]]:
        return [(key, each) for key, each in self._states.items() if each.status == "running"]

    def _table(self, room: int) -> Table:
        """Return families by sizes; where that is too wide or mostly empty, a row for each kind.

        Args:
            room: for so many rows; those that are done make way first.
        """
        kinds: dict[Kind, list[RunState]] = {}
        for state in self._states.values():
            if state.kind is not None:
                kinds.setdefault(state.kind, []).append(state)
        labels = _labels(list(kinds))
        sizes = sorted({kind.size for kind in kinds}, key=lambda size: (size is None, size or 0))
        rows: dict[str, list[Text]] = {label: [Text()] * len(sizes) for label in labels.values()}
        for kind, states in kinds.items():
            rows[labels[kind]][sizes.index(kind.size)] = self._square(states)
        headings = [_words(size) for size in sizes]
        table = self._laid_out(rows, headings, room)
        width = Measurement.get(self._console, self._console.options, table).maximum
        if width <= self._console.width and 2 * len(kinds) > len(rows) * len(sizes):
            return table
        tall = {
            f"{labels[kind]} {_words(kind.size)}": [self._square(states)]
            for kind, states in kinds.items()
        }
        return self._laid_out(tall, [""], room)

    def _laid_out(
        self, rows: Mapping[str, Sequence[Text]], headings: Sequence[str], room: int
    ) -> Table:
        from sizewise.report.words import MeasureWords  # takes a second the first time

        found = Table(box=None, pad_edge=False, header_style="bold")
        measures = {MeasureWords(each.measure).test for each in self._records.values()}
        found.add_column(", ".join(sorted(measures)), no_wrap=True)
        for heading in headings:
            found.add_column(heading, justify="right", no_wrap=True)
        shown = list(rows.items())
        going = [i for i, (_, row) in enumerate(shown) if any("/" in each.plain for each in row)]
        first = min(going[0] if going else 0, max(0, len(shown) - room))
        for label, row in shown[first : first + room]:
            found.add_row(label, *row)
        return found

    def _square(self, states: Sequence[RunState]) -> Text:
        """Return the mean test error of the runs of a kind, and how many are done if not all.

        Where there are several settings it is that of the one which validation favours, as in the
        report.
        """
        keys = [state.key for state in states]
        done = [self._records[key] for key in keys if key in self._records]
        count = f"{len(done)}/{len(keys)}" if len(done) < len(keys) else ""
        style = "bold" if any(state.status == "running" for state in states) else ""
        if not done:
            return Text(count, style=style or "dim")
        from sizewise.report.cells import best_by_validation
        from sizewise.report.selection import select
        from sizewise.report.words import MeasureWords

        cell = best_by_validation(select(done).compared)
        return Text(f"{MeasureWords(cell.measure).value(cell.error)} {count}".rstrip(), style=style)


def _labels(kinds: Sequence[Kind]) -> dict[Kind, str]:
    """Return each kind's family, and what else than the size tells it from the others."""
    many_data = len({kind.data for kind in kinds}) > 1
    many_samples = len({kind.samples for kind in kinds}) > 1
    labels = {}
    for kind in kinds:
        samples = "all" if kind.samples is None else f"n{readable_count(kind.samples)}"
        parts = [kind.family, kind.data * many_data, samples * many_samples]
        labels[kind] = " ".join(filter(None, parts))
    return labels


def _words(size: int | None) -> str:
    return MISSING if size is None else readable_count(size)
