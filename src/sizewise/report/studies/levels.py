"""How large is enough at each level of something that runs learn from: what such studies share."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import altair as alt

from sizewise.records import RunRecord
from sizewise.report import style
from sizewise.report.cells import Cell, cells_errors
from sizewise.report.goal import read_goal
from sizewise.report.section import Chart, Rows
from sizewise.report.selection import select
from sizewise.report.summary import enough
from sizewise.report.tables import Row
from sizewise.report.verdict import Answer, answer
from sizewise.report.words import MeasureWords


@dataclass(frozen=True)
class Level:
    """The runs at one level, which go by its name."""

    name: str
    place: float
    records: Sequence[RunRecord]

    @cached_property
    def families(self) -> dict[str, list[Cell]]:
        """Return the cells of networks, by family, then by size."""
        return select(self.records).families

    @cached_property
    def answers(self) -> dict[str, Answer]:
        """Return how large is enough here, by family, at the measure's own tolerance."""
        goal = read_goal(self.records[0].measure)
        return {family: answer(cells, goal) for family, cells in self.families.items()}


def most_sizes(levels: Sequence[Level]) -> int:
    """Return how many sizes of one family were run at one level, at most."""
    return max(len(cells) for level in levels for cells in level.families.values())


def enough_rows(levels: Sequence[Level], column: str) -> list[Row]:
    """Return for each family and level what is enough, beside the largest, as text by column.

    A family has no row for a level at which it was not run.
    """
    words = MeasureWords(levels[0].records[0].measure)
    rows = []
    for family in dict.fromkeys(family for level in levels for family in level.families):
        for level in (each for each in levels if family in each.families):
            found, cells = level.answers[family], level.families[family]
            against = found.comparisons.get(cells[-1])
            rows.append(
                {
                    "family": family,
                    column: level.name,
                    "enough": enough(found),
                    words.test: words.value(found.as_good.error),
                    "smallest run": f"{cells[0].label}: {words.value(cells[0].error)}",
                    "largest run": f"{cells[-1].label}: {words.value(cells[-1].error)}",
                    words.counted("largest less the best"): words.difference(
                        against.mean, against.interval
                    )
                    if against and found.best is not cells[-1]
                    else "–",
                }
            )
    return rows


def by_size(
    name: str,
    levels: Sequence[Level],
    column: str,
    *,
    where: str = "",
    with_training: bool = False,
) -> Chart:
    """Draw each level's test error by size, with 90 % intervals, families side by side.

    The training error may be there, too, dashed; `where` ends the caption.
    """
    words = MeasureWords(levels[0].records[0].measure)
    rows: Rows = [
        style.interval_row(cell.error, interval)
        | {
            "family": family,
            "size": style.positive(cell.parameters),
            column: level.name,
            "model": cell.label,
            words.test: words.value(cell.error),
            "train": style.number(float(cell.train_errors.mean())),
        }
        for level in levels
        for family, cells in level.families.items()
        for cell, interval in zip(cells, cells_errors(cells).intervals(), strict=True)
    ]
    title = words.measure.name if with_training else words.test
    x = style.log_x("size", "parameters", rows)
    y = style.error_y(words, title, rows, may_be_log=not with_training)
    order = [level.name for level in levels]
    scale = alt.Scale(domain=order, scheme="viridis")
    colour = alt.Color(f"{column}:N", scale=scale, sort=order, title=column)
    base = alt.Chart().encode(x, colour)
    tips = style.tooltips(["model", column, words.test])
    layers = [
        base.mark_rule().encode(y("low"), alt.Y2("high")),
        base.mark_line(strokeWidth=1.4).encode(y()),
        base.mark_point(filled=True, size=50, opacity=1).encode(y(), tooltip=tips),
    ]
    if with_training:
        layers.append(base.mark_line(strokeWidth=1.2, strokeDash=[4, 3]).encode(y("train")))
    drawn = (
        alt.layer(*layers, data=alt.NamedData(name))
        .properties(width=260, height=280)
        .facet(column=alt.Column("family:N", title=None))
    )
    caption = f"{words.test.capitalize()} by size{where}"
    caption += ", dashed the training error" if with_training else ""
    return style.chart(name, caption, drawn, {name: rows})
