"""Does training in bfloat16 cost accuracy, and what does it save?"""

import math
from collections.abc import Sequence
from statistics import fmean

import numpy as np

from sizewise.records import RunRecord
from sizewise.report.by_rate import Contrast, mean_contrast
from sizewise.report.cells import TRAINING_TIME, Cell
from sizewise.report.goal import read_goal
from sizewise.report.section import Section, Table
from sizewise.report.stats.differences import Seeds, in_pairs
from sizewise.report.tables import Row
from sizewise.report.two_ways import METHOD, Pair, TwoWays, mean_difference
from sizewise.report.words import MeasureWords, factor, listed

WAYS = TwoWays("precision", (None, "bfloat16"), ("float32", "bfloat16"))


def section(records: Sequence[RunRecord]) -> Section | None:
    """Return the study of usable runs; None where no network was trained in both."""
    families = WAYS.compared(records)
    if not families:
        return None
    measure = records[0].measure
    words = MeasureWords(measure)
    everyone = [pair for pairs in families.values() for pair in pairs]
    rows = [row for pairs in families.values() for row in _rows(pairs, words)]
    by_family = [
        f"{family} {words.difference(*mean_difference(pairs))} in {times(_seconds(pairs))}"
        for family, pairs in families.items()
    ]
    goal = read_goal(measure)
    usual = fmean(single.error for single, _ in everyone) if goal.relative else 1.0
    title = headline(
        mean_difference(everyone),
        _seconds(everyone),
        len(everyone),
        goal.tolerance * usual,
        words,
    )
    chart = WAYS.chart(
        families,
        words,
        name="precision",
        difference="bfloat16 less float32",
        caption="What it costs to train in bfloat16 in place of float32: below zero it gains",
    )
    return Section(
        title=title,
        sentences=[
            f"bfloat16 less float32, by family, mean over sizes: {listed(by_family)}.",
            METHOD,
        ],
        charts=[chart],
        tables=[Table(rows)],
        cells=[cell for pair in everyone for cell in pair],
    )


def headline(
    error: Contrast, seconds: Contrast, networks: int, margin: float, words: MeasureWords
) -> str:
    """Return whether bfloat16 is as good, which is worse by `margin` at most, and how fast."""
    over = f"over {networks} network{'s' * (networks != 1)}"
    takes = f"its training takes {times(seconds)}"
    if error.interval is None:
        return f"Can't tell bfloat16 from float32 {over}: two seeds of each are needed; {takes}."
    within = f"within {words.margin(margin)} of {words.test}"
    if error.interval.high <= margin:
        told = f"bfloat16 is as good as float32, {within}"
    elif error.interval.low > margin:
        told = f"bfloat16 is worse than float32 by more than {words.margin(margin)} of {words.test}"
    else:
        told = f"Can't tell whether bfloat16 is as good as float32, {within}"
    return f"{told}, {over}: {words.difference(*error)}; {takes}."


def times(seconds: Contrast) -> str:
    """Return how many times as long it takes, from a contrast of logarithms."""
    if math.isnan(seconds.value):
        return "an unknown time"
    words = f"{factor(math.exp(seconds.value))} as long"
    if seconds.interval is None:
        return words
    low, high = (factor(math.exp(each)) for each in seconds.interval)
    return f"{words} [{low}, {high}]"


def _seconds(pairs: Sequence[Pair]) -> Contrast:
    """Return the logarithm of how many times as long bfloat16 takes, in pairs of seeds."""
    return mean_contrast([in_pairs(_log_seconds(half), _log_seconds(single))
                          for single, half in pairs])  # fmt: skip


def _log_seconds(cell: Cell) -> Seeds:
    seconds = [record.metrics[TRAINING_TIME.metric] for record in cell.records]
    return Seeds(cell.seeds, np.log(seconds))


def _rows(pairs: Sequence[Pair], words: MeasureWords) -> list[Row]:
    rows = WAYS.rows(pairs, words)
    for row, pair in zip(rows, pairs, strict=True):
        row["training takes"] = times(_seconds([pair]))
    return rows
