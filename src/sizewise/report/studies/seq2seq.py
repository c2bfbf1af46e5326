"""What is attention worth in a sequence-to-sequence network, by the length of the sequences?

At each length that was learnt, networks with attention stand against those without, at all sizes.
The worth is a ratio of sizes: of the parameters at which both err as often. That is as often as the
one that errs more at its best, or the tolerance, where both get below it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np

from sizewise.records import RunRecord, readable_count
from sizewise.report import style
from sizewise.report.cells import Cell, size_errors
from sizewise.report.conditions import LENGTH, levels
from sizewise.report.section import Chart, Rows, Section, Table
from sizewise.report.stats.crossing import DRAWS
from sizewise.report.stats.errors import TAILS, Interval
from sizewise.report.stats.noise import Array
from sizewise.report.studies.levels import Level, by_size
from sizewise.report.tables import Row
from sizewise.report.words import MeasureWords

PLAIN, ATTENDING = "seq2seq", ("_dot", "_additive")
COLUMN = "length"
HOLDS = 0.01  # errors up to this: a network can do it


@dataclass(frozen=True)
class Worth:
    """How many times fewer parameters attention needs at a length.

    Args:
        plain, attending: the families' cells, by size.
        length: of the longest sequences learnt.
        error: at which their sizes are compared.
        ratio: of their sizes there; infinite where the smallest with attention is better.
        interval: of it, 90 %; None where a seed is alone.
    """

    plain: Sequence[Cell]
    attending: Sequence[Cell]
    length: int
    error: float
    ratio: float
    interval: Interval | None

    @property
    def most(self) -> float:
        """Return the ratio of the largest size without attention to the smallest with it."""
        return self.plain[-1].parameters / self.attending[0].parameters

    def sentence(self) -> str:
        """Return what came of it."""
        family, where = self.attending[0].family, f"at length {self.length}"
        if self.interval is None:
            return f"One seed can't say what attention ({family}) is worth {where}."
        low, high = (_times(each) for each in self.interval)
        error = MeasureWords(self.plain[0].measure).value(self.error)
        if math.isinf(self.interval.low):
            smallest = self.attending[0].label
            return (
                f"Attention is worth more than × {self.most:.2g} parameters {where}: {smallest} "
                f"errs in less than the {error} of {self.plain[-1].label}."
            )
        if self.interval.low <= 1 <= self.interval.high:
            return (
                f"Can't tell whether attention ({family}) is worth parameters {where}: × "
                f"[{low}, {high}] at {error}."
            )
        ratio = "more than the sizes run tell" if math.isinf(self.ratio) else _times(self.ratio)
        return (
            f"Attention ({family}) is worth × {ratio} parameters {where} [{low}, {high}]: so many "
            f"times more are needed without it to err in {error}."
        )


def section(records: Sequence[RunRecord]) -> Section | None:
    """Return the study of usable runs; None where attention has nothing to stand against."""
    run = [
        Level(str(length), length, runs)
        for runs in levels(records, LENGTH)
        if isinstance(length := runs[0].config.get(LENGTH), int)
    ]
    found = [worth for level in run for worth in worths(level)]
    if not found:
        return None
    charts = [by_size("error_by_size_and_length", run, COLUMN)]
    return Section(
        title=found[-1].sentence(),
        sentences=[
            *(worth.sentence() for worth in found[:-1]),
            "Between two sizes errors are interpolated in a straight line over the logarithm of "
            "the parameters; a size is where a family first errs as little. Sequences of other "
            "lengths than those learnt are tested by themselves.",
        ],
        charts=[*charts, exact_chart(run)],
        tables=[Table([_row(worth) for worth in found]), Table(holding_rows(run))],
        cells=[cell for level in run for cells in level.families.values() for cell in cells],
    )


def worths(level: Level) -> list[Worth]:
    """Return what each kind of attention is worth at a length, against the same without it."""
    found = []
    for family, cells in level.families.items():
        bare = next((family.removesuffix(each) for each in ATTENDING if family.endswith(each)), "")
        if bare.startswith(PLAIN) and len(level.families.get(bare, ())) > 1 < len(cells):
            found.append(_worth(level.families[bare], cells, int(level.place)))
    return found


def _worth(plain: Sequence[Cell], attending: Sequence[Cell], length: int) -> Worth:
    both = [size_errors(cells) for cells in (plain, attending)]
    error, ratio = (
        float(each[0]) for each in ratio_of_sizes(*((one.sizes, one.means[None]) for one in both))
    )
    if min(len(cell.seeds) for cell in (*plain, *attending)) < 2:
        return Worth(plain, attending, length, error, ratio, None)
    drawn = [(one.sizes, one.means + one.deviations(DRAWS)) for one in both]
    low, high = np.quantile(ratio_of_sizes(*drawn)[1], TAILS, method="nearest")
    return Worth(plain, attending, length, error, ratio, Interval(float(low), float(high)))


def ratio_of_sizes(
    plain: tuple[Array, Array], attending: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Return at which error two families are compared, and the ratio of their sizes there, (D,).

    The ratio is infinite where the smallest of the second family errs less, and 0 where that of the
    first does.

    Args:
        plain: sizes (A,) and errors (D, A), without attention.
        attending: the same with it.
    """
    bests = [errors.min(axis=1) for _, errors in (plain, attending)]
    error = np.maximum(np.maximum(*bests), HOLDS)
    one, other = (size_at(sizes, errors, error) for sizes, errors in (plain, attending))
    with np.errstate(invalid="ignore"):  # both at their smallest: nothing is known
        ratio = np.exp(one - other)
    return error, np.where(np.isnan(ratio), 1.0, ratio)


def size_at(sizes: Array, errors: Array, error: Array) -> Array:
    """Return the logarithm of the size at which errors (D, A) are first at most `error` (D,).

    It is minus infinity where the first is, and infinity where none is.
    """
    there = errors <= error[:, None]
    first = there.argmax(axis=1)
    logs, rows = np.log(sizes), np.arange(len(errors))
    before = np.maximum(first - 1, 0)
    above, below = errors[rows, before], errors[rows, first]
    share = (above - error) / np.where(above == below, 1, above - below)
    place = logs[before] + share * (logs[first] - logs[before])
    place = np.where(first == 0, -np.inf, place)
    return np.where(there.any(axis=1), place, np.inf)


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


def _row(worth: Worth) -> Row:
    words = MeasureWords(worth.plain[0].measure)
    low, high = worth.interval or (math.nan, math.nan)
    return {
        "attention": worth.attending[0].family,
        COLUMN: f"up to {worth.length}",
        f"{words.test} compared at": words.value(worth.error),
        "parameters, without / with": _times(worth.ratio),
        "90 %": f"[{_times(low)}, {_times(high)}]" if worth.interval else "–",
    }


def _times(ratio: float) -> str:
    return "beyond the sizes run" if math.isinf(ratio) else f"{ratio:.2g}"
