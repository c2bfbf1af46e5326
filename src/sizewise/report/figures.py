"""The report's figures as files: one function each, drawn without a display."""

import math
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from sizewise.report.analysis import Analysis, FamilyResult
from sizewise.report.colours import colours, markers
from sizewise.report.costs import COSTS
from sizewise.report.curves import learning_curve, train_errors
from sizewise.report.data_figure import error_by_data
from sizewise.report.fit import Fit
from sizewise.report.noise import Array
from sizewise.report.pareto import pareto_front
from sizewise.report.style import log_axis, percent_axis
from sizewise.report.words import quantity

MOST_SEED_DOTS = 2_000  # beyond, the seeds' own points would be a smear, and slow to draw
CURVE_POINTS = 120


def draw_figures(analysis: Analysis) -> dict[str, Figure]:
    """Return every figure that has something to show, by its file's name without an ending."""
    figures: dict[str, Figure] = {}
    if analysis.families:
        figures["error_by_size"] = error_by_size(analysis)
    figures["error_by_cost"] = error_by_cost(analysis)
    if analysis.by_data:
        figures["error_by_data"] = error_by_data(analysis.by_data)
    if analysis.families:
        figures["learning_curves"] = learning_curves(analysis)
        figures["generalisation_gap"] = generalisation_gap(analysis)
        figures["seed_spread"] = seed_spread(analysis)
    return figures


def error_by_size(analysis: Analysis) -> Figure:
    """Draw test error against parameters: seeds, means with 90 % intervals, fitted curves."""
    figure = Figure(figsize=(8, 5), dpi=144, layout="constrained")
    axes = figure.subplots()
    colour, marker = _styles(analysis)
    dots = sum(len(cell.seeds) for cell in analysis.selection.cells) <= MOST_SEED_DOTS
    for result in analysis.families:
        own = colour[result.family]
        if dots:
            x = np.concatenate([np.full(len(c.seeds), c.parameters) for c in result.cells])
            y = np.concatenate([cell.test_errors for cell in result.cells])
            axes.scatter(x, y, s=9, color=own, alpha=0.35, linewidths=0, zorder=2)
        if isinstance(result.fit, Fit):
            _draw_curve(axes, result, result.fit, own)
        elif len(result.cells) > 1:
            axes.plot(result.sizes, result.means, color=own, linewidth=1, linestyle=":", zorder=2)
        else:
            axes.axhline(result.means[0], color=own, linewidth=0.8, linestyle=":", zorder=1)
        _draw_means(axes, result, result.sizes, own, marker[result.family])
    _draw_references(axes, analysis, label=True)
    log_axis(axes, [cell.parameters for cell in analysis.selection.cells])
    percent_axis(axes, _mean_errors(analysis))
    axes.set(xlabel="trainable parameters", ylabel="test error")
    axes.set_title(
        "Test error against size: mean and 90% interval over seeds, fitted curve and band"
    )
    axes.legend(frameon=False, loc="best")
    return figure


