"""What maps say by size, drawn."""

from collections.abc import Sequence

import altair as alt

from sizewise.report import style
from sizewise.report.section import Chart, Rows
from sizewise.report.studies.interpretability.looks import ALL, IN_PERCENT, NAMES, Looks, named


def draw(found: Sequence[Looks]) -> Chart:
    """Draw each measurement by size, with 90 % intervals: one panel each."""
    kinds = [named(ALL), "the family's own method"]
    rows: Rows = [
        {
            "family": looks.family,
            "kind": kinds[method != ALL],
            "method": named(method),
            "measured": name,
            "parameters": cell.parameters,
            "value": style.number(value),
            "low": style.number(interval.low if interval else value),
            "high": style.number(interval.high if interval else value),
        }
        for looks in found
        for method, means in looks.means.items()
        for name, values in means.items()
        for cell, (value, interval) in zip(looks.cells, values, strict=True)
    ]
    family = style.by_family((looks.family, looks.family) for looks in found)
    colour = {"color": family["color"]}
    x = style.log_x("parameters", "parameters", rows)
    tips = style.tooltips(["family", "method", "parameters", "value"])
    panels: list[alt.LayerChart | alt.FacetChart] = []
    for name in [each for each in NAMES if each in found[0].means[ALL]]:
        axis = alt.Axis(format="%" if name in IN_PERCENT else "~g")
        y = alt.Y("value:Q", title=NAMES[name], axis=axis)
        base = alt.Chart(alt.NamedData("maps")).transform_filter(f"datum.measured === '{name}'")
        layers = [
            base.mark_rule().encode(x, alt.Y("low:Q"), alt.Y2("high"), **colour),
            base.mark_line(strokeWidth=1.4).encode(x, y, style.dashes("kind", kinds), **colour),
            base.mark_point(filled=True, size=50, opacity=1).encode(x, y, tooltip=tips, **family),
        ]
        panels.append(alt.layer(*layers).properties(width=280, height=200))
    caption = "What maps say by size: integrated gradients solid, the family's own method dashed"
    return style.chart("maps_by_size", caption, alt.concat(*panels, columns=3), {"maps": rows})
