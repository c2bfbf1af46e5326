"""The report's tables: one row a run, one row a cell."""

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sizewise.records import RunRecord
from sizewise.report.analysis import Analysis
from sizewise.report.cells import COSTS, Cell, known_error, run_cost
from sizewise.report.selection import varying
from sizewise.report.stats.errors import Interval
from sizewise.report.stats.fit import Fit
from sizewise.report.words import MeasureWords, quantity, setting_words

Row = dict[str, str]
UNKNOWN = "–"


def write_runs(
    path: Path, analysis: Analysis, records: Sequence[RunRecord], used: Iterable[Cell]
) -> None:
    """Write one row for each run that was given, `compared` saying whether the report uses it."""
    compared = {id(record) for cell in used for record in cell.records}
    keys = sorted({key for swept in analysis.selection.swept.values() for key in swept})
    metrics = sorted({name for record in records for name in record.metrics} - {"test/error"})
    own = ("run_id", "name", "family", "size_asked", "parameters", "seed", "best_epoch")
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["compared", *own, *keys, "val/error", "test/error", *metrics])
        for record in records:
            row: list[Any] = ["yes" if id(record) in compared else "no"]
            row += [getattr(record, name) for name in own]
            row += [record.config.get(key) for key in keys]
            row += [known_error(record, split) for split in ("val", "test")]
            writer.writerow(row + [record.metrics.get(name) for name in metrics])


def reached(cell: Cell, interval: Interval | None) -> Row:
    """Return what a cell reaches as text by the name of its column."""
    words = MeasureWords(cell.measure)
    failed = f", {cell.failures} failed" if cell.failures else ""
    return {
        "seeds": f"{len(cell.seeds)}{failed}",
        words.test: words.value(cell.error),
        "90% interval": words.values(interval) if interval else UNKNOWN,
        f"validation {cell.measure.name}": words.value(cell.validation_error),
    }


def cell_rows(analysis: Analysis) -> list[Row]:
    """Return each cell's numbers as text by the name of their column."""
    words = MeasureWords(analysis.measure)
    has_settings = any(cell.setting for cell, _ in analysis.rows)
    rows = []
    for cell, interval in analysis.rows:
        count = cell.records[0].parameters if cell.is_reference else cell.parameters
        gap = float((cell.test_errors - cell.train_errors).mean())
        row = {
            "family": cell.label if cell.is_reference else cell.family,
            "parameters": UNKNOWN if count is None else f"{count:,}",
            **reached(cell, interval),
            words.counted("gap"): words.number(gap) if math.isfinite(gap) else UNKNOWN,
        }
        if has_settings:
            row["setting"] = setting_words(cell.setting) or UNKNOWN
        rows.append(row | {cost.words: quantity(cell.cost(cost), cost.unit) for cost in COSTS[1:]})
    return rows


def run_rows(cells: Sequence[Cell]) -> list[list[Row]]:
    """Return for each cell its runs as text by the name of their column."""
    records = [record for cell in cells for record in cell.records]
    shown = records[0].measure
    keys = [key for key in varying(records) if key != "seed"]
    return [
        [
            {
                "run": record.run_id,
                "name": record.name,
                "seed": str(record.seed),
                **{key: str(record.config.get(key)) for key in keys},
                f"test {shown.name}": shown.shown(record.error()),
                f"validation {shown.name}": shown.shown(record.error("val")),
                **{cost.words: quantity(run_cost(record, cost), cost.unit) for cost in COSTS},
            }
            for record in cell.records
        ]
        for cell in cells
    ]


def fit_rows(analysis: Analysis) -> list[Row]:
    """Return what each form makes of each family: its floor, and its AICc."""
    words = MeasureWords(analysis.measure)
    rows = []
    for result in analysis.families:
        if not isinstance(result.fit, Fit):
            continue
        for form, curve, behind in result.fit.scores:
            row = {
                "family": result.family,
                "form": f"{form.name}, {form.formula}",
                "floor": words.value(curve.floor.item()) if form.has_floor else UNKNOWN,
                "AICc above the best's": f"{behind:.1f}",
            }
            rows.append(row)
    return rows
