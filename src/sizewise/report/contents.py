"""What stands in a report, in its order: the same in the page and in the file."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from sizewise.report.analysis import Analysis
from sizewise.report.charts import draw
from sizewise.report.section import Chart, Section, Table
from sizewise.report.selection import Choice
from sizewise.report.stats.errors import CONFIDENCE
from sizewise.report.studies import STUDIES
from sizewise.report.summary import Summary, summaries
from sizewise.report.tables import cell_rows, fit_rows
from sizewise.report.wording import Paragraph, paragraphs
from sizewise.report.words import MeasureWords, listed, setting_words


@dataclass(frozen=True)
class Contents:
    """A whole report, ready to be laid out.

    Args:
        title, summary: of all of it; `command` is what the sweep was started with.
        studies: what they found; they come first.
        summaries: the answer at a glance, for the report's tolerance, then for others, ascending.
        verdict: on sizes, in full.
        sections: all that backs it.
    """

    title: str
    summary: str
    command: str | None
    studies: list[Section]
    summaries: list[Summary]
    verdict: list[Paragraph]
    sections: list[Section]

    @property
    def charts(self) -> list[Chart]:
        """Return every chart, in order."""
        return [chart for each in [*self.studies, *self.sections] for chart in each.charts]


def contents(analysis: Analysis) -> Contents:
    """Put together what the report says."""
    found = summaries(analysis)
    return Contents(
        title=f"{analysis.name}: how big does it need to be?",
        summary=_summary(analysis),
        command=analysis.command,
        studies=[each for study in STUDIES if (each := study(analysis.usable))],
        summaries=found,
        verdict=paragraphs(analysis),
        sections=_sections(analysis, found[0] if found else None),
    )


def _sections(analysis: Analysis, summary: Summary | None) -> list[Section]:
    words = MeasureWords(analysis.measure)
    cells = [cell for cell, _ in analysis.rows]
    charts = {chart.name: chart for chart in draw(analysis, summary)}
    by_cost = [charts.pop(name) for name in ("error_by_size", "error_by_cost") if name in charts]
    found = [
        Section(f"{words.test.capitalize()} against cost", charts=by_cost),
        Section("Every size", tables=[Table(cell_rows(analysis), cells)], cells=cells),
        Section("While training, by size, and between seeds", charts=list(charts.values())),
    ]
    forms = fit_rows(analysis)
    if forms:
        found.append(Section("Forms compared", tables=[Table(forms)]))
    choices = _choices(analysis.selection.choices)
    chosen = choices or ["Each size was run under one setting."]
    found.append(Section("How the runs were chosen", chosen + analysis.notes))
    found.append(Section("How to read this", _method(analysis, words)))
    return [each for each in found if each.sentences or each.charts or each.tables]


def _summary(analysis: Analysis) -> str:
    selection = analysis.selection
    runs = sum(len(cell.records) for cell in selection.compared)
    words = f"{runs} runs on {selection.data}: "
    if selection.cells:
        words += f"{listed(list(selection.families))}, {len(selection.cells)} sizes in all"
        words += "; " if selection.references else ""
    if selection.references:
        words += f"{listed([cell.label for cell in selection.references])} for reference"
    return f"{words}. {_made(analysis)}"


def _made(analysis: Analysis) -> str:
    """Return how, when, where and by what the runs were made, as far as they tell."""
    records = [record for cell in analysis.selection.compared for record in cell.records]
    seeds = sorted({len(cell.seeds) for cell in analysis.selection.compared})
    epochs = {record.config.get("training.epochs") for record in records} - {None}
    counts = " to ".join(map(str, dict.fromkeys((seeds[0], seeds[-1]))))
    parts = [f"{counts} seed{'s' * (seeds[-1] != 1)} each"]
    if len(epochs) == 1:
        parts.append(f"at most {epochs.pop()} epochs")
    dates = sorted({record.date for record in records if record.date})
    if dates:
        parts.append(f"trained {' to '.join(dict.fromkeys((dates[0], dates[-1])))}")
    commits = sorted({record.git_commit[:7] for record in records if record.git_commit})
    if len(commits) == 1:
        parts.append(f"at commit {commits[0]}")
    machines = sorted({record.machine for record in records if record.machine})
    parts += [f"on {listed(machines)}"] if len(machines) in (1, 2) else []
    return f"{', '.join(parts)}."


def _method(analysis: Analysis, words: MeasureWords) -> list[str]:
    """Return what the numbers mean and what they can't say, one sentence each."""
    text = resources.files("sizewise.report").joinpath("method.txt").read_text(encoding="utf-8")
    goal, cells = analysis.goal, analysis.selection.compared
    usual = f"{CONFIDENCE:.0%}"
    judged = f"{usual}, those by which sizes are judged {analysis.confidence:.0%}"
    kept = all(cell.by_seed.samples is not None for cell in cells)
    text = text.format(
        definition=words.definition,
        intervals=usual if analysis.confidence == CONFIDENCE else judged,
        margin=f"{goal.tolerance:.3g} of its error"
        if goal.relative
        else words.margin(goal.tolerance),
        samples="over test samples, of which another test set would hold others"
        if kept
        else "not over test samples: runs from before these were kept don't tell what another test "
        "set would change",
    )
    *sentences, on_references = text.splitlines()
    return [*sentences, on_references] if analysis.selection.references else sentences


def _choices(choices: Sequence[Choice]) -> list[str]:
    """Return how settings were chosen, one sentence a cell, an edge of the grid said so."""
    sentences = []
    for choice in choices:
        cell = choice.cell
        measure = MeasureWords(cell.measure)
        sentence = (
            f"{cell.label} takes {setting_words(cell.setting)}: the best mean validation "
            f"{cell.measure.name} ({measure.value(cell.validation_error)}) of {choice.tried} "
            "settings tried."
        )
        for key, tried in choice.edges.items():
            sentence += (
                f" {key} is at the edge of what was tried ({', '.join(f'{v:g}' for v in tried)}): "
                "a value beyond it may be better."
            )
        sentences.append(sentence)
    return sentences
