"""Does growing hurt before it helps? Double descent: a test error that falls, rises and falls.

Of each family and share of wrong labels the peak is the size that stands highest above a smaller
one; the first minimum is the best smaller size, the second the best larger one. Which sizes these
are is seen on the test set, so their intervals are at a confidence that is divided over the sizes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sizewise.records import RunRecord
from sizewise.report.budget import FLOPS
from sizewise.report.cells import Cell
from sizewise.report.conditions import NOISE, NOISE_KIND, levels
from sizewise.report.section import Section, Table
from sizewise.report.stats.differences import Difference
from sizewise.report.stats.errors import CONFIDENCE
from sizewise.report.studies.label_noise import COLUMN, percent
from sizewise.report.studies.levels import Level, by_size
from sizewise.report.tables import UNKNOWN, Row
from sizewise.report.verdict import compared
from sizewise.report.words import MeasureWords, size

LEAST_SIZES = 5
FITTED = 0.01  # a training error below it is as good as none


@dataclass(frozen=True)
class Descent:
    """A curve's turning points.

    Args:
        cells: by size.
        noise: the share of wrong labels.
        first, peak, last: see above; `last` is the peak where nothing larger is better.
        rise: the peak's error less the first minimum's.
        fall: the last's less the peak's.
        whole: the last's less the first's.
    """

    cells: Sequence[Cell]
    noise: float
    first: Cell
    peak: Cell
    last: Cell
    rise: Difference
    fall: Difference
    whole: Difference

    @property
    def is_seen(self) -> bool:
        """Return whether growing hurts, and more than chance would have it."""
        return self.first is not self.peak and self.rise.low > 0

    @property
    def fitted_from(self) -> Cell | None:
        """Return the smallest size from which on training leaves no error."""
        fits = [float(cell.train_errors.mean()) < FITTED for cell in self.cells]
        index = len(fits) - next((i for i, fit in enumerate(reversed(fits)) if not fit), len(fits))
        return self.cells[index] if index < len(fits) else None


def section(records: Sequence[RunRecord]) -> Section | None:
    """Return the study of usable runs; None where no curve of five sizes or more rises.

    Nor is there one at equal training FLOPs, where a larger network is trained for fewer steps.
    """
    if any(record.config.get(FLOPS) is not None for record in records):
        return None
    found = descents(records)
    seen = [each for each in found if each.is_seen]
    if not seen:
        return None
    return Section(
        title=_sentence(seen[0]),
        sentences=[
            *map(_sentence, seen[1:]),
            *(
                f"{_named(each)}: no size is worse than a smaller one, as far as these runs tell."
                for each in found
                if not each.is_seen
            ),
            "The sizes compared are those that stand out on the test set: the intervals allow for "
            "that, at 90 % for all sizes of a curve together.",
        ],
        charts=[by_size("error_by_size_and_noise", _levels(records), COLUMN, with_training=True)],
        tables=[Table([_row(each) for each in found])],
        cells=[cell for each in found for cell in each.cells],
    )


def descents(records: Sequence[RunRecord]) -> list[Descent]:
    """Return the turning points of every curve of five sizes or more, least noise first."""
    return [
        descent(cells, level.place)
        for level in _levels(records)
        for cells in level.families.values()
        if len(cells) >= LEAST_SIZES
    ]


def _levels(records: Sequence[RunRecord]) -> list[Level]:
    shares = [
        (runs[0].config.get(NOISE) or 0.0, runs) for runs in levels(records, NOISE, NOISE_KIND)
    ]
    return [Level(percent(share), share, runs) for share, runs in reversed(shares)]


def descent(cells: Sequence[Cell], noise: float) -> Descent:
    """Return the turning points of cells by size."""
    errors = np.array([cell.error for cell in cells])
    rises = errors - np.minimum.accumulate(errors)
    at = int(np.argmax(rises))
    first, peak = cells[int(np.argmin(errors[: at + 1]))], cells[at]
    last = cells[at + int(np.argmin(errors[at:]))]
    confidence = 1 - (1 - CONFIDENCE) / len(cells)
    from_first = compared(cells, first, confidence)
    fall = compared(cells, peak, confidence)[last]
    return Descent(cells, noise, first, peak, last, from_first[peak], fall, from_first[last])


def _named(found: Descent) -> str:
    noise = f" with {percent(found.noise)} wrong labels" if found.noise else ""
    return f"{found.cells[0].family}{noise}"


def _sentence(found: Descent) -> str:
    words = MeasureWords(found.peak.measure)

    def at(cell: Cell) -> str:
        return f"{words.value(cell.error)} at {size(cell.parameters)}"

    hurts = (
        f"{_named(found)}: growing hurts, from {at(found.first)} to {at(found.peak)} "
        f"({words.difference(found.rise.mean, found.rise.interval)})"
    )
    if found.fall.interval is None or found.fall.interval.high >= 0:
        return f"{hurts}, and does not help again."
    again = f"{hurts}, then helps again, to {at(found.last)}"
    whole = found.whole.interval
    if whole is not None and whole.low > 0:
        return f"{again}: the small one stays ahead by {words.difference(*found.whole[:2])}."
    if whole is not None and whole.high < 0:
        return f"{again}: the large one wins by {words.size_of(*found.whole[:2])}."
    return f"{again}: which is better can't be told."


def _row(found: Descent) -> Row:
    words = MeasureWords(found.peak.measure)
    fitted = found.fitted_from
    row = {"family": found.cells[0].family, COLUMN: percent(found.noise)}
    for name, cell in (("first minimum", found.first), ("peak", found.peak), ("then", found.last)):
        row[name] = f"{words.value(cell.error)} at {size(cell.parameters)}"
    if not found.is_seen:
        row |= {"peak": "none"}
    return row | {
        words.counted("peak less first"): words.difference(*found.rise[:2]),
        words.counted("then less first"): words.difference(*found.whole[:2]),
        "training error below 1% from": size(fitted.parameters) if fitted else UNKNOWN,
    }
