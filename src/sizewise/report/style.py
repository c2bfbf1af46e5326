"""Axes, the same in every figure."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from sizewise.report.noise import Array
from sizewise.report.words import quantity


def log_axis(axes: Axes, values: Sequence[float] | Array) -> None:
    """Make the x axis logarithmic with readable ticks: 1, 1 and 3, or 1, 2 and 5 a decade."""
    axes.spines[["top", "right"]].set_visible(False)
    known = [value for value in values if value > 0]
    if not known:
        return
    low, high = min(known), max(known)
    axes.set_xscale("log")
    margin = max((high / low) ** 0.06, 1.15)
    axes.set_xlim(low / margin, high * margin)
    decades = math.log10(high / low * margin**2)
    steps = (1.0,) if decades > 4 else (1.0, 3.0) if decades > 1.5 else (1.0, 2.0, 5.0)
    axes.xaxis.set_major_locator(LogLocator(subs=steps, numticks=12))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: quantity(value)))
    axes.xaxis.set_minor_locator(NullLocator())  # half of the drawing time, and nothing to read


def percent_axis(axes: Axes, values: Array | None = None) -> None:
    """Make the y axis one of errors in percent: logarithmic where `values` span a factor of 3."""
    if values is not None and values.min() > 0 and values.max() > 3 * values.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)
