"""report.md: the report as a text file, with its figures beside it."""

from collections.abc import Sequence

from sizewise.report.contents import Contents
from sizewise.report.section import Section, Table
from sizewise.report.tables import Row
from sizewise.report.wording import Paragraph

SHORT_ID = 8  # characters of a run's id, as git shortens its own; runs.csv has them whole


def write_markdown(contents: Contents) -> str:
    """Return the text of report.md."""
    parts = [f"# {contents.title}", contents.summary]
    if contents.command:
        parts.append(f"```\n{contents.command}\n```")
    parts += [section_text(section) for section in contents.studies]
    parts += ["## Verdict", verdict_text(contents.verdict)]
    parts += [section_text(section) for section in contents.sections]
    return "\n\n".join(part for part in parts if part) + "\n"


def verdict_text(paragraphs: Sequence[Paragraph]) -> str:
    """Return every sentence of the verdict, and what to run next."""
    parts = []
    for paragraph in paragraphs:
        parts += [f"### {paragraph.headline}", items(paragraph.sentences)]
        for text, price in paragraph.commands:
            parts.append(f"Run next, {price}:\n```\n{text}\n```")
    return "\n\n".join(part for part in parts if part)


def note_text(contents: Contents) -> str:
    """Return the answer in short: the headlines, what growing bought, and what to run next.

    MLflow shows it in a column, which a table or a block of code would widen.
    """
    found = contents.verdict
    lines = [" ".join(filter(None, (each.headline, each.growth))) for each in found]
    lines += [f"Run next, {price}: `{text}`" for each in found for text, price in each.commands]
    first, *others = [*(study.title for study in contents.studies), *lines]
    return f"{first}\n\n{items(others)}".rstrip()


def section_text(section: Section, level: int = 2) -> str:
    """Return a section under a heading of this level, with its charts as pictures."""
    parts = [f"{'#' * level} {section.title}", items(section.sentences)]
    parts += [f"![{chart.caption}](figures/{chart.name}.png)" for chart in section.charts]
    parts += [table_text(table) for table in section.tables]
    return "\n\n".join(part for part in parts if part)


def items(sentences: Sequence[str]) -> str:
    """Return sentences as a list."""
    return "\n".join(f"- {sentence}" for sentence in sentences)


def table_text(table: Table) -> str:
    """Return a table; of one whose rows are about cells, each row names the runs behind it."""
    rows: list[Row] = table.rows
    if table.cells:
        ids = [[record.run_id[:SHORT_ID] for record in cell.records] for cell in table.cells]
        rows = [row | {"runs": " ".join(own)} for row, own in zip(rows, ids, strict=True)]
    columns = list(rows[0])
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(row.values()) + " |" for row in rows]
    return "\n".join(lines)
