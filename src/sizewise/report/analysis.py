"""All that a report says, before it is put in words, tables and figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sizewise.records import RunRecord
from sizewise.report.bootstrap import Interval, Sweep
from sizewise.report.commands import Spell, spell_all
from sizewise.report.compare import mean_intervals
from sizewise.report.data_sizes import DataSizes, by_amount, compare_amounts
from sizewise.report.fit import Fit, NoFit, fit_sweep
from sizewise.report.select import Cell, Selection, select_usable
from sizewise.report.usable import check_data, usable_runs
from sizewise.report.verdict import Answer, Growth, answer, growth


@dataclass(frozen=True)
class FamilyResult:
    """One family's cells by size, the curve through them, and the answer.

    `intervals` are of the cells' mean test errors, in their order; None where seeds are lacking.
    """

    family: str
    cells: list[Cell]
    intervals: list[Interval | None]
    fit: Fit | NoFit
    growth: Growth | None
    answer: Answer

    @property
    def sizes(self) -> np.ndarray:
        """Return the cells' parameters, (K,)."""
        return np.array([cell.parameters for cell in self.cells], dtype=float)

    @property
    def means(self) -> np.ndarray:
        """Return the cells' mean test errors, (K,)."""
        return np.array([cell.test_errors.mean() for cell in self.cells])


class Reference(NamedTuple):
    """A classical family: what it reaches, with the 90 % interval if seeds say how sure it is."""

    cell: Cell
    interval: Interval | None

    @property
    def mean(self) -> float:
        """Return the mean test error."""
        return float(self.cell.test_errors.mean())


@dataclass(frozen=True)
class Analysis:
    """A sweep's results.

    Args:
        name, command, tolerance: as given.
        selection: what is compared.
        families: of networks.
        references: the classical families, never fitted.
        overall: compares all families of networks; None if there are fewer than two.
        by_data: compares amounts of training data; None where all runs had the same.
    """

    name: str
    command: str | None
    tolerance: float
    selection: Selection
    families: list[FamilyResult]
    references: list[Reference]
    overall: Answer | None
    by_data: DataSizes | None

    @property
    def rows(self) -> list[tuple[Cell, Interval | None]]:
        """Return every cell compared and its interval, the references last."""
        cells = [
            row
            for result in self.families
            for row in zip(result.cells, result.intervals, strict=True)
        ]
        return cells + [(each.cell, each.interval) for each in self.references]


def analyse(
    records: Sequence[RunRecord],
    *,
    name: str,
    command: str | None,
    tolerance: float,
    spell: Spell = spell_all,
) -> Analysis:
    """Select, fit and compare. The arguments are those of `write_report`.

    Raises:
        UserError: the runs can't be compared; see `select`.
    """
    usable, notes = usable_runs(records)
    check_data(usable)
    amounts = by_amount(usable)
    fewer = sum(map(len, amounts[:-1]))
    if fewer:
        notes.append(
            f"Sizes are compared among the {len(amounts[-1])} runs on the most training samples; "
            f"the {fewer} runs on fewer tell how accuracy grows with data."
        )
    selection = select_usable(amounts[-1], notes)
    families = []
    for family, cells in selection.families.items():
        sweep = Sweep(
            np.array([cell.parameters for cell in cells], dtype=float),
            [cell.test_errors for cell in cells],
        )
        families.append(
            FamilyResult(
                family=family,
                cells=cells,
                intervals=mean_intervals(cells),
                fit=fit_sweep(sweep),
                growth=growth(cells),
                answer=answer(
                    cells, selection=selection, tolerance=tolerance, command=command, spell=spell
                ),
            )
        )
    overall = None
    if len(families) > 1:
        overall = answer(selection.cells, selection=selection, tolerance=tolerance)
    intervals = mean_intervals(selection.references)
    references = list(map(Reference, selection.references, intervals))
    by_data = compare_amounts(amounts) if fewer else None
    return Analysis(name, command, tolerance, selection, families, references, overall, by_data)
