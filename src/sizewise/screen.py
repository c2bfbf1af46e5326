"""What a run shows on the screen."""

import shlex
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sizewise.records import Measure, RunRecord, RunSummary
from sizewise.uri import hide_password

FILE_WIDTH = 120  # columns of a table that goes to a file or a pipe


class Screen:
    """A run's progress: one moving line on a terminal, one plain line per epoch elsewhere."""

    def __init__(
        self, name: str, measure: Measure, epochs: int, quiet: bool = False, unit: str = "epoch"
    ) -> None:
        self._measure = measure
        self._console = Console(quiet=quiet)
        self._name = name
        self._epochs = epochs
        self._unit = unit  # "setting" for a classical family
        self._started = time.monotonic()
        self._first: int | None = None  # the first epoch shown; later than 1 after an interruption
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn(unit + " {task.completed}/{task.total}  {task.fields[scores]}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task(name, total=epochs, scores="")

    def __enter__(self) -> "Screen":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show_epoch(self, epoch: int, metrics: dict[str, float]) -> None:
        """Show a finished epoch, counted from 1, by its metrics."""
        scores = (
            f"loss {metrics['train/loss']:.4f}  {self._measure.name}: train "
            f"{self._measure.shown(metrics['train/error'])}  validation "
            f"{self._measure.shown(metrics['val/error'])}"
        )
        self._progress.update(self._task, completed=epoch, scores=scores)
        self._first = self._first or epoch
        if not self._console.is_terminal:
            per_epoch = (time.monotonic() - self._started) / (epoch - self._first + 1)
            left = per_epoch * (self._epochs - epoch)
            rate = metrics.get("samples_per_second")  # a classical family's fit has none
            speed = f"  {rate:,.0f} samples/s" if rate else ""
            self._console.print(
                f"{self._name}  {self._unit} {epoch}/{self._epochs}  {scores}{speed}"
                f"  {left:.0f} s left",
                soft_wrap=True,
                highlight=False,
            )

    def show_result(
        self, record: RunRecord, store_uri: str, *, finished_before: bool = False
    ) -> None:
        """Show what came of the run and where it is."""
        metrics = record.metrics
        store_uri = hide_password(store_uri, store_uri)
        asked = "" if record.size_asked is None else f" (asked for {record.size_asked:,})"
        count = "–" if record.parameters is None else f"{record.parameters:,}"
        rows = {
            f"test {record.measure.name}": record.measure.shown(record.error()),
            "parameters": f"{count}{asked}",
            "on disk": f"{metrics['cost/model_bytes'] / 1e3:,.1f} kB",
            "training": f"{metrics['cost/train_seconds']:.1f} s, best {record.unit} "
            f"{record.best_epoch} of {record.epochs}; {record.stopped_by}",
            "latency": f"{metrics['cost/latency_ms_p50']:.2f} ms (p95 "
            f"{metrics['cost/latency_ms_p95']:.2f} ms)",
            "files": record.folder,
            "MLflow run": f"{record.run_id}  in {store_uri}",
            "browse": store_uri
            if store_uri.startswith("http")
            else f"sizewise ui --uri {shlex.quote(store_uri)}",
        }
        title = f"{record.name} was finished before" if finished_before else record.name
        table = Table(title=title, show_header=False, title_justify="left", box=None)
        for name, value in rows.items():
            table.add_row(name, value)
        self._console.print(table, soft_wrap=True)


def show_runs(runs: list[RunSummary]) -> None:
    """Show a table of runs, one line each."""
    table = Table(box=None, header_style="bold")
    for heading in ("run", "id", "status"):
        table.add_column(heading, no_wrap=True)
    for heading in ("test error", "parameters", "training", "latency"):
        table.add_column(heading, justify="right", no_wrap=True)
    for run in runs:
        table.add_row(
            run.name,
            run.run_id[:8],
            run.status.lower(),
            run.error,
            _size(run.metrics),
            _formatted(run.metrics.get("cost/train_seconds"), "{:.1f} s"),
            _formatted(run.metrics.get("cost/latency_ms_p50"), "{:.2f} ms"),
        )
    console = Console()
    if not console.is_terminal:
        console.width = FILE_WIDTH
    console.print(table if runs else "no runs yet; make one with `python train.py`")


def _size(metrics: dict[str, float]) -> str:
    """Return the parameters, or the bytes of a classical model that has none to count."""
    if "cost/parameters" in metrics or "cost/model_bytes" not in metrics:
        return _formatted(metrics.get("cost/parameters"), "{:,.0f}")
    return f"({metrics['cost/model_bytes'] / 1e3:,.0f} kB)"


def _formatted(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
