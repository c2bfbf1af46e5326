"""Does it matter whether weights begin as Keras's layers do, or as PyTorch's?

The same networks are compared in pairs of seeds, each way at its own best setting by validation,
among learning rates that both were run at.
"""

import math
from collections.abc import Sequence

import altair as alt

from sizewise.records import RunRecord
from sizewise.report import style
from sizewise.report.by_rate import RATE, Contrast, mean_contrast
from sizewise.report.cells import PARAMETERS, Cell, failed_to_train
from sizewise.report.conditions import by_condition
from sizewise.report.section import Chart, Rows, Section, Table
from sizewise.report.selection import select
from sizewise.report.stats.compare import Seeds, in_pairs, size_errors
from sizewise.report.stats.errors import Interval
from sizewise.report.stats.shares import paired_difference
from sizewise.report.tables import Row
from sizewise.report.words import SHARES, MeasureWords, listed

INIT = "model.init"
KERAS, PYTORCH = None, "pytorch"  # of the key; None is what the family says, which is as Keras's
Pair = tuple[Cell, Cell]  # one network, begun as Keras's and as PyTorch's
METHOD = (
    "Each network is compared with itself in pairs of the same seed, which divides the data and "
    "orders the samples alike, over the seeds that trained both ways; a mean over networks is over "
    "the seeds that trained all of these. Intervals are 90%."
)


def section(records: Sequence[RunRecord]) -> Section | None:
    """Return the study of usable runs; None where no network was begun both ways."""
    families = compared(by_condition(records)[-1])
    if not families:
        return None
    words = MeasureWords(records[0].measure)
    everyone = [pair for pairs in families.values() for pair in pairs]
    overall = mean_contrast([_difference(pair) for pair in everyone])
    rows = [row for pairs in families.values() for row in _rows(pairs, words)]
    failed = [sum(cells[way].failures for cells in everyone) for way in (0, 1)]
    runs = [sum(len(cells[way].records) for cells in everyone) for way in (0, 1)]
    by_family = [
        f"{family} {words.difference(*mean_contrast([_difference(pair) for pair in pairs]))}"
        for family, pairs in families.items()
    ]
    return Section(
        title=headline(_failures(everyone), overall, len(everyone), words),
        sentences=[
            f"PyTorch's less Keras's, by family, mean over sizes: {listed(by_family)}.",
            f"{failed[0]} of {runs[0]} runs begun as Keras's failed to train, {failed[1]} of "
            f"{runs[1]} begun as PyTorch's.",
            METHOD,
        ],
        charts=[_chart(families, words)],
        tables=[Table(rows)],
        cells=[cell for pair in everyone for cell in pair],
    )


def compared(records: Sequence[RunRecord]) -> dict[str, list[Pair]]:
    """Return the networks that were begun both ways, by family, ascending by size."""
    ways = {
        way: [each for each in records if not each.is_classical and each.config.get(INIT) == way]
        for way in (KERAS, PYTORCH)
    }
    rates = set.intersection(*({run.config[RATE] for run in runs} for runs in ways.values()))
    keras, pytorch = (
        {
            (cell.family, cell.size_asked or cell.parameters): cell
            for cell in select([run for run in runs if run.config[RATE] in rates]).cells
        }
        if rates
        else {}
        for runs in ways.values()
    )
    found: dict[str, list[Pair]] = {}
    for key, cell in keras.items():
        if key in pytorch:
            found.setdefault(cell.family, []).append((cell, pytorch[key]))
    return found


def headline(failures: Contrast, overall: Contrast, networks: int, words: MeasureWords) -> str:
    """Return whether one way is better, over all networks: fails less often, errs less."""
    over = f"over {networks} network{'s' * (networks != 1)}"
    unknown = math.isnan(overall.value)
    difference = "no seed trained all both ways" if unknown else words.difference(*overall)
    found = []
    if failures.is_told:
        more = "more" if failures.value > 0 else "less"
        found.append(f"fails to train {more} often than Keras's by {SHARES.size_of(*failures)}")
    if overall.is_told:
        side = "worse" if overall.value > 0 else "better"
        found.append(f"is {side} than Keras's by {words.size_of(*overall)} of {words.test}")
    if not found:
        return f"Can't tell PyTorch's initialisation from Keras's {over}: {difference}."
    rest = "" if overall.is_told else f"; can't tell whether its {words.test} differs: {difference}"
    return f"PyTorch's initialisation {listed(found)} {over}{rest}."


def _failures(pairs: Sequence[Pair]) -> Contrast:
    """Return by how much more of the runs fail that begin as PyTorch's."""
    failed = [
        [{run.seed: failed_to_train(run) for run in cell.records} for cell in pair]
        for pair in pairs
    ]
    runs = [
        (pytorch[seed], keras[seed])
        for keras, pytorch in failed
        for seed in keras.keys() & pytorch.keys()
    ]
    return Contrast(*paired_difference(runs))


def _difference(pair: Pair) -> Seeds:
    keras, pytorch = pair
    return in_pairs(pytorch.by_seed, keras.by_seed)


def _contrasts(pairs: Sequence[Pair]) -> list[Contrast]:
    """Return how PyTorch's differs from Keras's at each size of a family."""
    errors = size_errors([keras.parameters for keras, _ in pairs], list(map(_difference, pairs)))
    return list(map(Contrast, errors.means.tolist(), errors.intervals()))


def _rows(pairs: Sequence[Pair], words: MeasureWords) -> list[Row]:
    return [
        {
            "family": keras.family,
            "parameters": f"{keras.parameters:,}",
            "as Keras": words.value(keras.error),
            "as PyTorch": words.value(pytorch.error),
            "difference": words.difference(*contrast),
            "failed": f"{keras.failures} and {pytorch.failures} of {len(keras.seeds)}",
        }
        for (keras, pytorch), contrast in zip(pairs, _contrasts(pairs), strict=True)
    ]


def _chart(families: dict[str, list[Pair]], words: MeasureWords) -> Chart:
    """Draw PyTorch's test error less Keras's by size, with 90 % intervals."""
    rows: Rows = []
    for family, pairs in families.items():
        contrasts = _contrasts(pairs)
        for text, (keras, _), (value, interval) in zip(
            _rows(pairs, words), pairs, contrasts, strict=True
        ):
            low, high = interval or Interval(value, value)
            ends = {"value": value, "low": low, "high": high}
            scaled = {name: style.number(words.scale * each) for name, each in ends.items()}
            size = {"size": style.positive(keras.parameters)}
            rows.append(text | scaled | size | {"model": keras.label, "family": family})
    looks = style.by_family((family, family) for family in families)
    x = style.log_x("size", PARAMETERS.words, rows)
    title = words.counted(f"{words.test}, PyTorch's less Keras's")
    base, colour = alt.Chart(alt.NamedData("differences")), {"color": looks["color"]}
    y = alt.Y("value:Q", title=title)
    tips = style.tooltips(["model", "as Keras", "as PyTorch", "difference"])
    drawn = alt.layer(
        base.mark_rule(strokeDash=[2, 3], color="#444").encode(y=alt.datum(0)),
        base.mark_rule(opacity=0.5).encode(
            x, alt.Y("low:Q", title=title), alt.Y2("high"), **colour
        ),
        base.mark_line().encode(x, y, **colour),
        base.mark_point(filled=True, size=60, opacity=1).encode(x, y, tooltip=tips, **looks),
    ).properties(width=440, height=260)
    caption = "What it costs to begin as PyTorch's layers in place of Keras's: below zero it gains"
    return style.chart("initialisation", caption, drawn, {"differences": rows})
