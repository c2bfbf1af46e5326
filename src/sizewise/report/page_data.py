"""The numbers in report.html, as its script reads them."""

import math
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import LogNorm, to_hex

from sizewise.records import RunRecord
from sizewise.report.analysis import Analysis, FamilyResult
from sizewise.report.colours import colours, markers
from sizewise.report.costs import COSTS
from sizewise.report.curves import learning_curve, train_errors
from sizewise.report.data_figure import lines
from sizewise.report.data_sizes import DataSizes
from sizewise.report.data_words import TRAINING
from sizewise.report.fit import Fit
from sizewise.report.pareto import pareto_front
from sizewise.report.select import NOT_SETTINGS_PREFIXES, Cell
from sizewise.report.wording import setting_words

SYMBOLS = {  # plotly's names of matplotlib's markers
    "o": "circle",
    "s": "square",
    "D": "diamond",
    "^": "triangle-up",
    "v": "triangle-down",
    "<": "triangle-left",
    ">": "triangle-right",
    "P": "cross",
    "X": "x",
    "*": "star",
    "p": "pentagon",
    "h": "hexagon",
}
CURVE_POINTS = 80
DIGITS = 5  # significant, of every number in the page


def page_data(analysis: Analysis, run_url: str | None) -> dict[str, Any]:
    """Return what the page's script draws; every number in it is rounded.

    Args:
        analysis: what is shown.
        run_url: where a run is looked at, with `{run_id}` in it; None for no links.
    """
    cells = [cell for cell, _ in analysis.rows]
    errors = np.array([cell.test_errors.mean() for cell in cells])
    costs = [cost for cost in COSTS if any(cell.cost(cost.metric) > 0 for cell in cells)]
    metrics = [cost.metric for cost in costs]
    table = np.array([[cell.cost(metric) for metric in metrics] for cell in cells])
    varying = _varying(cells)
    return {
        "run_url": run_url,
        "log_error": bool(errors.min() > 0 and errors.max() > 3 * errors.min()),
        "costs": [{"metric": c.metric, "words": c.words, "axis": c.axis} for c in costs],
        "families": _families(analysis),
        "references": _references(analysis),
        "by_data": _by_data(analysis.by_data) if analysis.by_data else None,
        "cells": _cells(analysis, metrics),
        "fronts": [pareto_front(column, errors).tolist() for column in table.T],
        "varying": varying,
        "runs": _runs(cells, metrics, varying),
    }


def _families(analysis: Analysis) -> list[dict[str, Any]]:
    colour = colours([result.family for result in analysis.families])
    marker = markers(list(colour))
    families: list[dict[str, Any]] = []
    first = 0
    for result in analysis.families:
        families.append(
            {
                "name": result.family,
                "colour": colour[result.family],
                "symbol": SYMBOLS[marker[result.family]],
                "cells": list(range(first, first + len(result.cells))),
                "fit": _fit(result),
            }
        )
        first += len(result.cells)
    return families


def _references(analysis: Analysis) -> list[dict[str, Any]]:
    names = [each.cell.family for each in analysis.references]
    colour, marker = colours(names), markers(names)
    first = len(analysis.rows) - len(names)
    return [
        {
            "name": each.cell.label,
            "colour": colour[each.cell.family],
            "symbol": SYMBOLS[marker[each.cell.family]],
            "cell": first + index,
        }
        for index, each in enumerate(analysis.references)
    ]


def _by_data(found: DataSizes) -> list[dict[str, Any]]:
    drawn = list(lines(found))
    names = [line.family for line in drawn]
    colour, marker = colours(names), markers(names)
    return [
        {
            "name": line.family,
            "colour": colour[line.family],
            "symbol": SYMBOLS[marker[line.family]],
            "dash": "dash" if line.is_reference else "solid",
            "labels": [cell.label for cell in line.cells],
            "samples": line.samples,
            "seconds": _numbers([cell.cost(TRAINING) for cell in line.cells]),
            "mean": _numbers([cell.test_errors.mean() for cell in line.cells]),
            "low": [_number(max(0.0, each.low)) if each else None for each in line.intervals],
            "high": [_number(each.high) if each else None for each in line.intervals],
        }
        for line in drawn
    ]


def _fit(result: FamilyResult) -> dict[str, Any] | None:
    if not isinstance(result.fit, Fit):
        return None
    sizes = np.geomspace(result.sizes[0], result.sizes[-1], CURVE_POINTS)
    low, high = result.fit.band(sizes) or (None, None)
    return {
        "x": _numbers(sizes),
        "y": _numbers(result.fit.predict(sizes)),
        "low": None if low is None else _numbers(low),
        "high": None if high is None else _numbers(high),
    }


def _cells(analysis: Analysis, metrics: list[str]) -> list[dict[str, Any]]:
    sizes = [max(cell.parameters, 1) for cell in analysis.selection.compared]
    norm = LogNorm(min(sizes), max(max(sizes), 2 * min(sizes)))
    viridis = matplotlib.colormaps["viridis_r"]
    rows = []
    for cell, interval in analysis.rows:
        repeated = len(cell.seeds) > 1
        rows.append(
            {
                "label": cell.label,
                "setting": setting_words(cell.setting),
                "mean": _number(cell.test_errors.mean()),
                "low": _number(max(0.0, interval.low)) if interval else None,
                "high": _number(interval.high) if interval else None,
                "train": _number(train_errors(cell).mean()),
                "deviation": _number(cell.test_errors.std(ddof=1)) if repeated else None,
                "costs": [_number(cell.cost(metric)) for metric in metrics],
                "curve": _numbers(learning_curve(cell)),
                "colour": to_hex(viridis(norm(max(cell.parameters, 1)))),
            }
        )
    return rows


def _runs(cells: list[Cell], metrics: list[str], varying: list[str]) -> dict[str, list[Any]]:
    runs = [(index, record) for index, cell in enumerate(cells) for record in cell.records]
    return {
        "id": [record.run_id for _, record in runs],
        "name": [record.name for _, record in runs],
        "cell": [index for index, _ in runs],
        "seed": [record.seed for _, record in runs],
        "test": _numbers(np.concatenate([cell.test_errors for cell in cells])),
        "validation": _numbers(np.concatenate([cell.validation_errors for cell in cells])),
        "costs": [[_number(_cost(record, metric)) for metric in metrics] for _, record in runs],
        "config": [[record.config.get(key) for key in varying] for _, record in runs],
    }


def _cost(record: RunRecord, metric: str) -> float:
    """Return a cost; NaN for the parameters of a reference, which has no place on their axis."""
    is_size = record.is_classical and metric == "cost/parameters"
    return math.nan if is_size else record.metrics.get(metric, math.nan)


def _varying(cells: list[Cell]) -> list[str]:
    """Return the config keys in which the compared runs differ."""
    values: dict[str, set[str]] = {}
    for cell in cells:
        for record in cell.records:
            for key, value in record.config.items():
                values.setdefault(key, set()).add(repr(value))
    return sorted(
        key
        for key, found in values.items()
        if len(found) > 1 and not key.startswith(NOT_SETTINGS_PREFIXES)
    )


def _number(value: float) -> float | None:
    """Return a number as JSON holds it, rounded; None for what is not known."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def _numbers(values: Sequence[float] | np.ndarray) -> list[float | None]:
    return [_number(value) for value in values]
