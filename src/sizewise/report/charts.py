"""The report's charts, each once: the page, the PNG and the SVG are drawn from the same."""

import altair as alt
import numpy as np

from sizewise.report import style
from sizewise.report.analysis import Analysis
from sizewise.report.cells import COSTS, PARAMETERS, Cost, pareto_front, run_cost
from sizewise.report.section import Chart, Rows, Spec
from sizewise.report.stats.fit import Fit
from sizewise.report.summary import Summary
from sizewise.report.tables import cell_rows, run_rows
from sizewise.report.words import MeasureWords

MOST_DOTS = 2_000  # runs, beyond which their points would be a smear, and slow to draw
CURVE_POINTS = 120
LARGE, PANEL = {"width": 620, "height": 380}, {"width": 240, "height": 200}
CELLS, RUNS, CURVES, EPOCHS, MARKS, BAND = map(
    alt.NamedData, ("cells", "runs", "curves", "epochs", "marks", "band")
)
INK = "#1d2530"
NETWORKS = "!datum.reference"
KINDS = ["fitted", "not fitted"]  # curves


def draw(analysis: Analysis, summary: Summary | None) -> list[Chart]:
    """Return every chart that has something to show; `summary` is marked in the first."""
    charts = _Charts(analysis, summary)
    drawn = [charts.error_by_cost()]
    if analysis.families:
        drawn = [charts.error_by_size(), *drawn, charts.learning_curves(), charts.gap()]
    if any(len(cell.seeds) > 1 for cell in analysis.selection.cells):
        drawn.append(charts.seed_spread())
    return drawn


