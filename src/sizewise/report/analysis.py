"""All that a report says, before it is put in words, tables and charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sizewise.records import Measure, RunRecord
from sizewise.report.budget import at_largest_budget
from sizewise.report.cells import Cell, cells_errors
from sizewise.report.conditions import AMOUNT, by_condition, differing
from sizewise.report.goal import Goal, read_goal
from sizewise.report.growth import Growth, growth
from sizewise.report.proposal import (
    Proposal,
    Spell,
    more_test_samples,
    propose,
    score_again,
    spell_all,
)
from sizewise.report.selection import Selection, select, usable_runs
from sizewise.report.stats.errors import CONFIDENCE, Interval
from sizewise.report.stats.fit import Fit, NoFit, fit_sweep
from sizewise.report.verdict import Answer, answer
from sizewise.report.words import listed, setting_words

Rated = tuple[Cell, Interval | None]  # a cell and the interval of its mean error, if seeds give one

FAILED = (
    "Failed to train, by a loss that stopped being finite or a test error no better than chance: "
    "{}. They count in validation errors, by which sizes and settings are chosen, and in test "
    "errors only where the others are within ten standard errors of chance."
)


@dataclass(frozen=True)
class FamilyResult:
    """One family's cells by size, the curve through them, the answer, and what would tell more."""

    family: str
    cells: list[Cell]
    fit: Fit | NoFit
    growth: Growth | None
    answer: Answer
    proposals: Sequence[Proposal] = ()


@dataclass(frozen=True)
class Analysis:
    """A sweep's results.

    Args:
        name, command, spell: as given.
        goal: what is good enough.
        usable: the runs that can be compared; of these `selection` holds the ones on most data.
        selection: what is compared.
        rows: every cell compared, networks by family and size, the references last.
        families: of networks.
        overall: compares all families of networks; None if there are fewer than two.
        notes: what was left out, in words.
        confidence: of the intervals by which sizes are judged.
    """

    name: str
    command: str | None
    goal: Goal
    spell: Spell
    usable: list[RunRecord]
    selection: Selection
    rows: list[Rated]
    families: list[FamilyResult]
    overall: Answer | None
    notes: list[str]
    confidence: float

    @property
    def answer(self) -> Answer | None:
        """Return the answer over all families, or that of the only one."""
        return self.overall or (self.families[0].answer if self.families else None)

    @property
    def recommended(self) -> RunRecord | None:
        """Return the run that is enough: of the answer's cell the best by validation."""
        found = self.answer
        if found is None or not found.is_shown:
            return None
        return min(found.as_good.records, key=lambda record: record.error("val"))

    @property
    def proposals(self) -> list[Proposal]:
        """Return what would tell more: of each family, or where all are told, over all."""
        by_family = [each for result in self.families for each in result.proposals]
        if by_family or self.overall is None:
            return by_family
        return propose(self.overall, self.selection.swept)

    @property
    def measure(self) -> Measure:
        """Return what errors are."""
        return self.usable[0].measure


def analyse(
    records: Sequence[RunRecord],
    *,
    name: str,
    command: str | None = None,
    asked: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
    confidence: float = CONFIDENCE,
    spell: Spell = spell_all,
) -> Analysis:
    """Select, fit and compare. The arguments are those of `write_report`.

    Raises:
        UserError: the runs can't be compared; see `usable_runs`.
    """
    usable, unusable = usable_runs(records)
    notes = [*notes, *unusable]
    goal = read_goal(usable[0].measure, **(asked or {}))
    at_most_flops = at_largest_budget(usable)
    if cheaper := len(usable) - len(at_most_flops):
        notes.append(
            f"Sizes are compared among the {len(at_most_flops)} runs at each family's largest "
            f"budget of training FLOPs; the {cheaper} at smaller ones tell which size wins there."
        )
    *others, most = by_condition(at_most_flops)
    if others:
        notes.append(_set_aside(at_most_flops, most))
    selection = select(most)
    rows: list[Rated] = []
    families = []
    for family, cells in selection.families.items():
        errors = cells_errors(cells)
        rows += zip(cells, errors.intervals(), strict=True)
        found = answer(cells, goal, confidence)
        fit = fit_sweep(errors, goal.gain(found.best))
        families.append(FamilyResult(family, cells, fit, growth(cells), found))
    references = selection.references
    rows += zip(references, cells_errors(references).intervals(), strict=True)
    overall = answer(selection.cells, goal, confidence) if len(families) > 1 else None
    notes += [*selection.notes, *_failures(selection.compared)]
    analysis = Analysis(
        name, command, goal, spell, usable, selection, rows, families, overall, notes, confidence
    )
    return with_proposals(analysis)


def _set_aside(usable: Sequence[RunRecord], compared: Sequence[RunRecord]) -> str:
    """Return which of the runs are not compared by size, in words."""
    keys, count = differing(usable), len(usable) - len(compared)
    if keys == [AMOUNT]:
        return (
            f"Sizes are compared among the {len(compared)} runs on the most training samples; the "
            f"{count} runs on fewer tell how {compared[0].measure.name} falls with data."
        )
    values = {key: compared[0].config.get(key) for key in keys}
    setting = setting_words(tuple(values.items()))
    return (
        f"Sizes are compared among the {len(compared)} runs with {setting}; the {count} others "
        "have a section of their own."
    )


def _failures(cells: Sequence[Cell]) -> list[str]:
    failed = [
        f"{cell.failures} of {len(cell.seeds)} seeds of {cell.label}"
        for cell in cells
        if cell.failures
    ]
    return [FAILED.format(listed(failed))] if failed else []


def with_proposals(analysis: Analysis) -> Analysis:
    """Return an analysis with what would tell more of each of its families.

    Where more test samples can be had and would spare training, all runs are scored on them first:
    errors on different samples are not compared.
    """
    cells, swept = analysis.selection.cells, analysis.selection.swept
    answers = [result.answer for result in analysis.families]
    answers += [analysis.overall] if analysis.overall else []
    samples = None
    alike = at_largest_budget(analysis.usable) == analysis.usable and not differing(analysis.usable)
    if cells and not analysis.selection.references and alike:
        samples = more_test_samples(answers, cells)
    families = []
    for each in analysis.families:
        proposals = (
            score_again(each.cells, swept[each.family], samples)
            if samples
            else propose(each.answer, swept)
        )
        families.append(replace(each, proposals=proposals))
    return replace(analysis, families=families)
