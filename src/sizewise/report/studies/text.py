"""From how many parameters on does a network know more of a text than a compressor does?

A compressor is told what it makes of the test text once it has read what the network learnt from:
so many bits a byte (`sizewise.data.compressed`, of the run's own division).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import altair as alt
import numpy as np

from sizewise.records import RunRecord
from sizewise.report import style
from sizewise.report.budget import at_largest_budget
from sizewise.report.cells import MODEL_BYTES, Cell, best_by_validation, cells_errors
from sizewise.report.conditions import by_condition
from sizewise.report.section import Chart, Rows, Section, Table
from sizewise.report.selection import select
from sizewise.report.stats.crossing import Drawn, crossing_of, draw_crossing
from sizewise.report.stats.differences import Seeds, size_errors
from sizewise.report.stats.errors import CONFIDENCE, Interval
from sizewise.report.tables import Row
from sizewise.report.words import MeasureWords, quantity, size

COMPRESSORS = "compressors"  # in a run's extras


@dataclass(frozen=True)
class Race:
    """A family's sizes against one compressor.

    Args:
        compressor: its name.
        rate: its bits per byte, the mean over the runs' divisions.
        cells: by size, at least two.
        differences: the network's bits less the compressor's at each size, over seeds.
        place: the logarithm of the size from which on the network is ahead; see `crossing_of`.
        drawn: how sure that is; None where no size has two seeds.
    """

    compressor: str
    rate: float
    cells: Sequence[Cell]
    differences: Sequence[Seeds]
    place: float
    drawn: Drawn | None

    @property
    def best(self) -> Cell:
        """Return the best size by validation."""
        return best_by_validation(self.cells)

    def sentence(self) -> str:
        """Return from which size on the network knows more, or why that can't be said."""
        family, least, most = self.cells[0].family, self.cells[0], self.cells[-1]
        more = f"{family} knows more than {self.compressor}"
        if self.drawn is None:
            return f"One seed of each size can't say from which on {more}."
        if self.drawn.always >= CONFIDENCE:
            return f"{more} at all sizes run, from {size(least.parameters)} parameters on."
        if self.drawn.never >= CONFIDENCE:
            return f"{more} at no size run, up to {size(most.parameters)} parameters."
        if not math.isfinite(self.place) or self.drawn.place.high == math.inf:
            return f"Can't tell: {more} at none of the sizes run for sure."
        place = f"{size(math.exp(self.place))} {_sizes(self.drawn.place)} parameters"
        return f"From {place} on {more}."

    def pays_after(self, cell: Cell) -> float:
        """Return how many bytes of text save what the network itself takes; NaN if none do."""
        saved = self.rate - cell.error
        return 8 * cell.cost(MODEL_BYTES) / saved if saved > 0 else math.nan


def section(records: Sequence[RunRecord]) -> Section | None:
    """Return the study of usable runs; None where none has compressors beside it, at two sizes.

    Where amounts of data or budgets of FLOPs differ, it is of the most data and largest budget.
    """
    found = races(records)
    if not found:
        return None
    strongest = min(found, key=lambda race: race.rate).compressor
    hardest = [race for race in found if race.compressor == strongest]
    first = min(hardest, key=lambda race: race.best.validation_error)
    words = MeasureWords(first.best.measure)
    window = records[0].config.get("data.window")
    return Section(
        title=first.sentence(),
        sentences=[
            *(race.sentence() for race in found if race is not first),
            *filter(None, (_carried(race) for race in hardest)),
            "A compressor's bits are those by which the training text grows, compressed, when the "
            "test text is put after it. gzip looks back 32 kB, bz2 over blocks of 900 kB, xz 64 "
            f"MiB; a network begins anew every {window} bytes. Between two sizes the place is "
            f"interpolated in a straight line of {words.test} over the logarithm of the size.",
        ],
        charts=[_chart(found, words)],
        tables=[
            Table([_row(race, at, words) for race in hardest for at in range(len(race.cells))])
        ],
        cells=[cell for race in hardest for cell in race.cells],
    )


