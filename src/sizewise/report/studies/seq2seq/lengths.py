"""How right answers fall with the length of what is given, and beyond the lengths learnt."""

import math
from collections.abc import Sequence

import altair as alt
import numpy as np

from sizewise.records import readable_count
from sizewise.report import style
from sizewise.report.cells import Cell
from sizewise.report.section import Chart, Rows
from sizewise.report.studies.levels import Level
from sizewise.report.studies.seq2seq.worth import HOLDS
from sizewise.report.tables import Row
from sizewise.report.words import listed


def beyond(run: Sequence[Level]) -> str:
    """Return how often the best networks are right on the next length beyond those learnt.

    It is empty where no such length was tested.
    """
    found = []
    for level in run:
        shares = [exact(cell) for cells in level.families.values() for cell in cells]
        longer = {length for each in shares for length in each if length > level.place}
        if longer:
            best = max(each.get(min(longer), 0.0) for each in shares)
            found.append(f"{best:.1%} of length {min(longer)} after up to {level.name}")
    if not found:
        return ""
    return f"Of sequences longer than any learnt the best network gets right {listed(found)}."


def holding_rows(run: Sequence[Level]) -> list[Row]:
    """Return for each family and length learnt from which size on each tested length is right."""
    tested = sorted(
        {
            length
            for level in run
            for cells in level.families.values()
            for cell in cells
            for length in exact(cell)
        }
    )
    return [
        {
            "family": family,
            "learnt": f"up to {level.name}",
            **{f"tested {length}": _holds(cells, length) for length in tested},
        }
        for level in run
        for family, cells in level.families.items()
    ]


def exact(cell: Cell) -> dict[int, float]:
    """Return the mean share of right answers of a cell's runs by the length that was tested."""
    runs = [record.extras.get("exact", {}) for record in cell.trained]
    lengths = set.intersection(*(set(each) for each in runs))
    return {int(each): float(np.mean([run[each] for run in runs])) for each in lengths}


def exact_chart(run: Sequence[Level]) -> Chart:
    """Draw the share of right answers by the length tested, by size, family and length learnt."""
    rows: Rows = [
        {
            "family": family,
            "size": readable_count(cell.size_asked or cell.parameters),
            "learnt": f"learnt up to {level.name}",
            "length": length,
            "right": style.number(share),
        }
        for level in run
        for family, cells in level.families.items()
        for cell in cells
        for length, share in sorted(exact(cell).items())
    ]
    families = sorted({row["family"] for row in rows})
    learnt = [f"learnt up to {level.name}" for level in run]
    sizes = sorted(
        {
            (cell.size_asked or cell.parameters)
            for level in run
            for cells in level.families.values()
            for cell in cells
        }
    )
    drawn = (
        alt.Chart(alt.NamedData("exact"))
        .mark_line(point=True)
        .encode(
            x=alt.X("length:Q", title="length tested", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("right:Q", title="right answers", axis=alt.Axis(format="~%")),
            **style.by_family((each, each) for each in families),
        )
        .properties(width=150, height=110)
        .facet(
            column=alt.Column("size:N", sort=[readable_count(each) for each in sizes], title=None),
            row=alt.Row("learnt:N", sort=learnt, title=None),
        )
    )
    caption = "Right answers by the length of what is given, for each size asked, over seeds"
    return style.chart("exact_by_length", caption, drawn, {"exact": rows})


def _holds(cells: Sequence[Cell], length: int) -> str:
    """Return the smallest size from which on all sizes are right at a length, 99 times in 100."""
    shares = [exact(cell).get(length, math.nan) for cell in cells]
    able = [share >= 1 - HOLDS for share in shares]
    if not able[-1]:
        return f"none run: {max(shares):.1%} at best"
    first = len(able) - able[::-1].index(False) if False in able else 0
    return f"{readable_count(cells[first].parameters)}: {shares[first]:.1%}"
