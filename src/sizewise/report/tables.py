"""The report's tables: one row a run, one row a cell."""

import csv
import math
from pathlib import Path
from typing import Any

from sizewise.records import RunRecord
from sizewise.report.analysis import Analysis
from sizewise.report.costs import COSTS
from sizewise.report.curves import train_errors
from sizewise.report.select import Cell
from sizewise.report.usable import validation
from sizewise.report.wording import setting_words
from sizewise.report.words import percent, percent_interval, points, quantity, size


def write_runs(path: Path, analysis: Analysis, records: list[RunRecord]) -> None:
    """Write one row for each run that was given, `compared` saying whether the report uses it."""
    compared = analysis.selection.compared
    if analysis.by_data:
        compared = [*compared, *(c for amount in analysis.by_data.amounts for c in amount.cells)]
    used = {id(record) for cell in compared for record in cell.records}
    keys = sorted({key for swept in analysis.selection.swept.values() for key in swept})
    metrics = sorted({name for record in records for name in record.metrics})
    header = ["run_id", "name", "compared", "family", "size_asked", "parameters", "seed", *keys]
    header += ["best_epoch", "val/accuracy", *metrics]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for record in records:
            writer.writerow(
                [
                    record.run_id,
                    record.name,
                    "yes" if id(record) in used else "no",
                    record.family,
                    record.size_asked,
                    record.parameters,
                    record.seed,
                    *(record.config.get(key) for key in keys),
                    record.best_epoch,
                    validation(record, "accuracy"),
                    *(record.metrics.get(name) for name in metrics),
                ]
            )


def cell_rows(analysis: Analysis) -> list[dict[str, str]]:
    """Return each cell's numbers as text by the name of their column."""
    has_settings = any(cell.setting for cell in analysis.selection.compared)
    rows = []
    for cell, interval in analysis.rows:
        count = cell.records[0].parameters if cell.is_reference else cell.parameters
        row = {
            "family": cell.label if cell.is_reference else cell.family,
            "parameters": "–" if count is None else f"{count:,}",
            "seeds": str(len(cell.seeds)),
            "test error": percent(cell.test_errors.mean()),
            "90% interval": percent_interval(interval) if interval else "–",
            "validation error": percent(cell.validation_errors.mean()),
            "gap (points)": _gap(cell),
        }
        if has_settings:
            row["setting"] = setting_words(cell.setting) or "–"
        for cost in COSTS[1:]:
            row[cost.words] = quantity(cell.cost(cost.metric), cost.unit)
        rows.append(row)
    return rows


def fit_rows(analysis: Analysis) -> list[dict[str, str]]:
    """Return what each form makes of each family: its numbers, its AICc, its held-out error."""
    rows = []
    for result in analysis.families:
        for score in getattr(result.fit, "forms", []):
            held_out = score.held_out_error
            rows.append(
                {
                    "family": result.family,
                    "form": f"{score.form.name}, {score.form.formula}",
                    "floor": percent(float(score.curve.floor)) if score.form.has_floor else "–",
                    "α or N₀": _shape(score.form.name, float(score.curve.shape), result.sizes[0]),
                    "AICc above the best's": f"{score.aicc_difference:.1f}",
                    "largest size, predicted less observed (points)": "–"
                    if held_out is None
                    else points(held_out),
                }
            )
    return rows


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return rows that share their columns as a Markdown table."""
    if not rows:
        return ""
    columns = list(rows[0])
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(row[column]) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def _gap(cell: Cell) -> str:
    gap = float((cell.test_errors - train_errors(cell)).mean())
    return points(gap) if math.isfinite(gap) else "–"


def _shape(form: str, shape: float, smallest: float) -> str:
    return f"N₀ = {size(shape * smallest)}" if "exponential" in form else f"α = {shape:.2f}"
