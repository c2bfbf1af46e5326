"""What is shown on the screen: a run's progress and its result, lists of runs, and tables."""

import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from sizewise.records import Measure, RunRecord

FILE_WIDTH = 120  # columns of a table that goes to a file or a pipe
MISSING = "–"
LONG_SECONDS = 5.0  # an epoch that takes so long is shown step by step
LINE_SECONDS = 30.0  # between lines within an epoch, where there is no terminal
FORMS = {  # of a run's metrics: what each is called, and how its value is written
    "test/macro_f1": ("test macro F1", "{:.4f}"),
    "test/loss": ("test loss", "{:.4f}"),
    "cost/parameters": ("parameters", "{:,.0f}"),
    "cost/train_seconds": ("training", "{:,.1f} s"),
    "cost/latency_ms_p50": ("latency", "{:.2f} ms"),
    "cost/throughput": ("throughput", "{:,.0f} samples/s"),
    "cost/flops_inference": ("FLOPs a sample", "{:,.0f}"),
    "cost/model_bytes": ("size on disk", "{:,.0f} B"),
    "cost/peak_memory_mb": ("peak memory", "{:,.0f} MB"),
}


class Course(NamedTuple):
    """What a run goes through at most.

    Args:
        unit: "epoch", or "setting" of a classical family's grid.
        steps: of gradient descent in all; a setting counts as one.
        each: the steps of an epoch, or 1.
    """

    unit: str
    steps: int
    each: int

    @property
    def units(self) -> int:
        """Return how many epochs or settings there are."""
        return -(-self.steps // self.each)

    def after(self, units: int) -> int:
        """Return how many steps are done after so many epochs or settings."""
        return min(units * self.each, self.steps)

    def place(self, step: int, speed: float | None) -> str:
        """Return where a run is after so many steps, within an epoch only if that takes long.

        Args:
            step: how many are done.
            speed: in steps per second, if it is known.
        """
        done = min(step // self.each, self.units - 1)
        within, of = step - done * self.each, self.after(done + 1) - done * self.each
        words = f"{self.unit} {done + 1}/{self.units}"
        if not speed or self.each / speed < LONG_SECONDS or within in (0, of):
            return words
        return f"{words}, step {within}/{of}"


class _Scores(ProgressColumn):
    """Makes way for the others where a line is short."""

    def render(self, task: Task) -> Text:
        return Text(task.fields["scores"], no_wrap=True, overflow="ellipsis")


class Screen(Progress):
    """A run's progress: one moving line on a terminal, elsewhere plain lines.

    There is a line for each epoch, and where epochs take long some within them.
    """

    def __init__(self, name: str, measure: Measure, course: Course, console: Console) -> None:
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(bar_width=10),
            TextColumn("{task.fields[place]}"),
            TimeRemainingColumn(),
            _Scores(),
            console=console,
            disable=console.quiet or not console.is_interactive,
            speed_estimate_period=24 * 3600,
        )
        self._measure = measure
        self._name = name
        self._course = course
        place = course.place(0, None)
        self._line = self.add_task(name, total=course.steps, place=place, scores="")
        self._printed_at = self.get_time()

    def show_step(self, step: int) -> None:
        """Show that so many steps are done."""
        self.update(self._line, completed=step)
        place = self._course.place(step, self.tasks[0].speed)
        self.update(self._line, place=place)
        if self.get_time() - self._printed_at >= LINE_SECONDS:
            self._print(place)

    def show_epoch(self, epoch: int, metrics: dict[str, float]) -> None:
        """Show a finished epoch, counted from 1, by its metrics."""
        shown = self._measure.shown
        scores = f"train {shown(metrics['train/error'])}  loss {metrics['train/loss']:.4f}"
        if math.isfinite(metrics["val/error"]):
            scores = f"validation {shown(metrics['val/error'])}  {scores}"
        step = self._course.after(epoch)
        place = self._course.place(step, None)
        self.update(self._line, completed=step, place=place, scores=scores)
        rate = metrics.get("samples_per_second")  # a classical family's fit has none
        speed = f"  {rate:,.0f} samples/s" if rate else ""
        done = f"{self._course.unit} {epoch}/{self._course.units}"
        self._print(f"{done}  {self._measure.name}: {scores}{speed}")

    def _print(self, text: str) -> None:
        """Print a line with the time left, if the screen is no terminal."""
        self._printed_at = self.get_time()
        if self.disable:
            line = f"{self._name}  {text}  {time_left(self.tasks[0].time_remaining)}"
            self.console.print(line.rstrip(), soft_wrap=True, highlight=False)

    def show_result(
        self, record: RunRecord, store: str, page: str | None, *, finished_before: bool = False
    ) -> None:
        """Show what came of the run and where it is: in which store, and on which page, if any."""
        metrics = record.metrics
        asked = "" if record.size_asked is None else f" (asked for {record.size_asked:,})"
        rows = {
            f"test {record.measure.name}": record.measure.shown(record.error()),
            "parameters": metric(metrics, "cost/parameters") + asked,
            "on disk": f"{metrics['cost/model_bytes'] / 1e3:,.1f} kB",
            "training": f"{metric(metrics, 'cost/train_seconds')}, best {record.unit} "
            f"{record.best_epoch} of {record.epochs}; {record.stopped_by}",
            "latency": f"{metric(metrics, 'cost/latency_ms_p50')} (p95 "
            f"{metrics['cost/latency_ms_p95']:.2f} ms)",
            "files": record.folder,
            "MLflow run": f"{record.run_id}  in {store}",
            "browse": page or f"sizewise ui --uri {shlex.quote(store)}",
        }
        title = f"{record.name} was finished before" if finished_before else record.name
        text = f"{title}\n{facts(rows)}"
        self.console.print(text, soft_wrap=True, markup=False, highlight=False)


def time_left(seconds: float | None) -> str:
    """Return a time to go as text, empty if it is not known: 4:10 left, 1:02:03 left."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} left" if hours else f"{minutes}:{rest:02} left"


def metric(metrics: Mapping[str, float], name: str) -> str:
    """Return one of a run's metrics as text: see `FORMS`.

    A classical family has no parameters to count: what it takes on disk stands for them.
    """
    value = metrics.get(name, math.nan)
    if not math.isnan(value):
        return FORMS[name][1].format(value)
    if name == "cost/parameters" and "cost/model_bytes" in metrics:
        return f"({metrics['cost/model_bytes'] / 1e3:,.0f} kB)"
    return MISSING


def console() -> Console:
    """Return a console that shows names from a store as they are, and wide tables in a file."""
    found = Console(markup=False, highlight=False)
    if not found.is_terminal:
        found.width = FILE_WIDTH
    return found


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    texts: int = 1,
    title: str | None = None,
) -> Table:
    """Return a table whose first columns, `texts` of them, hold texts, and the others numbers.

    Where it is too wide, the texts, which are names to be typed, stay whole.
    """
    found = Table(box=None, header_style="bold", title=title, title_justify="left")
    for index, heading in enumerate(headings):
        is_text = index < texts
        found.add_column(heading, justify="left" if is_text else "right", no_wrap=is_text)
    for row in rows:
        found.add_row(*row)
    return found


def facts(rows: Mapping[str, str]) -> str:
    """Return names and values, a line each, without the values that are empty.

    It goes to a screen as it is: a link or a path that is broken can't be clicked or copied.
    """
    widest = max(map(len, rows))
    return "\n".join(f" {name:<{widest}}  {value}" for name, value in rows.items() if value)
