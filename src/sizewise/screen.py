"""What is shown on the screen: a run's progress and its result, lists of runs, and tables."""

import math
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sizewise.records import Measure, RunRecord

FILE_WIDTH = 120  # columns of a table that goes to a file or a pipe
MISSING = "–"
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


class Screen(Progress):
    """A run's progress: one moving line on a terminal, one plain line per epoch elsewhere."""

    def __init__(
        self, name: str, measure: Measure, epochs: int, quiet: bool = False, unit: str = "epoch"
    ) -> None:
        screen = Console(quiet=quiet)
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn(unit + " {task.completed}/{task.total}  {task.fields[scores]}"),
            TimeRemainingColumn(),
            console=screen,
            disable=not screen.is_terminal,
        )
        self._measure = measure
        self._name = name
        self._epochs = epochs
        self._unit = unit  # "setting" for a classical family
        self._began = time.monotonic()
        self._first: int | None = None  # the first epoch shown; later than 1 after an interruption
        self._line = self.add_task(name, total=epochs, scores="")

    def show_epoch(self, epoch: int, metrics: dict[str, float]) -> None:
        """Show a finished epoch, counted from 1, by its metrics."""
        scores = (
            f"loss {metrics['train/loss']:.4f}  {self._measure.name}: train "
            f"{self._measure.shown(metrics['train/error'])}  validation "
            f"{self._measure.shown(metrics['val/error'])}"
        )
        self.update(self._line, completed=epoch, scores=scores)
        self._first = self._first or epoch
        if self.disable:
            per_epoch = (time.monotonic() - self._began) / (epoch - self._first + 1)
            rate = metrics.get("samples_per_second")  # a classical family's fit has none
            speed = f"  {rate:,.0f} samples/s" if rate else ""
            left = per_epoch * (self._epochs - epoch)
            self.console.print(
                f"{self._name}  {self._unit} {epoch}/{self._epochs}  {scores}{speed}"
                f"  {left:.0f} s left",
                soft_wrap=True,
                highlight=False,
            )

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
