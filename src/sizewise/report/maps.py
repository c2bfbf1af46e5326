"""Pictures of what a network looks at: a sequence, an image or a row, and the map of it.

Shapes: C channels, T steps, H and W an image's sides. A map has one number for each step, pixel or
column; what is below zero speaks against the answer.
"""

import json
import math
from collections.abc import Sequence

import altair as alt
import numpy as np
from numpy.typing import NDArray

from sizewise.report import style
from sizewise.report.section import Chart, Rows

MOST_PIXELS = 64  # of an image's side that is drawn; larger ones are brought to means of blocks
MOST_STEPS = 100  # whose attention to each other is drawn
FOR, AGAINST, INK = "#0072b2", "#d55e00", "#1d2530"
Array = NDArray[np.floating]


def draw_sequence(
    name: str,
    caption: str,
    values: Array,
    looked: Array,
    *,
    truth: NDArray[np.bool_] | None = None,
    attention: Array | None = None,
) -> Chart:
    """Draw a sequence (C, T) as lines with its map (T,) as shade behind them.

    Args:
        name: of its files.
        caption: what it shows.
        values: the sequence.
        looked: the map.
        truth: steps that are marked beneath, (T,).
        attention: of each step to each, (T, T), drawn beside it where there are at most 100.
    """
    low, high = float(values.min()), float(values.max())
    below = low - 0.08 * (high - low or 1)
    steps = range(values.shape[1])
    data: dict[str, Rows] = {
        "shade": [
            {"left": t - 0.5, "right": t + 0.5, "weight": weight, "low": below, "high": high}
            for t, weight in zip(steps, _weights(looked), strict=True)
        ],
        "lines": [
            {"step": t, "value": float(channel[t]), "channel": str(c)}
            for c, channel in enumerate(values)
            for t in steps
        ],
        "truth": [
            {"left": t - 0.5, "right": t + 0.5, "low": below, "high": (low + below) / 2}
            for t in steps
            if truth is not None and truth[t]
        ],
    }
    x = alt.X("left:Q", title="step", scale=alt.Scale(domain=[-0.5, len(steps) - 0.5], nice=False))
    y = alt.Y("low:Q", title=None, scale=alt.Scale(domain=[below, high], nice=False))
    shade = alt.Chart(alt.NamedData("shade")).mark_rect()
    line = alt.Chart(alt.NamedData("lines")).mark_line(color=INK, strokeWidth=1.8)
    line = line.encode(x=alt.X("step:Q", title="step"), y=alt.Y("value:Q", title=None))
    mark = alt.Chart(alt.NamedData("truth")).mark_rect(color=INK)
    layers = [
        shade.encode(x, alt.X2("right"), y, alt.Y2("high"), _colour(looked)),
        line.encode(detail="channel:N"),
    ]
    if data["truth"]:
        layers.append(mark.encode(x, alt.X2("right"), y, alt.Y2("high")))
    plot = alt.layer(*layers).properties(width=520, height=200)
    if attention is not None and len(attention) <= MOST_STEPS:
        data["attention"] = [
            {"from": i, "to": j, "weight": style.number(float(attention[i, j]))}
            for i in steps
            for j in steps
        ]
        matrix = alt.Chart(alt.NamedData("attention")).mark_rect().properties(width=200, height=200)
        weight = alt.Color(
            "weight:Q", title="weight", scale=alt.Scale(range=["#fff", FOR], interpolate="rgb")
        )
        axis = alt.Axis(labelOverlap=True)
        matrix = matrix.encode(alt.X("to:O", title="attends to step", axis=axis), weight)
        matrix = matrix.encode(alt.Y("from:O", title="step", axis=axis))
        both = alt.hconcat(plot, matrix).resolve_scale(color="independent")
        return style.chart(name, caption, both, data)
    return style.chart(name, caption, plot, data)