def error_by_cost(analysis: Analysis) -> Figure:
    """Draw mean test error against each cost that is known, with the Pareto front."""
    cells = analysis.selection.compared
    known = [cost for cost in COSTS if any(cell.cost(cost.metric) > 0 for cell in cells)]
    columns = min(3, len(known))
    rows = math.ceil(len(known) / columns)
    figure = Figure(figsize=(4.1 * columns, 3.5 * rows + 0.5), dpi=144, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    colour, marker = _styles(analysis)
    errors = np.array([cell.test_errors.mean() for cell in cells])
    for axes, cost in zip(grid, known, strict=False):
        values = np.array([cell.cost(cost.metric) for cell in cells])
        front = pareto_front(values, errors)
        axes.step(
            values[front], errors[front], where="post", color="#999999", linewidth=4, alpha=0.5,
            zorder=1, label="Pareto front",
        )  # fmt: skip
        for result in analysis.families:
            mine = np.array([cell.cost(cost.metric) for cell in result.cells])
            _draw_means(axes, result, mine, colour[result.family], marker[result.family])
        _draw_references(axes, analysis, label=False)
        for each in analysis.references:
            own = {"color": colour[each.cell.family], "marker": marker[each.cell.family]}
            axes.plot(each.cell.cost(cost.metric), each.mean, zorder=4, linestyle="none", **own)
        log_axis(axes, values)
        percent_axis(axes, errors)
        axes.set(xlabel=cost.axis)
    for axes in grid[::columns]:
        axes.set_ylabel("test error")
    handles, labels = grid[0].get_legend_handles_labels()
    for axes in grid[len(known) :]:
        axes.set_axis_off()
    if len(known) < len(grid):
        grid[len(known)].legend(handles, labels, frameon=False, loc="center")
    else:
        figure.legend(handles, labels, frameon=False, loc="outside lower center", ncols=8)
    figure.suptitle("Test error against what it costs; a better model lies to the left and below")
    return figure


def learning_curves(analysis: Analysis) -> Figure:
    """Draw validation error against the epoch, mean over seeds, one panel a family."""
    figure, grid = _panels(analysis, "epoch", "validation error")
    sizes = [max(cell.parameters, 1) for cell in analysis.selection.cells]
    norm = LogNorm(min(sizes), max(max(sizes), min(sizes) * 2))
    cmap = matplotlib.colormaps["viridis_r"]
    everything = []
    for axes, result in zip(grid, analysis.families, strict=False):
        for cell in result.cells:
            curve = learning_curve(cell)
            everything.append(curve)
            epochs = np.arange(1, len(curve) + 1)
            axes.plot(epochs, curve, color=cmap(norm(max(cell.parameters, 1))), linewidth=1.4)
        axes.set(title=result.family)
    for axes in grid:
        percent_axis(axes, np.concatenate(everything))
    figure.suptitle("Validation error while training, mean over seeds")
    bar = figure.colorbar(
        ScalarMappable(norm, cmap), ax=list(grid), label="trainable parameters", pad=0.01,
        format=FuncFormatter(lambda value, _: quantity(value)),
    )  # fmt: skip
    bar.ax.yaxis.set_minor_locator(NullLocator())
    return figure


def generalisation_gap(analysis: Analysis) -> Figure:
    """Draw train and test error by size, one panel a family; the area between is the gap."""
    figure, grid = _panels(analysis, "trainable parameters", "error")
    colour, marker = _styles(analysis)
    for axes, result in zip(grid, analysis.families, strict=False):
        own = colour[result.family]
        train = np.array([train_errors(cell).mean() for cell in result.cells])
        axes.fill_between(result.sizes, train, result.means, color=own, alpha=0.12, linewidth=0)
        style: dict[str, Any] = {"color": own, "marker": marker[result.family], "markersize": 5}
        axes.plot(result.sizes, result.means, label="test", **style)
        axes.plot(
            result.sizes, train, label="training", linestyle="--", markerfacecolor="white", **style
        )
        log_axis(axes, [cell.parameters for cell in analysis.selection.cells])
        axes.set(title=result.family)
        axes.legend(frameon=False, loc="best")
    grid[0].set_ylim(bottom=0)
    for axes in grid:
        percent_axis(axes)  # linear, so that heights are gaps
    figure.suptitle("Generalisation gap: error on the test set above error in training")
    return figure


def seed_spread(analysis: Analysis) -> Figure:
    """Draw the standard deviation of test error between seeds by size."""
    figure = Figure(figsize=(8, 4.2), dpi=144, layout="constrained")
    axes = figure.subplots()
    colour, marker = _styles(analysis)
    for result in analysis.families:
        repeated = [cell for cell in result.cells if len(cell.seeds) > 1]
        if not repeated:
            continue
        axes.plot(
            [cell.parameters for cell in repeated],
            [100 * cell.test_errors.std(ddof=1) for cell in repeated],
            color=colour[result.family],
            marker=marker[result.family],
            markersize=5,
            linewidth=1.2,
            label=result.family,
        )
    log_axis(axes, [cell.parameters for cell in analysis.selection.cells])
    axes.set(xlabel="trainable parameters", ylabel="standard deviation (points)")
    axes.set_ylim(bottom=0)
    axes.set_title("How much test error differs between seeds")
    if axes.lines:
        axes.legend(frameon=False)
    else:
        axes.text(0.5, 0.5, "one seed each: nothing to show", ha="center", transform=axes.transAxes)
    return figure


def _draw_curve(axes: Axes, result: FamilyResult, fit: Fit, colour: str) -> None:
    sizes = np.geomspace(result.sizes[0], result.sizes[-1], CURVE_POINTS)
    axes.plot(sizes, fit.predict(sizes), color=colour, linewidth=1.6, zorder=3)
    band = fit.band(sizes)
    if band:
        axes.fill_between(sizes, *band, color=colour, alpha=0.13, linewidth=0, zorder=1)


def _draw_references(axes: Axes, analysis: Analysis, *, label: bool) -> None:
    """Draw the classical families as lines across, with their intervals: they have no size."""
    colour, _ = _styles(analysis)
    for each in analysis.references:
        own = colour[each.cell.family]
        axes.axhline(
            each.mean, color=own, linewidth=1.1, linestyle="--", zorder=1.5, label=each.cell.label
        )
        if each.interval:
            axes.axhspan(*each.interval, color=own, alpha=0.1, linewidth=0, zorder=1)
        if label:
            axes.annotate(
                each.cell.label, (1, each.mean), xycoords=("axes fraction", "data"), color=own,
                ha="right", va="bottom", fontsize=8,
            )  # fmt: skip


def _draw_means(axes: Axes, result: FamilyResult, x: Array, colour: str, marker: str) -> None:
    known = np.isfinite(x)
    means = result.means[known]
    ends = [
        (interval.low, interval.high) if interval else (mean, mean)
        for interval, mean in zip(result.intervals, result.means, strict=True)
    ]
    low, high = np.array(ends)[known].T.reshape(2, -1)
    axes.errorbar(
        x[known],
        means,
        yerr=[means - low, high - means],
        color=colour,
        marker=marker,
        markersize=5.5,
        markeredgecolor="white",
        markeredgewidth=0.6,
        linestyle="none",
        capsize=2,
        linewidth=1.2,
        label=result.family,
        zorder=4,
    )


def _panels(analysis: Analysis, xlabel: str, ylabel: str) -> tuple[Figure, Sequence[Axes]]:
    """Return a figure with one panel for each family and shared axes of error."""
    count = len(analysis.families)
    columns = min(3, count)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(3.9 * columns + 0.8, 3.4 * rows + 0.5), dpi=144, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for row in grid:
        row[0].set_ylabel(ylabel)
    flat = list(grid.ravel())
    for index, axes in enumerate(flat):
        axes.spines[["top", "right"]].set_visible(False)
        if index < count <= index + columns:  # the lowest of its column
            axes.set_xlabel(xlabel)
    for index, axes in enumerate(flat[count:], start=count):
        axes.set_axis_off()
        flat[index - columns].tick_params(labelbottom=True)
    return figure, flat


def _styles(analysis: Analysis) -> tuple[dict[str, str], dict[str, str]]:
    families = [result.family for result in analysis.families]
    families += [each.cell.family for each in analysis.references]
    return colours(families), markers(families)


def _mean_errors(analysis: Analysis) -> Array:
    return np.array([cell.test_errors.mean() for cell, _ in analysis.rows])
