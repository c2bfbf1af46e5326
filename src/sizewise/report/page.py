"""report.html: one file that holds its data and what draws them, and needs no network.

The markup, style and script lie beside this module; here they get the text and the charts.
"""

import hashlib
import html
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import resources
from importlib.metadata import version
from string import Template

import vl_convert

from sizewise.files import cache_folder, replacing
from sizewise.report.colours import looks
from sizewise.report.contents import Contents
from sizewise.report.section import Chart, Rows, Section, Table
from sizewise.report.summary import Summary
from sizewise.report.tables import run_rows
from sizewise.report.wording import Paragraph

Link = Callable[[str], str | None]
WORDS = ("family", "form", "setting", "enough", "next step")  # columns that are not numbers
TERMS = {  # what columns mean that don't say it themselves
    "enough": "the smallest size shown to be good enough",
    "90% interval": "made so that nine in ten hold the mean that runs without end would have",
    "growing stops paying at": "beyond it no doubling buys the tolerance, by the fitted curve",
    "gap (points)": "test error less training error",
    "floor": "the error that no size gets below, by the curve",
    "AICc above the best's": "how much worse the form describes the sizes; below 2 it is a tie",
}


def write_page(contents: Contents, link: Link | None = None) -> str:
    """Return the page's text.

    Args:
        contents: what it says.
        link: from a run's id to where more is to be seen of it, if anywhere.

    Raises:
        ValueError: two charts have different rows by one name.
    """
    charts = [chart for chart in contents.charts if chart.on_page]
    data: dict[str, Rows] = {}
    for chart in charts:
        for name, rows in chart.data.items():
            if data.setdefault(name, rows) != rows:
                raise ValueError(f"two charts have different rows called {name}")
    drawn = {chart.name: chart.choices or {"": chart.spec} for chart in charts}
    tables = [table for section in contents.sections for table in section.tables if table.cells]
    runs = [rows for table in tables for rows in run_rows(table.cells)]  # by `data-cell`
    ids = {row["run"] for rows in runs for row in rows} if link else ()
    links = {run_id: at for run_id in sorted(ids) if link and (at := link(run_id))}
    answers = [
        {
            "tolerance": each.tolerance,
            "headline": each.headline,
            "sentence": each.sentence,
            "rows": _table(Table(each.rows)),
            "marks": each.marks,
            "band": each.band,
        }
        for each in contents.summaries
    ]
    shown = json.dumps(
        {"data": data, "charts": drawn, "runs": runs, "links": links, "answers": answers},
        separators=(",", ":"),
        allow_nan=False,
    )
    command = f"<pre>{html.escape(contents.command)}</pre>" if contents.command else ""
    return Template(_read("page.html")).substitute(
        title=html.escape(contents.title),
        style=_read("page.css"),
        summary=html.escape(contents.summary),
        command=command,
        studies="\n".join(_section(study, folded=True) for study in contents.studies),
        answer=_answer(contents.summaries),
        verdict=_verdict(contents.verdict),
        chart=_section(contents.sections[0]),
        sections="\n".join(
            _section(each) if each.charts or each.tables else _folded(each)
            for each in contents.sections[1:]
        ),
        data=shown.replace("</", "<\\/"),  # or a name could end the script element
        script=_script(),
    )


def _script() -> str:
    """Return the page's script with Vega and all that it needs, which takes a second to make."""
    text = _read("page.js")
    key = hashlib.sha256(f"{version('vl-convert-python')} {text}".encode()).hexdigest()[:16]
    path = cache_folder() / f"page-{key}.js"
    with suppress(OSError):
        return path.read_text(encoding="utf-8")
    made: str = vl_convert.javascript_bundle(text)
    with suppress(OSError):  # nowhere to keep it
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(made.encode())
    return made


def _answer(summaries: Sequence[Summary]) -> str:
    """Return the answer at a glance; its slider's first place is the report's own tolerance."""
    if not summaries:
        return ""
    first, *others = summaries
    slider = ""
    if others:
        at = [each.tolerance for each in others].index(first.tolerance)
        slider = (
            f'<label class="slider">as good as the best is within <output>{first.tolerance}'
            f'</output> <input type="range" min="0" max="{len(others) - 1}" value="{at}"></label>'
        )
    return (
        f'<section id="answer"><h2>{html.escape(first.headline)}</h2>'
        f"<p>{html.escape(first.sentence)}</p>{_table(Table(first.rows))}{slider}</section>"
    )


def _verdict(paragraphs: Sequence[Paragraph]) -> str:
    articles = []
    look = looks(paragraph.family for paragraph in paragraphs if paragraph.family)
    for paragraph in paragraphs:
        kind = 'class="overall"'
        if paragraph.family:
            kind = f'style="--family: {look[paragraph.family][0]}"'
        body = f"<h3>{html.escape(paragraph.headline)}</h3>{_items(paragraph.sentences)}"
        for text, price in paragraph.commands:
            body += f"<p>Run next, {price}:</p><pre>{html.escape(text)}</pre>"
        articles.append(f"<article {kind}>{body}</article>")
    return "\n".join(articles)


def _section(section: Section, *, folded: bool = False) -> str:
    body = f"<h2>{html.escape(section.title)}</h2>{_items(section.sentences)}"
    body += "".join(_chart(chart) for chart in section.charts if chart.on_page)
    tables = "".join(map(_table, section.tables))
    body += f"<details><summary>Every number</summary>{tables}</details>" if folded else tables
    return f"<section>{body}</section>"


def _folded(section: Section) -> str:
    title = html.escape(section.title)
    return f"<details><summary>{title}</summary>{_items(section.sentences)}</details>"


def _chart(chart: Chart) -> str:
    form = ""
    if chart.choices:
        options = "".join(f"<option>{html.escape(each)}</option>" for each in chart.choices)
        form = f'<form class="controls"><label>against <select>{options}</select></label>'
        for axis in ("x", "y"):
            form += f'<label><input type="checkbox" name="{axis}"> log {axis}</label>'
        form += "</form>"
    caption = f"<figcaption>{html.escape(chart.caption)}</figcaption>"
    return f'<figure id="{chart.name}">{caption}{form}<div class="plot"></div></figure>'


def _table(table: Table) -> str:
    """Return a table as HTML; a row about a cell opens to show the runs behind it."""

    def cell(tag: str, column: str, text: str) -> str:
        word = ' class="word"' if column in WORDS else ""
        return f"<{tag}{word}>{html.escape(text)}</{tag}>"

    head = "".join(cell("th", column, column) for column in table.rows[0])
    body = "".join(
        (f'<tr class="cell" data-cell="{index}" tabindex="0">' if table.cells else "<tr>")
        + "".join(cell("td", column, text) for column, text in row.items())
        + "</tr>"
        for index, row in enumerate(table.rows)
    )
    notes = [f"<b>{column}</b>: {TERMS[column]}" for column in table.rows[0] if column in TERMS]
    if table.cells:
        notes.insert(0, "Each number is a mean over runs: click a row to see them.")
    return (
        f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"</div><p class='note'>{' · '.join(notes)}</p>"
    )


def _items(sentences: Sequence[str]) -> str:
    items = "".join(f"<li>{html.escape(each)}</li>" for each in sentences)
    return f"<ul>{items}</ul>" if items else ""


def _read(name: str) -> str:
    return resources.files("sizewise.report").joinpath(name).read_text(encoding="utf-8")