def races(records: Sequence[RunRecord]) -> list[Race]:
    """Return each family's races, its sizes against each compressor that all its runs have."""
    known = [record for record in records if COMPRESSORS in record.extras]
    if not known:
        return []
    families = select(at_largest_budget(by_condition(known)[-1])).families
    return [
        race(cells, compressor)
        for cells in families.values()
        if len(cells) > 1
        for compressor in known[0].extras[COMPRESSORS]
    ]


def race(cells: Sequence[Cell], compressor: str) -> Race:
    """Return how a family's sizes stand against a compressor, seed by seed."""
    rates = [np.array([r.extras[COMPRESSORS][compressor] for r in cell.trained]) for cell in cells]
    differences = [
        Seeds(cell.by_seed.seeds, cell.by_seed.errors - rate, cell.by_seed.samples)
        for cell, rate in zip(cells, rates, strict=True)
    ]
    sizes = [cell.parameters for cell in cells]
    sweep, place_of = size_errors(sizes, differences), partial(crossing_of, np.log(sizes))
    told = not np.isnan(sweep.noise.variances).any()
    return Race(
        compressor,
        float(np.concatenate(rates).mean()),
        cells,
        differences,
        float(place_of(sweep.means)),
        draw_crossing(sweep, place_of) if told else None,
    )


def _sizes(logarithms: Interval) -> str:
    """Return an interval of sizes, or with an open end."""
    low, high = logarithms
    first = size(math.exp(low)) if low > -math.inf else "the smallest run"
    return f"[{first}, {size(math.exp(high))}]"


def _carried(race: Race) -> str:
    """Return what a family's best network saves, and what it weighs itself; nothing if neither."""
    after = race.pays_after(race.best)
    if math.isnan(after):
        return ""
    weight = quantity(race.best.cost(MODEL_BYTES), "B")
    return (
        f"Whoever is sent the compressed text needs the network too: {race.best.label} takes "
        f"{weight}, which what it saves against {race.compressor} makes up for after "
        f"{quantity(after, 'B')} of text."
    )


def _chart(found: Sequence[Race], words: MeasureWords) -> Chart:
    families = {race.cells[0].family: race.cells for race in found}
    rows: Rows = [
        style.interval_row(cell.error, interval)
        | {
            "family": family,
            "size": style.positive(cell.parameters),
            "model": cell.label,
            words.test: words.value(cell.error),
        }
        for family, cells in families.items()
        for cell, interval in zip(cells, cells_errors(cells).intervals(), strict=True)
    ]
    lines: Rows = [
        {"compressor": name, "error": style.number(rate)}
        for name, rate in {race.compressor: race.rate for race in found}.items()
    ]
    x = style.log_x("size", "parameters", rows)
    y = style.error_y(words, words.test, [*rows, *lines], may_be_log=False)
    looks = style.by_family([(family, family) for family in families])
    base = alt.Chart(alt.NamedData("text_by_size")).encode(x, color=looks["color"])
    across = alt.Chart(alt.NamedData(COMPRESSORS)).encode(y())
    tips = style.tooltips(["model", words.test])
    drawn = alt.layer(
        across.mark_rule(strokeDash=[5, 3], color="#444"),
        across.mark_text(align="left", dx=4, dy=-6, color="#444").encode(
            alt.Text("compressor:N"), x=alt.value(0)
        ),
        base.mark_rule().encode(y("low"), alt.Y2("high")),
        base.mark_line().encode(y()),
        base.mark_point(filled=True, size=60, opacity=1).encode(y(), looks["shape"], tooltip=tips),
    ).properties(width=460, height=320)
    caption = f"{words.test.capitalize()} by size; dashed, what compressors take"
    return style.chart("text_by_size", caption, drawn, {"text_by_size": rows, COMPRESSORS: lines})


def _row(race: Race, at: int, words: MeasureWords) -> Row:
    cell, of_seeds = race.cells[at], race.differences[at]
    interval = race.drawn.differences[at] if race.drawn else None
    return {
        "model": cell.label,
        words.test: words.value(cell.error),
        words.counted(f"less {race.compressor}"): words.difference(
            float(of_seeds.errors.mean()), interval
        ),
        MODEL_BYTES.words: quantity(cell.cost(MODEL_BYTES), "B"),
        "pays after": quantity(race.pays_after(cell), "B"),
    }
