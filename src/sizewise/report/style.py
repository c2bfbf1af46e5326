"""What all charts share: their axes, the channels that tell families apart, their data's form."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import altair as alt

from sizewise.report.colours import looks
from sizewise.report.section import Chart, Rows, Spec
from sizewise.report.stats.errors import Interval
from sizewise.report.words import MeasureWords

DIGITS = 5  # significant, of every number in a chart's data
COUNTED = "datum.value < 1 ? format(datum.value, '~r') : format(datum.value, '~s')"  # 0.1, 10k
LINES = alt.Legend(symbolType="stroke", symbolStrokeColor="#444")
CONFIG = {
    "font": "Helvetica, Arial, sans-serif",
    "view": {"stroke": None},
    "axis": {"gridColor": "#e6e6e6", "domainColor": "#888", "tickColor": "#888"},
    "axisX": {"grid": False},
    "header": {"labelFontSize": 12, "labelFontWeight": "bold"},
    "legend": {"symbolOpacity": 1},
    "title": {"anchor": "start", "fontSize": 13},
}


def chart(
    name: str,
    caption: str,
    drawn: alt.TopLevelMixin | Spec,
    data: Mapping[str, Rows],
    *,
    choices: Mapping[str, alt.TopLevelMixin | Spec] | None = None,
    on_page: bool = True,
) -> Chart:
    """Return what was drawn as a `Chart`, with those of `data` that it names."""
    choices = choices or {}
    spec, *others = (
        {"$schema": alt.SCHEMA_URL} | as_spec(each) | {"config": CONFIG}
        for each in (drawn, *choices.values())
    )
    text = json.dumps([spec, others])
    used = {key: rows for key, rows in data.items() if f'{{"name": "{key}"}}' in text}
    return Chart(name, caption, spec, used, dict(zip(choices, others, strict=True)), on_page)


def as_spec(drawn: alt.TopLevelMixin | Spec) -> Spec:
    """Return what Altair drew as a specification of Vega-Lite's.

    It is not validated, which takes longer than all else: vl-convert refuses what is none.
    """
    return drawn if isinstance(drawn, dict) else drawn.to_dict(validate=False)


def layered(layers: Iterable[alt.Chart], size: Mapping[str, int]) -> Spec:
    """Return what `alt.layer` does of charts, which copies each of them several times for it."""
    parts = ("data", "transform", "mark", "encoding")
    specs = (as_spec(each) for each in layers)
    return {"layer": [{key: each[key] for key in parts if key in each} for each in specs], **size}


def number(value: float) -> float | None:
    """Return a number as JSON holds it, rounded; None for what is not known."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def positive(value: float) -> float | None:
    """Return a number for a logarithmic axis, which has no place for zero."""
    return number(value) if value > 0 else None


def interval_row(error: float, interval: Interval | None) -> dict[str, float | None]:
    """Return a mean and the ends of its interval as the fields that charts draw."""
    low, high = interval or (error, error)
    return {"error": number(error), "low": number(max(0.0, low)), "high": number(high)}


def log_x(field: str, title: str, rows: Rows) -> alt.X:
    """Return a logarithmic x axis of a field of `rows`, a cost or an amount."""
    known = [row[field] for row in rows if row[field]]
    return alt.X(
        field=field,
        type="quantitative",
        title=title,
        scale=alt.Scale(type="log", nice=False, padding=14),
        axis=alt.Axis(labelExpr=COUNTED, labelOverlap=True, values=log_ticks(known)),
    )


def error_y(
    words: MeasureWords, title: str, rows: Rows, *, may_be_log: bool = True
) -> Callable[..., alt.Y]:
    """Return what makes the y channel of a field of errors, alike in every layer of a chart.

    It is logarithmic where the errors of `rows` span a factor of 3. What is below all of them, as
    an interval's end may be, lies on its edge.
    """
    errors = [row["error"] for row in rows if row["error"]]
    scale = alt.Scale(zero=True)
    axis = alt.Axis(format="~%" if words.is_share else "~g", labelOverlap=True, tickCount=6)
    if errors and may_be_log:
        lows = [row["low"] for row in rows if row.get("low", 0) > min(errors) / 3]
        edge = 0.9 * min([*errors, *lows])
        is_log = len(errors) == len(rows) and max(errors) > 3 * min(errors)
        kind: Literal["log", "linear"] = "log" if is_log else "linear"
        scale = alt.Scale(type=kind, domainMin=edge, clamp=True, padding=8, nice=not is_log)
        if is_log:
            axis.values = log_ticks([edge, *errors])

    def channel(field: str = "error") -> alt.Y:
        return alt.Y(field=field, type="quantitative", title=title, scale=scale, axis=axis)

    return channel


def log_ticks(values: Sequence[float]) -> list[float]:
    """Return round numbers between the least and the greatest: 1, 1 and 3, or 1, 2, 5 a decade."""
    if not values:
        return []
    least, most = min(values), max(values)
    decades = math.log10(most / least)
    steps = (1,) if decades > 4 else (1, 3) if decades > 2 else (1, 2, 5)
    powers = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
    ticks = [float(f"{step}e{power}") for power in powers for step in steps]
    return [tick for tick in ticks if least / 1.1 < tick < most * 1.1]


def by_family(names: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the channels that tell families apart, with one legend for both.

    Args:
        names: of each family, and what the field `family` of the data calls it.
    """
    families, called = zip(*names, strict=True)
    colours, markers = zip(*looks(families).values(), strict=True)
    colour = alt.Scale(domain=called, range=colours)
    marker = alt.Scale(domain=called, range=markers)
    return {
        "color": alt.Color("family:N", scale=colour, title=None),
        "shape": alt.Shape("family:N", scale=marker, title=None),
    }


def by_size(field: str, rows: Rows) -> alt.Color:
    """Return the colour that tells sizes apart, the parameters in a field of `rows`."""
    return alt.Color(
        field=field,
        type="quantitative",
        title="parameters",
        scale=alt.Scale(type="log", scheme="viridis", reverse=True),
        # gradients have ids
        legend=alt.Legend(
            format="~s", type="symbol", values=log_ticks([row[field] for row in rows])
        ),
    )


def dashes(field: str, kinds: list[str], legend: alt.Legend | None = LINES) -> alt.StrokeDash:
    """Return the channel that draws lines of the first of two kinds solid, the second dashed."""
    scale = alt.Scale(domain=kinds, range=[[1, 0], [5, 3]])
    return alt.StrokeDash(f"{field}:N", scale=scale, title=None, legend=legend)


def tooltips(keys: Iterable[str]) -> list[alt.Tooltip]:
    """Return what is shown of a point: its texts under `keys`."""
    return [alt.Tooltip(field=key.replace(".", "\\."), type="nominal", title=key) for key in keys]
