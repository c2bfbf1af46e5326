"""Runs side by side: what they were, what they score, what they cost."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from sizewise.errors import UserError
from sizewise.records import RunRecord

ALWAYS = ("family", "parameters", "model.width", "model.depth", "data", "seed", "epochs")
SAID_ABOVE = ("model.family", "model.width", "model.depth", "data.name", "seed", "training.epochs")
COSTS = {
    "cost/train_seconds": ("training", "{:,.1f} s"),
    "cost/latency_ms_p50": ("latency", "{:.2f} ms"),
    "cost/throughput": ("throughput", "{:,.0f} samples/s"),
    "cost/flops_inference": ("FLOPs a sample", "{:,.0f}"),
    "cost/model_bytes": ("size on disk", "{:,.0f} B"),
    "cost/peak_memory_mb": ("peak memory", "{:,.0f} MB"),
}
MISSING = "–"


class Row(NamedTuple):
    """One line of the comparison, and whether the runs differ in it."""

    name: str
    values: list[str]
    differs: bool


def compare(records: Sequence[RunRecord]) -> dict[str, list[Row]]:
    """Return the lines of the comparison by section: the config, the scores and the costs.

    Of the config, the lines are those that say what was trained, and the keys that differ.

    Raises:
        UserError: there are fewer than two runs.
    """
    if len(records) < 2:
        raise UserError("a comparison takes two runs or more: sizewise compare RUN RUN")
    return {"config": _config(records), "scores": _scores(records), "costs": _costs(records)}


def _config(records: Sequence[RunRecord]) -> list[Row]:
    said: list[dict[str, Any]] = [
        {
            "family": record.family,
            "parameters": "–" if record.parameters is None else f"{record.parameters:,}",
            "model.width": record.width,
            "model.depth": record.depth,
            "data": record.data,
            "seed": record.seed,
            "epochs": f"{record.epochs} (best {record.best_epoch})",
        }
        for record in records
    ]
    rows = [_row(name, [each[name] for each in said]) for name in ALWAYS]
    keys = sorted({key for record in records for key in record.config} - set(SAID_ABOVE))
    for key in keys:
        row = _row(key, [record.config.get(key) for record in records])
        if row.differs:
            rows.append(row)
    commits = [(record.git_commit or "unknown")[:8] for record in records]
    return [*rows, _row("commit", commits)] if len(set(commits)) > 1 else rows


def _scores(records: Sequence[RunRecord]) -> list[Row]:
    def metric(name: str, form: str) -> list[str]:
        return [_formatted(record.metrics.get(name), form) for record in records]

    named = records[0].measure.name
    return [
        _row(f"validation {named}", [each.measure.shown(each.error("val")) for each in records]),
        _row(f"test {named}", [each.measure.shown(each.error()) for each in records]),
        _row("test macro F1", metric("test/macro_f1", "{:.4f}")),
        _row("test loss", metric("test/loss", "{:.4f}")),
    ]


def _costs(records: Sequence[RunRecord]) -> list[Row]:
    """Return each cost, with how many times the first run's it is."""
    rows = []
    for metric, (name, form) in COSTS.items():
        values = [record.metrics.get(metric, math.nan) for record in records]
        texts = [_formatted(value, form) for value in values]
        for index in range(1, len(values)):
            ratio = values[index] / values[0] if values[0] else math.nan
            if math.isfinite(ratio):
                texts[index] += f"  ({ratio:.3g}x)"
        rows.append(_row(name, texts))
    return rows


def _row(name: str, values: Sequence[Any]) -> Row:
    texts = [MISSING if value is None else str(value) for value in values]
    return Row(name, texts, len(set(texts)) > 1)


def _formatted(value: float | None, form: str) -> str:
    return MISSING if value is None or math.isnan(value) else form.format(value)


def show(records: Sequence[RunRecord], console: Console) -> None:
    """Show runs side by side, and say where their scores don't compare."""
    times = Counter(record.name for record in records)
    table = Table(box=None, header_style="bold")
    table.add_column("", no_wrap=True)
    for record in records:
        heading = record.name if times[record.name] == 1 else f"{record.name}\n{record.run_id[:8]}"
        table.add_column(heading, justify="right")
    for section, rows in compare(records).items():
        table.add_row(section, *[""] * len(records), style="bold")
        for row in rows:
            table.add_row(f"  {row.name}", *row.values)
    console.print(table)
    if len({record.data for record in records}) > 1:
        console.print("The runs are on different data sets: their scores don't compare.")
