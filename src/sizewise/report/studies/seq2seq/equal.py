"""What attention brings where one size was run: by how much less a network errs that has it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sizewise.report.cells import Cell, cells_errors
from sizewise.report.stats.differences import Difference
from sizewise.report.studies.levels import Level
from sizewise.report.studies.seq2seq.worth import both_ways
from sizewise.report.tables import UNKNOWN, Row
from sizewise.report.verdict import compared
from sizewise.report.words import MeasureWords, size

SYMBOLS = "test/symbol_error"
METHOD = (
    "Runs of the same seed are compared in pairs. Symbol error is the edits that make answers "
    "right, over the symbols of the right ones."
)


@dataclass(frozen=True)
class Gain:
    """How much less a network errs with attention than without, at the size both were asked for.

    Args:
        plain, attending: the cells.
        where: the length that was learnt, in words, if it is one of several.
        saved: the error without attention less that with it.
    """

    plain: Cell
    attending: Cell
    where: str
    saved: Difference

    def sentence(self) -> str:
        """Return what came of it."""
        words, family = MeasureWords(self.plain.measure), self.attending.family
        at = f"at {size(self.attending.parameters)} parameters{self.where}"
        mean, interval = self.saved.mean, self.saved.interval
        if interval is None:
            return f"One seed can't say what attention ({family}) brings {at}."
        if 0 in interval:
            return (
                f"Can't tell whether attention ({family}) changes {words.test} {at}: it falls by "
                f"{words.difference(mean, interval)}."
            )
        turn = "lowers" if mean > 0 else "raises"
        return (
            f"Attention ({family}) {turn} {words.test} by {words.size_of(mean, interval)} {at}: "
            f"{words.value(self.plain.error)} without, {words.value(self.attending.error)} with."
        )


def gains(level: Level) -> list[Gain]:
    """Return what each kind of attention brings at a length of which one size was run."""
    return [
        Gain(
            plain[0],
            attending[0],
            f" and length {level.name}" if level.name else "",
            compared(plain, attending[0])[plain[0]],
        )
        for plain, attending in both_ways(level)
        if len(plain) == len(attending) == 1 and plain[0].size_asked == attending[0].size_asked
    ]


def gain_rows(found: Sequence[Gain]) -> list[Row]:
    """Return a row for each network, without attention and with it."""
    return [_row(cell) for gain in found for cell in (gain.plain, gain.attending)]


def _row(cell: Cell) -> Row:
    words = MeasureWords(cell.measure)
    (interval,) = cells_errors([cell]).intervals()
    symbols = [record.metrics[SYMBOLS] for record in cell.trained if SYMBOLS in record.metrics]
    return {
        "family": cell.family,
        "parameters": f"{cell.parameters:,}",
        "seeds": f"{len(cell.seeds)}",
        words.test: words.value(cell.error),
        "90% interval": words.values(interval) if interval else UNKNOWN,
        "symbol error": f"{np.mean(symbols):.1%}" if symbols else UNKNOWN,
    }
