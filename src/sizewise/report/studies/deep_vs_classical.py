"""Deep learning against classical as the training data grow: who wins where, and how surely.

At each amount of training samples every family stands for itself by its best size, chosen by
validation there. The networks' champion, by validation too, is set against the classical one, in
pairs of seeds: runs of the same seed share their samples, and fewer are a subset of more.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np

from sizewise.records import RunRecord
from sizewise.report import style
from sizewise.report.cells import TRAINING_TIME, Cell, best_by_validation, cells_errors
from sizewise.report.conditions import AMOUNT, levels
from sizewise.report.section import Chart, Rows, Section, Table
from sizewise.report.selection import select
from sizewise.report.stats.crossing import crossing_of, draw_crossing
from sizewise.report.stats.differences import in_pairs, size_errors
from sizewise.report.stats.errors import CONFIDENCE, Interval
from sizewise.report.stats.noise import Array
from sizewise.report.tables import Row, reached
from sizewise.report.words import MeasureWords, quantity, size

LEAST_ERROR = 1e-5  # stands for none at all, which has no logarithm


@dataclass(frozen=True)
class Amount:
    """The families' best cells at one amount of training samples, in alphabetical order.

    `network` and `classical` are the best of each kind by validation; None where there is none.
    """

    samples: int
    cells: list[Cell]
    intervals: list[Interval | None]
    network: Cell | None
    classical: Cell | None


@dataclass(frozen=True)
class Crossing:
    """Where the networks overtake, in training samples.

    Args:
        amounts: those where both kinds were run, ascending, (A,).
        differences: the network's mean test error less the classical one's, (A,).
        intervals: theirs, 90 %; None where a pair of seeds is lacking.
        place: where the difference changes sign for good: 0 where networks are ahead throughout,
            infinite where they aren't at the largest amount.
        interval: of the place; None with `intervals`.
        never, always: the shares of draws in which the networks are not ahead at the largest
            amount, and are ahead at every one; NaN without intervals.
    """

    amounts: Array
    differences: Array
    intervals: Sequence[Interval | None] | None
    place: float
    interval: Interval | None = None
    never: float = math.nan
    always: float = math.nan

    @property
    def is_between(self) -> bool:
        """Return whether the networks overtake within the amounts run."""
        return 0 < self.place < math.inf


def section(records: Sequence[RunRecord]) -> Section | None:
    """Return the study of usable runs; None where one amount or no classical family was run."""
    amounts = compared(records)
    if len(amounts) == 1 or not any(amount.classical for amount in amounts):
        return None
    crossing = cross(amounts)
    words = MeasureWords(records[0].measure)
    return Section(
        title=headline(amounts, crossing),
        sentences=_sentences(amounts, crossing, words),
        charts=[_chart(amounts, crossing, words)],
        tables=[Table([row for amount in amounts for row in _rows(amount)])],
        cells=[cell for amount in amounts for cell in amount.cells],
    )


def compared(records: Sequence[RunRecord]) -> list[Amount]:
    """Return what the families reach at each amount, fewest samples first."""
    return sorted(map(_amount, levels(records, AMOUNT)), key=lambda each: each.samples)


def cross(amounts: Sequence[Amount]) -> Crossing | None:
    """Return where the networks overtake; None where fewer than two amounts have both kinds."""
    both = [
        (each.samples, each.network, each.classical)
        for each in amounts
        if each.network and each.classical and each.samples > 0
    ]
    if len(both) < 2:
        return None
    samples = np.array([count for count, _, _ in both], dtype=float)
    classical = np.array([reference.error for _, _, reference in both])
    differences = np.array([network.error for _, network, _ in both]) - classical

    def places(curves: Array) -> Array:
        """Cross the logarithms of the network's error over the classical one's, (..., A)."""
        errors = np.maximum(classical, LEAST_ERROR)
        ratios = np.maximum(errors + curves, LEAST_ERROR) / errors
        return np.exp(crossing_of(np.log(samples), np.asarray(np.log(ratios))))

    place = float(places(differences))
    pairs = [in_pairs(network.by_seed, reference.by_seed) for _, network, reference in both]
    if min(len(each.seeds) for each in pairs) < 2:
        return Crossing(samples, differences, None, place)
    drawn = draw_crossing(size_errors(samples, pairs), places)
    return Crossing(samples, differences, drawn.differences, place, *drawn[1:])


def headline(amounts: Sequence[Amount], crossing: Crossing | None) -> str:
    """Return the answer: where the networks overtake, or that they don't, or that it can't tell."""
    least, largest = size(amounts[0].samples), size(amounts[-1].samples)
    if crossing is None:
        return (
            f"{len(amounts)} amounts of training samples, but not networks and classical families "
            "at two of them: nothing to cross."
        )
    if crossing.place == 0:
        if crossing.always >= CONFIDENCE:
            return f"Deep learning is ahead from {least} samples on."
        return "Deep learning is ahead at every amount run, but seeds leave that open."
    if math.isinf(crossing.place):
        if crossing.never >= CONFIDENCE:
            return f"No crossing: classical is ahead up to {largest} training samples."
        return f"Can't tell whether deep learning overtakes within {largest} training samples."
    place = f"about {size(crossing.place)} training samples"
    if crossing.interval is None:
        return f"Deep learning overtakes at {place}, but one seed can't say how surely."
    low, high = crossing.interval
    first = size(low) if low > 0 else f"below {least}"
    if math.isfinite(high):
        return f"Deep learning overtakes classical at {place} [{first}, {size(high)}]."
    return (
        f"Can't tell: deep learning may overtake classical at {place} "
        f"[{first}, beyond the largest]."
    )


def _amount(records: Sequence[RunRecord]) -> Amount:
    selection = select(records)
    cells = [best_by_validation(each) for each in selection.families.values()]
    cells = sorted([*cells, *selection.references], key=lambda cell: cell.family)
    known = [record.train_samples for record in records if record.train_samples is not None]
    networks = [cell for cell in cells if not cell.is_reference]
    return Amount(
        samples=records[0].config.get(AMOUNT) or max(known, default=0),
        cells=cells,
        intervals=cells_errors(cells).intervals(),
        network=best_by_validation(networks) if networks else None,
        classical=best_by_validation(selection.references) if selection.references else None,
    )


def _sentences(
    amounts: Sequence[Amount], crossing: Crossing | None, words: MeasureWords
) -> list[str]:
    """Return what backs the headline: the champions at each amount, and how sure the answer is."""
    sentences = [
        _champions(amount, crossing, words)
        for amount in amounts
        if amount.network or amount.classical
    ]
    if crossing and crossing.is_between:
        below = max(each for each in crossing.amounts if each <= crossing.place)
        above = min(each for each in crossing.amounts if each >= crossing.place)
        sentences.append(
            f"Between {below:,.0f} and {above:,.0f} nothing was run: the place is where two power "
            "laws through the means meet, and its interval is over seeds, not over that form."
        )
    if crossing and crossing.intervals:
        sentences.append(
            f"Over 4,000 draws, networks are ahead at every amount in {crossing.always:.0%}, "
            f"and not ahead at the largest in {crossing.never:.0%}."
        )
    sentences.append(
        "Each family stands by its best size at each amount, by validation; the champions are "
        "chosen so too. Seconds are those of the champion's own training, features included, "
        "without the search for its settings."
    )
    return sentences


def _champions(amount: Amount, crossing: Crossing | None, words: MeasureWords) -> str:
    champions = [
        f"{cell.label} {words.value(cell.error)} ({quantity(cell.cost(TRAINING_TIME), 's')})"
        for cell in (amount.network, amount.classical)
        if cell
    ]
    said = f"At {amount.samples:,}: {' against '.join(champions)}"
    if crossing is None or amount.samples not in crossing.amounts:
        return f"{said}."
    at = list(crossing.amounts).index(amount.samples)
    difference = float(crossing.differences[at])
    interval = crossing.intervals[at] if crossing.intervals else None
    ahead = "classical" if difference > 0 else "deep"
    return f"{said}; {ahead} is ahead by {words.size_of(difference, interval)}."


def _rows(amount: Amount) -> list[Row]:
    return [
        {"training samples": f"{amount.samples:,}", "family": cell.label}
        | reached(cell, interval)
        | {"training time": quantity(cell.cost(TRAINING_TIME), "s")}
        for cell, interval in zip(amount.cells, amount.intervals, strict=True)
    ]


def _chart(amounts: Sequence[Amount], crossing: Crossing | None, words: MeasureWords) -> Chart:
    """Draw each family's best mean test error by samples and by seconds, with 90 % intervals."""
    rows: Rows = [
        text
        | style.interval_row(cell.error, interval)
        | {
            "family": cell.family,
            "model": cell.label,
            "kind": "classical" if cell.is_reference else "network",
            "samples": style.positive(amount.samples),
            "seconds": style.positive(cell.cost(TRAINING_TIME)),
        }
        for amount in amounts
        for text, cell, interval in zip(_rows(amount), amount.cells, amount.intervals, strict=True)
    ]
    kinds = sorted({(row["kind"] == "classical", row["family"]) for row in rows})
    family = style.by_family((name, name) for _, name in kinds)
    dash = style.dashes("kind", ["network", "classical"])
    y, colour = style.error_y(words, words.test, rows), {"color": family["color"]}
    tips = style.tooltips(["model", *(key for key in _rows(amounts[0])[0] if key != "family")])
    panels: list[alt.LayerChart | alt.FacetChart] = []
    for field, title in (("samples", "training samples"), ("seconds", "training time (s)")):
        x = style.log_x(field, title, rows)
        base = alt.Chart(alt.NamedData("amounts"))
        order = alt.Order("samples:Q")
        layers = [
            base.mark_rule().encode(x, y("low"), alt.Y2("high"), **colour),
            base.mark_line(strokeWidth=1.4).encode(x, y(), dash, order, **colour),
            base.mark_point(filled=True, size=60, opacity=1).encode(x, y(), tooltip=tips, **family),
        ]
        if crossing and crossing.is_between and not panels:
            place = alt.Chart(alt.NamedData("crossing")).mark_rule(strokeDash=[2, 3], color="#444")
            layers.append(place.encode(x))
        panels.append(alt.layer(*layers).properties(width=360, height=300))
    data = {"amounts": rows, "crossing": [{"samples": crossing.place if crossing else None}]}
    caption = f"{words.test.capitalize()} by training data: networks solid, classical families "
    return style.chart("error_by_data", f"{caption}dashed", alt.hconcat(*panels), data)
