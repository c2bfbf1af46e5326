"""The charts of sizes at equal training FLOPs: the losses by size, and the best size by budget."""

from collections.abc import Sequence

import altair as alt
import numpy as np

from sizewise.report import style
from sizewise.report.section import Chart, Rows
from sizewise.report.stats.errors import Interval
from sizewise.report.studies.compute.families import SPENT, Compute, flops, losses_in
from sizewise.report.words import MeasureWords

CURVE_POINTS = 80
HOW = ["run", "by the surface", "interpolated"]  # a best size is found
ASIDE = (0.94, 1.0, 1.06)  # where each is drawn, of its budget, so that none hides another


def loss_by_budget(families: Sequence[Compute], loss: MeasureWords) -> Chart:
    """Draw loss by size, a line for each budget, winners ringed, surfaces dashed."""
    rows = [row for each in families for row in _curve_rows(each)]
    runs = [row for row in rows if row["kind"] != "surface"]
    x, y = style.log_x("parameters", "parameters", runs), style.error_y(loss, loss.test, runs)
    budgets = sorted({row["flops"] for row in runs})
    colour = alt.Color(
        "flops:Q",
        title=SPENT.words,
        scale=alt.Scale(type="log", scheme="viridis", reverse=True),
        legend=alt.Legend(type="symbol", format=".2~e", values=budgets),
    )
    tips = style.tooltips(["family", "budget", "parameters", "error"])
    every = alt.Chart()
    fits, cells = (every.transform_filter(f"datum.kind {sign} 'surface'") for sign in ("==", "!="))
    ring = every.transform_filter("datum.kind == 'winner'").mark_point(
        size=260, strokeWidth=2, color="#1d2530", filled=False
    )
    layers = [
        fits.mark_line(strokeDash=[4, 3]).encode(x, y(), colour, alt.Detail("budget:N")),
        cells.mark_rule().encode(x, y("low"), alt.Y2("high"), colour),
        cells.mark_point(filled=True, size=55, opacity=1).encode(x, y(), colour, tooltip=tips),
        ring.encode(x, y()),
    ]
    drawn = alt.layer(*layers, data=alt.NamedData("budgets")).properties(width=360, height=300)
    caption = f"{loss.test.capitalize()} by size at each budget, from the least to the most of the "
    caption += "seeds; ringed is the best by validation, dashed the surface"
    facets = drawn.facet(facet=alt.Facet("family:N", title=None), columns=2)
    return style.chart("loss_by_budget", caption, facets, {"budgets": rows})


def _curve_rows(found: Compute) -> Rows:
    rows: Rows = []
    for budget in found.budgets:
        own = {"family": found.family, "budget": flops(budget.flops), "flops": budget.flops}
        for cell in budget.cells:
            losses = losses_in(cell)
            if not losses:
                continue
            ends = Interval(min(losses), max(losses))
            kind = "winner" if cell is budget.winner else "cell"
            drawn = style.interval_row(float(np.mean(losses)), ends)
            rows.append(own | drawn | {"parameters": cell.parameters, "kind": kind})
        if found.fitted is None:
            continue
        n = np.geomspace(found.costs.sizes[0], found.costs.sizes[-1], CURVE_POINTS)
        fit = found.fitted.surface.predict(n, budget.flops / found.costs.at(n))
        rows += [
            own | {"parameters": style.number(x), "error": style.number(y), "kind": "surface"}
            for x, y in zip(n, fit, strict=True)
        ]
    return rows


def best_size_by_budget(families: Sequence[Compute]) -> Chart:
    """Draw the best size by budget: as run, by the surface, by interpolation."""
    rows: Rows = []
    for found in families:
        for budget, *optima in zip(
            found.budgets, found.by_surface, found.by_interpolation, strict=True
        ):
            may = [cell.parameters for cell in budget.untold]
            places = [(HOW[0], float(budget.winner.parameters), Interval(may[0], may[-1]))]
            places += [
                (how, each.size, each.interval)
                for how, each in zip(HOW[1:], optima, strict=True)
                if each is not None and not each.is_refused
            ]
            rows += [
                {"family": found.family, "how": how, "size": style.number(n)}
                | {"flops": budget.flops * ASIDE[HOW.index(how)]}
                | {"low": style.number(ends.low), "high": style.number(ends.high)}
                for how, n, ends in places
            ]
    x = style.log_x("flops", SPENT.words, rows)

    ends = [row[key] for row in rows for key in ("low", "size", "high") if row[key]]

    def y(field: str) -> alt.Y:
        scale = alt.Scale(type="log", nice=False, padding=10)
        axis = alt.Axis(format="~s", labelOverlap=True, values=style.log_ticks(ends))
        return alt.Y(field, type="quantitative", title="parameters", scale=scale, axis=axis)

    scale = alt.Scale(domain=HOW, range=["#1d2530", "#0072B2", "#D55E00"])
    colour = alt.Color("how:N", title=None, scale=scale)
    shape = alt.Shape("how:N", title=None, scale=alt.Scale(domain=HOW))
    every = alt.Chart()
    layers = [
        every.mark_rule().encode(x, y("low"), alt.Y2("high"), colour),
        every.mark_point(filled=True, size=60, opacity=1).encode(x, y("size"), colour, shape),
    ]
    drawn = alt.layer(*layers, data=alt.NamedData("best")).properties(width=360, height=260)
    caption = (
        "The best size by budget: the one that won, with those not told from it; the surface's "
    )
    caption += "and the interpolated one, where they are not refused, with 90% intervals"
    facets = drawn.facet(facet=alt.Facet("family:N", title=None), columns=2)
    return style.chart("best_size_by_budget", caption, facets, {"best": rows})