class _Charts:
    """Draws the charts of an analysis.

    The rows of `cells` and `runs` hold the texts of their tables, shown when one points at them,
    and the numbers that are drawn.
    """

    def __init__(self, analysis: Analysis, summary: Summary | None) -> None:
        self.analysis = analysis
        self.words = MeasureWords(analysis.measure)
        cells = [cell for cell, _ in analysis.rows]
        self.costs = [cost for cost in COSTS if any(cell.cost(cost) > 0 for cell in cells)]
        texts = cell_rows(analysis)
        runs = run_rows(cells) if sum(len(cell.seeds) for cell in cells) <= MOST_DOTS else []
        self.cell_tips = style.tooltips(texts[0])
        self.run_tips = style.tooltips(runs[0][0] if runs else ())
        names = [text["family"] for text in texts]
        families = dict.fromkeys(zip([cell.family for cell in cells], names, strict=True))
        self.family = style.by_family(families)
        self.colour = {"color": self.family["color"]}
        self.data: dict[str, Rows] = {
            "cells": self._cells(texts),
            "runs": [
                text
                | {"family": name, "cell": index, "error": style.number(record.error())}
                | {cost.metric: style.positive(run_cost(record, cost)) for cost in self.costs}
                for index, (own, name, cell) in enumerate(zip(runs, names, cells, strict=False))
                for text, record in zip(own, cell.records, strict=True)
            ],
            "curves": self._curves(),
            "epochs": [
                {"family": cell.family, "size": cell.label, "cell": index, "epoch": epoch}
                | {PARAMETERS.metric: max(cell.parameters, 1), "error": style.number(error)}
                for index, cell in enumerate(analysis.selection.cells)
                for epoch, error in enumerate(cell.learning_curve, start=1)
            ],
            "marks": summary.marks if summary else [],
            "band": summary.band if summary else [],
        }
        self.y = style.error_y(self.words, self.words.test, self.data["cells"])

    def x(self, cost: Cost) -> alt.X:
        """Return the axis of a cost."""
        return style.log_x(cost.metric, cost.axis, self.data["cells"])

    def error_by_size(self) -> Chart:
        """Draw test error against parameters: runs, means with 90 % intervals, fitted curves."""
        return style.chart(
            "error_by_size",
            f"{self.words.test.capitalize()} against size: means with 90% intervals over seeds, "
            "fitted curves; ringed is what is enough, shaded what is as good as the best",
            self._by_cost(PARAMETERS, large=True, front=False),
            self.data,
            on_page=False,
        )

    def error_by_cost(self) -> Chart:
        """Draw mean test error against each cost that is known, with the Pareto front."""
        return style.chart(
            "error_by_cost",
            f"{self.words.test.capitalize()} against each cost; the grey line "
            "joins the sizes that no other beats on both",
            {"concat": [self._by_cost(each, large=False) for each in self.costs], "columns": 3},
            self.data,
            choices={cost.words: self._by_cost(cost, large=True) for cost in self.costs},
        )

    def learning_curves(self) -> Chart:
        """Draw validation error against the epoch, mean over seeds, one panel a family."""
        title = f"validation {self.analysis.measure.name}"
        y = style.error_y(self.words, title, self.data["epochs"])
        size = style.by_size(PARAMETERS.metric, self.data["epochs"])
        lines = alt.Chart(EPOCHS).mark_line(strokeWidth=1.5)
        lines = lines.encode(alt.X("epoch:Q"), y(), size, alt.Detail("cell:N"))
        lines = lines.encode(tooltip=["size:N", "epoch:Q", alt.Tooltip("error:Q", title=title)])
        drawn = lines.properties(**PANEL).facet(facet=_panel(), columns=3)
        caption = f"{title.capitalize()} while training, mean over seeds"
        return style.chart("learning_curves", caption, drawn, self.data)

    def gap(self) -> Chart:
        """Draw train and test error by size, one panel a family; the area between is the gap."""
        name = self.analysis.measure.name
        x = self.x(PARAMETERS)
        y = style.error_y(
            self.words, name, self.data["cells"], may_be_log=False
        )  # heights are gaps
        cells = alt.Chart().encode(x, color=self.family["color"].legend(None))
        layers = [cells.mark_area(opacity=0.12).encode(y("train"), alt.Y2("error"))]
        for split, field in (("test", "error"), ("training", "train")):
            line = cells.transform_calculate(split=f"'{split}'").mark_line()
            points = cells.mark_point(filled=True, opacity=1).encode(tooltip=self.cell_tips)
            layers.append(line.encode(y(field), style.dashes("split", ["test", "training"])))
            layers.append(points.encode(y(field)))
        drawn = alt.layer(*layers, data=CELLS).properties(**PANEL).facet(facet=_panel(), columns=3)
        caption = f"Generalisation gap: {name} on the test set above {name} in training"
        return style.chart(
            "generalisation_gap", caption, drawn.transform_filter(NETWORKS), self.data
        )

    def seed_spread(self) -> Chart:
        """Draw the standard deviation of test error between seeds by size."""
        title = f"standard deviation of {self.words.test}"
        y = style.error_y(self.words, title, self.data["cells"], may_be_log=False)
        lines = alt.Chart(CELLS).transform_filter(f"{NETWORKS} && datum.deviation !== null")
        drawn = lines.mark_line(point=True).encode(self.x(PARAMETERS), y("deviation"))
        drawn = drawn.encode(tooltip=self.cell_tips, **self.colour).properties(**LARGE)
        caption = f"How much {self.words.test} differs between seeds"
        return style.chart("seed_spread", caption, drawn, self.data)

    def _by_cost(self, cost: Cost, *, large: bool, front: bool = True) -> Spec:
        """Draw test error against one cost; `large` with runs and fitted curves."""
        x, y, low, high = self.x(cost), self.y(), self.y("low"), alt.Y2("high")
        cells = alt.Chart(CELLS)
        layers = []
        if large and self.analysis.answer:
            layers.append(self._band())
        if front:
            best = cells.transform_filter(f"indexof(datum.fronts, '{cost.metric}') >= 0")
            step = best.mark_line(interpolate="step-after", strokeWidth=6, color="#999")
            layers.append(step.encode(x, y, opacity=alt.value(0.35)))
        references = cells.transform_filter("datum.reference")
        layers.append(references.mark_rect(opacity=0.1).encode(low, high, **self.colour))
        layers.append(references.mark_rule(strokeDash=[5, 3]).encode(y, **self.colour))
        if large and cost is PARAMETERS:
            curves = alt.Chart(CURVES)
            layers.append(curves.mark_area(opacity=0.13).encode(x, low, high, **self.colour))
            lines = curves.mark_line().encode(x, y, **self.colour)
            layers.append(lines.encode(style.dashes("kind", KINDS, None)))
        if large and cost is PARAMETERS:  # below the points, so that one can point at those
            marks = alt.Chart(MARKS)
            ring = marks.mark_point(size=380, strokeWidth=2.5, color=INK, filled=False)
            layers.append(ring.encode(x, y))
            label = marks.encode(x, y, alt.Text("label:N"))
            halo = label.mark_text(dy=-22, fontSize=12, stroke="white", strokeWidth=4)
            layers += [halo, label.mark_text(dy=-22, fontSize=12, color=INK)]
        points = cells.mark_point(filled=True, size=75, stroke="white", strokeWidth=0.7, opacity=1)
        layers.append(cells.mark_rule().encode(x, low, high, **self.colour))
        layers.append(points.encode(x, y, tooltip=self.cell_tips, **self.family))
        if large and self.data["runs"]:  # above the means, so that one can point at each
            dots = alt.Chart(RUNS).mark_circle(size=16, opacity=0.4)
            layers.append(dots.encode(x, y, tooltip=self.run_tips, **self.colour))
        return style.layered(layers, LARGE if large else PANEL)

    def _band(self) -> alt.Chart:
        """Draw what is good enough: within the tolerance of the best, or below the target."""
        low, high = self.y("low"), alt.Y2("high")
        band: alt.Chart = alt.Chart(BAND).mark_rect(color="#0072b2", opacity=0.1)
        return band.encode(low, high)

    def _cells(self, texts: list[dict[str, str]]) -> Rows:
        cells = [cell for cell, _ in self.analysis.rows]
        errors = np.array([cell.error for cell in cells])
        costs = {cost.metric: np.array([cell.cost(cost) for cell in cells]) for cost in self.costs}
        fronts = {metric: pareto_front(values, errors) for metric, values in costs.items()}
        return [
            text
            | style.interval_row(cell.error, interval)
            | {
                "cell": index,
                "reference": cell.is_reference,
                "train": style.number(cell.train_errors.mean()),
                "deviation": style.number(cell.test_errors.std(ddof=1))
                if len(cell.test_errors) > 1
                else None,
                "fronts": [metric for metric, front in fronts.items() if index in front],
            }
            | {metric: style.positive(values[index]) for metric, values in costs.items()}
            for index, (text, (cell, interval)) in enumerate(
                zip(texts, self.analysis.rows, strict=True)
            )
        ]

    def _curves(self) -> Rows:
        """Return each family's fitted curve with its band, or without a fit its means, dotted."""
        rows: Rows = []
        for result in self.analysis.families:
            sizes = np.array([cell.parameters for cell in result.cells], dtype=float)
            errors, band = np.array([cell.error for cell in result.cells]), None
            fitted = isinstance(result.fit, Fit)
            if isinstance(result.fit, Fit):
                sizes = np.geomspace(sizes[0], sizes[-1], CURVE_POINTS)
                errors, band = result.fit.predict(sizes), result.fit.band(sizes)
            low, high = band or (errors, errors)
            rows += [
                {
                    "family": result.family,
                    "kind": KINDS[not fitted],
                    PARAMETERS.metric: style.positive(n),
                }
                | {
                    "error": style.number(error),
                    "low": style.number(down),
                    "high": style.number(up),
                }
                for n, error, down, up in zip(sizes, errors, low, high, strict=True)
            ]
        return rows


def _panel() -> alt.Facet:
    return alt.Facet("family:N", title=None)
