"""The figure of test error against training data and against training time."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from sizewise.report.bootstrap import Interval
from sizewise.report.colours import colours, markers
from sizewise.report.data_sizes import DataSizes
from sizewise.report.data_words import TRAINING
from sizewise.report.select import Cell
from sizewise.report.style import log_axis, percent_axis


class Line(NamedTuple):
    """One family over the amounts where it was run: its samples, best cells and intervals."""

    family: str
    is_reference: bool
    samples: list[int]
    cells: list[Cell]
    intervals: list[Interval | None]


def lines(found: DataSizes) -> Iterator[Line]:
    """Yield each family's line, networks first."""
    kinds = {cell.family: cell.is_reference for each in found.amounts for cell in each.cells}
    for family, is_reference in sorted(kinds.items(), key=lambda item: (item[1], item[0])):
        line = Line(family, is_reference, [], [], [])
        for amount in found.amounts:
            for cell, interval in zip(amount.cells, amount.intervals, strict=True):
                if cell.family == family:
                    line.samples.append(amount.samples)
                    line.cells.append(cell)
                    line.intervals.append(interval)
        yield line


def error_by_data(found: DataSizes) -> Figure:
    """Draw each family's best mean test error by samples and by seconds, with 90 % intervals."""
    figure = Figure(figsize=(10, 4.6), dpi=144, layout="constrained")
    by_samples, by_seconds = figure.subplots(1, 2, sharey=True)
    drawn = list(lines(found))
    colour, marker = (style([line.family for line in drawn]) for style in (colours, markers))
    everything, seconds = [], []
    for line in drawn:
        means = np.array([cell.test_errors.mean() for cell in line.cells])
        ends = [each or (mean, mean) for each, mean in zip(line.intervals, means, strict=True)]
        low, high = np.array(ends).T
        own = np.array([cell.cost(TRAINING) for cell in line.cells])
        everything.append(means)
        seconds.append(own)
        for axes, x in ((by_samples, np.array(line.samples)), (by_seconds, own)):
            axes.errorbar(
                x,
                means,
                yerr=[means - low, high - means],
                color=colour[line.family],
                marker=marker[line.family],
                markersize=5,
                linestyle="--" if line.is_reference else "-",
                linewidth=1.2,
                capsize=2,
                label=line.family,
            )
    crossing = found.crossing
    if crossing.place is not None:
        by_samples.axvline(crossing.place, color="#444444", linewidth=1, linestyle=":")
    log_axis(by_samples, [float(amount.samples) for amount in found.amounts])
    log_axis(by_seconds, np.concatenate(seconds))
    for axes in (by_samples, by_seconds):
        percent_axis(axes, np.concatenate(everything))
    by_samples.set(xlabel="training samples", ylabel="test error")
    by_seconds.set(xlabel="training time (s)")
    handles, labels = by_samples.get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, loc="outside lower center", ncols=5)
    figure.suptitle("Test error by training data: networks solid, classical families dashed")
    return figure
