"""What is the order of the steps worth? Sequences as they are, and all shuffled alike."""

from collections.abc import Sequence

from sizewise.records import RunRecord
from sizewise.report.cells import Cell, best_by_validation, cells_errors
from sizewise.report.conditions import SHUFFLED, levels
from sizewise.report.goal import read_goal
from sizewise.report.section import Section, Table
from sizewise.report.selection import select
from sizewise.report.stats.differences import Difference
from sizewise.report.tables import Row
from sizewise.report.verdict import compared
from sizewise.report.words import MeasureWords, listed


def section(records: Sequence[RunRecord]) -> Section | None:
    """Return the study of usable runs; None where one order alone was run."""
    orders = [select(runs).families for runs in levels(records, SHUFFLED)]
    if len(orders) < 2:
        return None
    shuffled, ordered = (
        {family: best_by_validation(cells) for family, cells in families.items()}
        for families in orders
    )
    both = [(ordered[name], shuffled[name]) for name in ordered if name in shuffled]
    found = [(one, other, compared([other], one)[other]) for one, other in both]
    return Section(
        title=headline(found),
        sentences=[
            "Each network is its family's best by validation; the samples are the same in both."
        ],
        tables=[Table([_row(*each) for each in found])],
        cells=[cell for pair in both for cell in pair],
    )


def headline(found: Sequence[tuple[Cell, Cell, Difference]]) -> str:
    """Return what shuffling costs each network, at most where that is as good; or can't be told."""
    costs, bounded, unclear = [], [], []
    for ordered, _, lost in found:
        words, margin = MeasureWords(ordered.measure), read_goal(ordered.measure).margin(ordered)
        if lost.low > 0:
            costs.append(f"{ordered.family} {words.difference(lost.mean, lost.interval)}")
        elif lost.is_as_good(margin):
            bounded.append(f"{ordered.family} at most {words.margin(margin)}")
        else:
            unclear.append(ordered.family)
    told = [*costs, *bounded]
    if not told:
        return f"Can't tell what shuffling the steps costs {listed(unclear)}."
    rest = f"; of {listed(unclear)} it can't be told" if unclear else ""
    return f"Shuffling the steps costs {listed(told)}{rest}."


def _row(ordered: Cell, shuffled: Cell, lost: Difference) -> Row:
    words, row = MeasureWords(ordered.measure), {"family": ordered.label}
    for name, cell in (("in order", ordered), ("shuffled", shuffled)):
        (interval,) = cells_errors([cell]).intervals()
        row[name] = (
            f"{words.value(cell.error)} {words.values(interval) if interval else ''}".strip()
        )
    return row | {words.counted("shuffling costs"): words.difference(lost.mean, lost.interval)}
