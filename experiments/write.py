"""Writes what the READMEs quote of the studies' runs, between their markers.

    python -m experiments.write            # all of them; a test holds that nothing would change

A marker names a file of records, beside it or from the project's folder (or several, joined by +),
and a part of the report on them:

    <!-- of runs.jsonl: answer -->
    ...
    <!-- end -->

Parts: `answer` (the headline, what backs it), `families` and `sizes` (a row for each), `crossing`
(what a study finds, without its tables), `verdict` (every sentence, with the commands to run next),
`forms` (of curves), `study` (all that studies of their own say; one of `report/studies` by its
name), `notes` (which runs are in it),
`scores` and `published` (accuracies of runs that a report may not have room for: `series.py`),
`beside` (errors beside those of `published.csv`: `published.py`), `cases` (what small runs foretold
of large ones: `cases.py`).
The table of the article's claims stands after `<!-- claims: en -->`.
"""

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path

from experiments.cases import cases
from experiments.claims import claims
from experiments.published import beside
from experiments.series import published, scores
from sizewise.records import read_records
from sizewise.report.analysis import Analysis, analyse
from sizewise.report.contents import Contents, contents
from sizewise.report.markdown import items, section_text, table_text, verdict_text
from sizewise.report.section import Section, Table
from sizewise.report.stats.errors import CONFIDENCE
from sizewise.report.verdict import look_confidence

ROOT = Path(__file__).parents[1]
STUDIES = "sizewise.report.studies"
UNTIL_TOLD: tuple[str, ...] = ()  # studies that `until=told` looked at as they went on
MARKED = re.compile(r"(<!-- of (\S+): (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _answer(found: Contents) -> str:
    first = found.summaries[0]
    return f"**{first.headline}** {first.sentence}"


def _section(title: str) -> Callable[[Contents], str]:
    def text(found: Contents) -> str:
        (section,) = (each for each in found.sections if each.title == title)
        return "\n\n".join(table_text(Table(table.rows)) for table in section.tables)

    return text


PARTS: dict[str, Callable[[Contents], str]] = {
    "answer": _answer,
    "families": lambda found: table_text(Table(found.summaries[0].rows)),
    "sizes": _section("Every size"),
    "verdict": lambda found: verdict_text(found.verdict),
    "forms": _section("Forms compared"),
    "study": lambda found: "\n\n".join(section_text(each, level=3) for each in found.studies),
    "crossing": lambda found: "\n\n".join(_finding(each) for each in found.studies),
    "notes": lambda found: items([found.summary]),
}


# Of records as they are, without a report.
TABLES = {"scores": scores, "published": published, "beside": beside, "cases": cases}


def _finding(section: Section) -> str:
    return f"**{section.title}**\n\n{items(section.sentences)}"


@cache
def analysed(*paths: Path) -> Analysis:
    """Return the analysis of files of records."""
    records = [record for path in paths for record in read_records(path)]
    name = paths[0].parent.name
    confidence = look_confidence() if name in UNTIL_TOLD else CONFIDENCE
    command = f"python train.py experiment={name}"
    return analyse(records, name=name, command=command, confidence=confidence)


@cache
def report(*paths: Path) -> Contents:
    """Return what the report on files of records says."""
    return contents(analysed(*paths))


def _of_study(name: str, found: Analysis) -> str:
    section = import_module(f"{STUDIES}.{name}").section(found.usable)
    return section_text(section, level=3)


CLAIMS = re.compile(r"(<!-- claims: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def written(text: str, folder: Path) -> str:
    """Return a README's text, with what stands between its markers as its records have it."""

    def part(marker: re.Match[str]) -> str:
        start, names, wanted, end = marker.groups()
        paths = [folder / name for name in names.split("+")]
        if not paths[0].exists():
            paths = [ROOT / name for name in names.split("+")]
        if wanted in TABLES:
            records = [record for path in paths for record in read_records(path)]
            return f"{start}{TABLES[wanted](records, folder)}\n{end}"
        if wanted in PARTS:
            return f"{start}{PARTS[wanted](report(*paths))}\n{end}"
        return f"{start}{_of_study(wanted, analysed(*paths))}\n{end}"

    text = CLAIMS.sub(lambda marker: f"{marker[1]}{claims(marker[2])}\n{marker[3]}", text)
    return MARKED.sub(part, text)


def readmes() -> list[Path]:
    """Return every README that may quote a study."""
    return sorted([*ROOT.glob("README*.md"), *ROOT.glob("experiments/*/README.md")])


if __name__ == "__main__":
    for path in readmes():
        before = path.read_text(encoding="utf-8")
        after = written(before, path.parent)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"written: {path.relative_to(ROOT)}")
