"""A sweep's answer: fits, verdict, figures, tables, and a page, from run records alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib

from sizewise.records import RunRecord, write_records
from sizewise.report.analysis import Analysis, analyse
from sizewise.report.commands import Spell, spell_all
from sizewise.report.figures import draw_figures
from sizewise.report.markdown import write_markdown
from sizewise.report.page import write_page
from sizewise.report.tables import write_runs
from sizewise.report.verdict import TOLERANCE
from sizewise.report.wording import Paragraph, paragraphs

__all__ = ["Report", "write_report"]


@dataclass(frozen=True)
class Report:
    """A written report.

    Args:
        folder: where it lies.
        files: every file written, the page first.
        verdict: in words: over all families, if there are several, then each by itself.
        analysis: the numbers behind it.
    """

    folder: Path
    files: list[Path]
    verdict: list[Paragraph]
    analysis: Analysis

    def __str__(self) -> str:
        """Return the verdict in short, what to run next, and where the page is."""
        lines = []
        for paragraph in self.verdict:
            lines.append(paragraph.headline)
            if paragraph.growth:
                lines.append(f"  {paragraph.growth}")
            if paragraph.command:
                lines.append(f"  run next: {paragraph.command}")
        return "\n".join([*lines, *self.analysis.selection.notes, f"report: {self.files[0]}"])


def write_report(
    records: Sequence[RunRecord],
    folder: Path,
    *,
    name: str,
    command: str | None = None,
    spell: Spell = spell_all,
    tolerance: float = TOLERANCE,
    run_url: str | None = None,
) -> Report:
    """Compare runs by size and write report.html, report.md, runs.jsonl, runs.csv and figures/.

    Args:
        records: of runs on one data set, later ones last: they replace earlier runs of the same
            config and seed.
        folder: made if it is not there; files of an earlier report are replaced.
        name: the sweep's or study's, for the title.
        command: what the sweep was started with; commands to run next are made from it.
        spell: what returns the overrides that give a record's config, for the command to run next
            where it isn't known what the sweep was started with.
        tolerance: of test error; a model at most this much worse than the best is as good.
        run_url: where a run can be looked at, with `{run_id}` in it, as
            `http://127.0.0.1:5000/#/experiments/1/runs/{run_id}`.

    Raises:
        UserError: there are fewer than two finished runs, or they are on different data.
    """
    records = list(records)
    analysis = analyse(records, name=name, command=command, tolerance=tolerance, spell=spell)
    words = paragraphs(analysis)
    pictures = draw_figures(analysis)
    drawings = folder / "figures"
    drawings.mkdir(parents=True, exist_ok=True)
    files = [folder / each for each in ("report.html", "report.md", "runs.jsonl", "runs.csv")]
    files[0].write_text(write_page(analysis, words, run_url), encoding="utf-8")
    files[1].write_text(write_markdown(analysis, words, pictures), encoding="utf-8")
    write_records(files[2], records)
    write_runs(files[3], analysis, records)
    with matplotlib.rc_context({"svg.hashsalt": "sizewise"}):  # same runs, same bytes
        for stem, figure in pictures.items():
            figure.draw_without_rendering()
            figure.set_layout_engine(None)  # laid out once for both files: it takes the longest
            figure.savefig(drawings / f"{stem}.png")
            figure.savefig(drawings / f"{stem}.svg", metadata={"Date": None})
            files += [drawings / f"{stem}.png", drawings / f"{stem}.svg"]
    return Report(folder, files, words, analysis)
