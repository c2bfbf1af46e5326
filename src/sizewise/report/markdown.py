"""report.md: the report as a text file, with its figures beside it."""

from collections.abc import Sequence

from sizewise.report.contents import Contents
from sizewise.report.section import Section, Table
from sizewise.report.tables import Row

SHORT_ID = 8  # characters of a run's id, as git shortens its own; runs.csv has them whole


def write_markdown(contents: Contents) -> str:
    """Return the text of report.md."""
    parts = [f"# {contents.title}", contents.summary]
    if contents.command:
        parts.append(f"```\n{contents.command}\n```")
    parts += [_section(section) for section in contents.studies]
    parts.append("## Verdict")
    for paragraph in contents.verdict:
        parts += [f"### {paragraph.headline}", _items(paragraph.sentences)]
        for text, price in paragraph.commands:
            parts.append(f"Run next, {price}:\n```\n{text}\n```")
    parts += [_section(section) for section in contents.sections]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(section: Section) -> str:
    parts = [f"## {section.title}", _items(section.sentences)]
    parts += [f"![{chart.caption}](figures/{chart.name}.png)" for chart in section.charts]
    parts += [_table(table) for table in section.tables]
    return "\n\n".join(part for part in parts if part)


def _items(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _table(table: Table) -> str:
    rows: list[Row] = table.rows
    if table.cells:
        ids = [[record.run_id[:SHORT_ID] for record in cell.records] for cell in table.cells]
        rows = [row | {"runs": " ".join(own)} for row, own in zip(rows, ids, strict=True)]
    columns = list(rows[0])
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(row.values()) + " |" for row in rows]
    return "\n".join(lines)
