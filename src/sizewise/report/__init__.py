"""A sweep's answer: fits, verdict, charts, tables, and a page, from run records alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sizewise.records import RunRecord, write_records
from sizewise.report.analysis import Analysis, analyse
from sizewise.report.contents import Contents, contents
from sizewise.report.figures import warm_up, write_figures
from sizewise.report.markdown import note_text, write_markdown
from sizewise.report.page import Link, write_page
from sizewise.report.proposal import Spell, spell_all
from sizewise.report.stats.errors import CONFIDENCE
from sizewise.report.tables import write_runs

__all__ = ["CONFIDENCE", "Report", "write_report"]


@dataclass(frozen=True)
class Report:
    """A written report.

    Args:
        folder: where it lies.
        files: every file written, the page first.
        contents: what it says.
        analysis: the numbers behind it.
    """

    folder: Path
    files: list[Path]
    contents: Contents
    analysis: Analysis

    @property
    def note(self) -> str:
        """The answer in short, as Markdown."""
        return note_text(self.contents)

    def __str__(self) -> str:
        """Return the verdict in short, what to run next, and where the page is."""
        lines = [study.title for study in self.contents.studies]
        for paragraph in self.contents.verdict:
            lines.append(paragraph.headline)
            if paragraph.growth:
                lines.append(f"  {paragraph.growth}")
            lines += [f"  run next ({price}): {text}" for text, price in paragraph.commands]
        return "\n".join([*lines, *self.analysis.notes, f"report: {self.files[0]}"])


def write_report(
    records: Sequence[RunRecord],
    folder: Path,
    *,
    name: str,
    command: str | None = None,
    spell: Spell = spell_all,
    asked: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
    confidence: float = CONFIDENCE,
    link: Link | None = None,
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
        asked: what is good enough, by the keys of the config's `answer`.
        notes: on where the runs come from.
        confidence: of the intervals that decide; higher where they are looked at more than once.
        link: from a run's id to where more is to be seen of it, if anywhere.

    Raises:
        UserError: there are fewer than two finished runs, or they are on different data.
    """
    records = list(records)
    analysis = analyse(
        records,
        name=name,
        command=command,
        asked=asked,
        notes=notes,
        confidence=confidence,
        spell=spell,
    )
    folder.mkdir(parents=True, exist_ok=True)  # before what takes long, since it may fail
    warm_up()
    found = contents(analysis)
    files = [folder / each for each in ("report.html", "report.md", "runs.jsonl", "runs.csv")]
    files[0].write_text(write_page(found, link), encoding="utf-8")
    files[1].write_text(write_markdown(found), encoding="utf-8")
    write_records(files[2], records)
    used = [cell for section in [*found.studies, *found.sections] for cell in section.cells]
    write_runs(files[3], analysis, records, used)
    files += write_figures(found.charts, folder / "figures")
    return Report(folder, files, found, analysis)
