"""Networks that were trained two ways, by one key of the config: what the second costs or gains.

The same networks are compared in pairs of seeds, each way at its own best setting by validation,
among learning rates that both were run at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt

from sizewise.records import RunRecord
from sizewise.report import style
from sizewise.report.by_rate import RATE, Contrast, mean_contrast
from sizewise.report.cells import PARAMETERS, Cell
from sizewise.report.conditions import by_condition
from sizewise.report.section import Chart, Rows
from sizewise.report.selection import select
from sizewise.report.stats.differences import Seeds, in_pairs, size_errors
from sizewise.report.stats.errors import Interval
from sizewise.report.tables import Row
from sizewise.report.words import MeasureWords

Pair = tuple[Cell, Cell]  # one network, trained the first way and the second
METHOD = (
    "Each network is compared with itself in pairs of the same seed, which divides the data and "
    "orders the samples alike, over the seeds that trained both ways; a mean over networks is over "
    "the seeds that trained all of these. Intervals are 90%."
)


@dataclass(frozen=True)
class TwoWays:
    """A key with two values.

    Args:
        key: of the config.
        values: the two.
        names: of the two, in words.
    """

    key: str
    values: tuple[str | None, str | None]
    names: tuple[str, str]

    def compared(self, records: Sequence[RunRecord]) -> dict[str, list[Pair]]:
        """Return the networks that were trained both ways, by family, ascending by size."""
        networks = [each for each in by_condition(records)[-1] if not each.is_classical]
        ways = [
            [each for each in networks if each.config.get(self.key) == value]
            for value in self.values
        ]
        rates = set.intersection(*({run.config[RATE] for run in runs} for runs in ways))
        if not rates:
            return {}
        first, second = (
            {
                (cell.family, cell.size_asked or cell.parameters): cell
                for cell in select([run for run in runs if run.config[RATE] in rates]).cells
            }
            for runs in ways
        )
        found: dict[str, list[Pair]] = {}
        for place, cell in first.items():
            if place in second:
                found.setdefault(cell.family, []).append((cell, second[place]))
        return found

    def rows(self, pairs: Sequence[Pair], words: MeasureWords) -> list[Row]:
        """Return a row of text for each of a family's networks."""
        return [
            {
                "family": first.family,
                "parameters": f"{first.parameters:,}",
                self.names[0]: words.value(first.error),
                self.names[1]: words.value(second.error),
                "difference": words.difference(*contrast),
            }
            for (first, second), contrast in zip(pairs, contrasts(pairs), strict=True)
        ]

    def chart(
        self,
        families: Mapping[str, Sequence[Pair]],
        words: MeasureWords,
        *,
        name: str,
        difference: str,
        caption: str,
    ) -> Chart:
        """Draw the second way's test error less the first's by size, with 90 % intervals."""
        rows: Rows = []
        for family, pairs in families.items():
            for text, (first, _), (value, interval) in zip(
                self.rows(pairs, words), pairs, contrasts(pairs), strict=True
            ):
                low, high = interval or Interval(value, value)
                ends = {"value": value, "low": low, "high": high}
                scaled = {key: style.number(words.scale * each) for key, each in ends.items()}
                size = {"size": style.positive(first.parameters)}
                rows.append(text | scaled | size | {"model": first.label, "family": family})
        looks = style.by_family((family, family) for family in families)
        x = style.log_x("size", PARAMETERS.words, rows)
        title = words.counted(f"{words.test}, {difference}")
        base, colour = alt.Chart(alt.NamedData(name)), {"color": looks["color"]}
        y = alt.Y("value:Q", title=title)
        tips = style.tooltips(["model", *self.names, "difference"])
        drawn = alt.layer(
            base.mark_rule(strokeDash=[2, 3], color="#444").encode(y=alt.datum(0)),
            base.mark_rule(opacity=0.5).encode(
                x, alt.Y("low:Q", title=title), alt.Y2("high"), **colour
            ),
            base.mark_line().encode(x, y, **colour),
            base.mark_point(filled=True, size=60, opacity=1).encode(x, y, tooltip=tips, **looks),
        ).properties(width=440, height=260)
        return style.chart(name, caption, drawn, {name: rows})


def difference(pair: Pair) -> Seeds:
    """Return each seed's test error the second way less the first."""
    first, second = pair
    return in_pairs(second.by_seed, first.by_seed)


def mean_difference(pairs: Sequence[Pair]) -> Contrast:
    """Return the mean of networks' differences."""
    return mean_contrast(list(map(difference, pairs)))


def contrasts(pairs: Sequence[Pair]) -> list[Contrast]:
    """Return how the ways differ at each size of a family."""
    errors = size_errors([first.parameters for first, _ in pairs], list(map(difference, pairs)))
    return list(map(Contrast, errors.means.tolist(), errors.intervals()))
