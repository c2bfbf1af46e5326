"""All that a report says, before it is put in words, tables and figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sizewise.records import RunRecord
from sizewise.report.bootstrap import Interval, Sweep
from sizewise.report.compare import mean_intervals
from sizewise.report.fit import Fit, NoFit, fit_sweep
from sizewise.report.select import Cell, Selection, select
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


@dataclass(frozen=True)
class Analysis:
    """A sweep's results. `overall` compares all families; None if there is one."""

    name: str
    command: str | None
    tolerance: float
    selection: Selection
    families: list[FamilyResult]
    overall: Answer | None


def analyse(
    records: Sequence[RunRecord], *, name: str, command: str | None, tolerance: float
) -> Analysis:
    """Select, fit and compare.

    Raises:
        UserError: the runs can't be compared; see `select`.
    """
    selection = select(records)
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
                answer=answer(cells, selection=selection, tolerance=tolerance, command=command),
            )
        )
    overall = None
    if len(families) > 1:
        overall = answer(selection.cells, selection=selection, tolerance=tolerance)
    return Analysis(name, command, tolerance, selection, families, overall)