def draw_alignment(name: str, given: Sequence[str], answer: Sequence[str], weights: Array) -> Chart:
    """Draw what each of T symbols of an answer attends to among S that were given.

    Args:
        name: of its files.
        given: the symbols, S.
        answer: the symbols, T.
        weights: (T, S).
    """
    rows: Rows = [
        {"step": step, "place": place, "weight": style.number(float(weight))}
        for step, line in enumerate(weights)
        for place, weight in enumerate(line)
    ]

    def axis(symbols: Sequence[str]) -> alt.Axis:
        return alt.Axis(labelExpr=f"{json.dumps(list(symbols))}[datum.value]", labelAngle=0)

    scale = alt.Scale(domain=[0, 1], range=["#fff", FOR], interpolate="rgb")
    drawn = alt.Chart(alt.NamedData("alignment")).mark_rect()
    drawn = drawn.encode(
        alt.X("place:O", title="what is given", axis=axis(given)),
        alt.Y("step:O", title="the answer, from above", axis=axis(answer)),
        alt.Color("weight:Q", scale=scale),
    ).properties(width=24 * len(given), height=24 * len(answer))
    caption = f"What each symbol of the answer to {' '.join(given)} attends to"
    return style.chart(name, caption, drawn, {"alignment": rows})


def draw_image(name: str, caption: str, image: Array, looked: Array) -> Chart:
    """Draw an image (C, H, W), of numbers 0 to 1, and its map (H, W) side by side.

    One channel is drawn grey, three in colour.
    """
    block = math.ceil(max(looked.shape) / MOST_PIXELS)
    image = np.stack([_coarser(np.asarray(channel), block) for channel in image])
    looked = _coarser(np.asarray(looked), block)
    levels = np.round(255 * np.clip(image, 0, 1)).astype(int)
    levels = np.repeat(levels, 3, axis=0) if len(levels) == 1 else levels
    height, width = looked.shape
    weights = _weights(looked)
    rows: Rows = [
        {
            **{"row": row, "column": column},
            "colour": "#{:02x}{:02x}{:02x}".format(*levels[:3, row, column]),
            "weight": weights[row * width + column],
        }
        for row in range(height)
        for column in range(width)
    ]
    side = 280 / max(height, width)
    base = alt.Chart(alt.NamedData("pixels")).mark_rect()
    base = base.encode(alt.X("column:O", axis=None), alt.Y("row:O", axis=None))
    panels = [
        base.encode(colour).properties(
            width=side * width, height=side * height, view=alt.ViewBackground(stroke="#888")
        )
        for colour in (alt.Color("colour:N", scale=None), _colour(looked))
    ]
    both = alt.hconcat(*panels).resolve_scale(color="independent")
    return style.chart(name, caption, both, {"pixels": rows})


def draw_columns(name: str, caption: str, columns: Sequence[str], looked: Array) -> Chart:
    """Draw what each column of a row, (C,), speaks for or against as a bar."""
    rows: Rows = [
        {"column": column, "weight": style.number(float(weight))}
        for column, weight in zip(columns, looked, strict=True)
    ]
    bars = alt.Chart(alt.NamedData("columns")).mark_bar().properties(width=420)
    bars = bars.encode(
        alt.X("weight:Q", title="speaks for the answer; below zero against it"),
        alt.Y("column:N", title=None, sort=None),
        color=alt.condition("datum.weight < 0", alt.value(AGAINST), alt.value(FOR)),
    )
    return style.chart(name, caption, bars, {"columns": rows})


def _weights(looked: Array) -> list[float | None]:
    """Return a map's numbers in a row, as shares of its highest."""
    highest = float(np.abs(looked).max()) or 1.0
    return [style.number(float(each)) for each in np.ravel(looked) / highest]


def _colour(looked: Array) -> alt.Color:
    """Return the channel of a map's weights: with a second colour where some are below zero."""
    signed = bool((looked < 0).any())
    domain, colours = ([-1, 0, 1], [AGAINST, "#fff", FOR]) if signed else ([0, 1], ["#fff", FOR])
    scale = alt.Scale(domain=domain, range=colours, interpolate="rgb")
    return alt.Color("weight:Q", title="speaks for" if signed else "looked at", scale=scale)


def _coarser(grid: Array, block: int) -> Array:
    """Return the means of square blocks; what is left at the edges is left out."""
    height, width = (side // block for side in grid.shape)
    cut = grid[: height * block, : width * block].astype(float)
    return np.asarray(cut.reshape(height, block, width, block).mean(axis=(1, 3)))
