"""report.md: the report as a text file, with its figures beside it."""

from collections.abc import Iterable

from sizewise.report.analysis import Analysis
from sizewise.report.data_words import amount_rows
from sizewise.report.tables import cell_rows, fit_rows, markdown
from sizewise.report.wording import Paragraph, choice_sentences
from sizewise.report.words import listed, margin

CAPTIONS = {
    "error_by_size": "Test error against size",
    "error_by_data": "Test error against training samples and training time",
    "error_by_cost": "Test error against each cost, with the Pareto front",
    "learning_curves": "Validation error while training, by size",
    "generalisation_gap": "Training and test error by size",
    "seed_spread": "Spread of test error between seeds by size",
}
SHORT_ID = 8  # characters of a run's id, as git shortens its own; runs.csv has them whole


def write_markdown(analysis: Analysis, words: list[Paragraph], figures: Iterable[str]) -> str:
    """Return the text of report.md."""
    parts = [f"# {analysis.name}: how big does it need to be?", summary(analysis)]
    if analysis.command:
        parts.append(f"```\n{analysis.command}\n```")
    parts.append("## Verdict")
    for paragraph in words:
        parts.append(f"### {paragraph.headline}")
        parts.append("\n".join(f"- {sentence}" for sentence in paragraph.sentences))
        if paragraph.command:
            parts.append(f"Run next:\n```\n{paragraph.command}\n```")
    for name in figures:
        parts.append(f"![{CAPTIONS[name]}](figures/{name}.png)")
    parts += ["## Every size", markdown(_rows_with_runs(analysis))]
    if analysis.by_data:
        parts += ["## Every amount of training data", markdown(amount_rows(analysis.by_data))]
    fits = fit_rows(analysis)
    if fits:
        parts += ["## Forms compared", markdown(fits)]
    parts += ["## How the runs were chosen", "\n".join(f"- {each}" for each in choice(analysis))]
    parts += ["## How to read this", "\n".join(f"- {each}" for each in method(analysis))]
    return "\n\n".join(parts) + "\n"


def summary(analysis: Analysis) -> str:
    """Return what the report is of, in one sentence."""
    selection = analysis.selection
    runs = sum(len(cell.records) for cell in selection.compared)
    words = f"{runs} runs on {selection.data}: "
    if selection.cells:
        words += f"{listed(list(selection.families))}, {len(selection.cells)} sizes in all"
        words += "; " if selection.references else ""
    if selection.references:
        words += f"{listed([cell.label for cell in selection.references])} for reference"
    return f"{words}."


def choice(analysis: Analysis) -> list[str]:
    """Return what was chosen and what was left out, one sentence each."""
    selection = analysis.selection
    sentences = choice_sentences(selection.choices) or ["Each size was run under one setting."]
    return sentences + selection.notes


def method(analysis: Analysis) -> list[str]:
    """Return what the numbers mean and what they can't say, one sentence each."""
    sentences = [
        "Error is 1 - accuracy. The epoch, the setting and the best size are chosen on validation; "
        "only then is the test set read.",
        "Intervals are 90% and over seeds: initialisation, order of samples, division of the "
        "training data. The test samples are the same for all runs, so what another test set "
        "would change is not in them.",
        "Sizes are compared in pairs of the same seed, by a studentised bootstrap whose variances "
        "are pooled across sizes in part (Smyth 2004). A size is as good as the best if the "
        f"interval of its error less the best's ends below {margin(analysis.tolerance)}.",
        "Fits are weighted by the seeds' spread; their intervals invert a likelihood ratio "
        "calibrated on sweeps drawn from the fit. α and E depend on the sizes run and on the "
        "training; a curve says little beyond the largest size.",
        "Training error is measured as its epoch goes, on weights that are still changing. "
        "Seconds and latency are this machine's, under whatever else it ran.",
    ]
    if analysis.references:
        sentences.append(
            "Classical families are references: their settings are chosen on validation like a "
            "network's epoch, but they have no place on an axis of parameters, and no curve is "
            "fitted to them. Their training error is of at most 2,000 samples, after the fit."
        )
    return sentences


def _rows_with_runs(analysis: Analysis) -> list[dict[str, str]]:
    cells = [cell for cell, _ in analysis.rows]
    return [
        row | {"runs": " ".join(record.run_id[:SHORT_ID] for record in cell.records)}
        for row, cell in zip(cell_rows(analysis), cells, strict=True)
    ]
