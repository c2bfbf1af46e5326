"""What is attention worth in a sequence-to-sequence network, by the length of the sequences?

At each length that was learnt, networks with attention stand against those without, at all sizes;
where one size was run, at that one.
"""

import math
from collections.abc import Sequence

from sizewise.records import RunRecord
from sizewise.report.conditions import LENGTH, levels
from sizewise.report.section import Section, Table
from sizewise.report.studies.levels import Level, by_size
from sizewise.report.studies.seq2seq.equal import METHOD, gain_rows, gains
from sizewise.report.studies.seq2seq.lengths import beyond, exact_chart, holding_rows
from sizewise.report.studies.seq2seq.worth import Worth, times, worths
from sizewise.report.tables import Row
from sizewise.report.words import MeasureWords

COLUMN = "length"


def section(records: Sequence[RunRecord]) -> Section | None:
    """Return the study of usable runs; None where attention has nothing to stand against."""
    run = [
        Level(str(length), length, runs)
        for runs in levels(records, LENGTH)
        if isinstance(length := runs[0].config.get(LENGTH), int)
    ]
    found = [worth for level in run for worth in worths(level)]
    if not found:
        return _at_one_size(run or [Level("", 0, records)])
    charts = [by_size("error_by_size_and_length", run, COLUMN)]
    return Section(
        title=found[-1].sentence(),
        sentences=[
            *(worth.sentence() for worth in found[:-1]),
            *filter(None, [beyond(run)]),
            "Between two sizes errors are interpolated in a straight line over the logarithm of "
            "the parameters; a size is where a family first errs as little. Sequences of other "
            "lengths than those learnt are tested by themselves.",
        ],
        charts=[*charts, exact_chart(run)],
        tables=[Table([_row(worth) for worth in found]), Table(holding_rows(run))],
        cells=[cell for level in run for cells in level.families.values() for cell in cells],
    )


def _at_one_size(run: Sequence[Level]) -> Section | None:
    found = [gain for level in run for gain in gains(level)]
    if not found:
        return None
    return Section(
        title=found[-1].sentence(),
        sentences=[*(gain.sentence() for gain in found[:-1]), METHOD],
        tables=[Table(gain_rows(found))],
        cells=[cell for gain in found for cell in (gain.plain, gain.attending)],
    )


def _row(worth: Worth) -> Row:
    words = MeasureWords(worth.plain[0].measure)
    low, high = worth.interval or (math.nan, math.nan)
    return {
        "attention": worth.attending[0].family,
        COLUMN: f"up to {worth.length}",
        f"{words.test} compared at": words.value(worth.error),
        "parameters, without / with": times(worth.ratio),
        "90 %": f"[{times(low)}, {times(high)}]" if worth.interval else "–",
    }
