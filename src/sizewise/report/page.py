"""report.html: one file that holds its data and plotly.js, and needs no network.

The markup, style and script lie beside this module; here they get the numbers.
"""

import html
import json
from collections.abc import Sequence
from importlib import resources
from string import Template

from plotly.offline import get_plotlyjs

from sizewise.report.analysis import Analysis
from sizewise.report.colours import colours
from sizewise.report.data_words import amount_rows
from sizewise.report.markdown import choice, method, summary
from sizewise.report.page_data import page_data
from sizewise.report.tables import cell_rows, fit_rows
from sizewise.report.wording import Paragraph

WORDS = ("family", "form", "setting")  # columns that are not numbers

BY_DATA = """<section>
<h2>Test error against training data</h2>
<div id="data-plot" class="plot"></div>
<div id="seconds-plot" class="plot"></div>
<p class="note">Each family at its best size by validation at each amount, with 90% intervals over
seeds; networks are solid, classical families dashed.</p>
<div class="scroll"><table>$amounts</table></div>
</section>"""


def write_page(analysis: Analysis, words: list[Paragraph], run_url: str | None) -> str:
    """Return the page's text.

    Args:
        analysis: what is shown.
        words: the verdict.
        run_url: where a run is looked at, with `{run_id}` in it; None leaves ids without links.
    """
    command = f"<pre>{html.escape(analysis.command)}</pre>" if analysis.command else ""
    forms = fit_rows(analysis)
    fitted = f"<section><h2>Forms compared</h2><div class='scroll'><table>{_table(forms)}"
    amounts = _table(amount_rows(analysis.by_data)) if analysis.by_data else ""
    data = json.dumps(page_data(analysis, run_url), separators=(",", ":"), allow_nan=False)
    return Template(_read("page.html")).substitute(
        title=html.escape(f"{analysis.name}: how big does it need to be?"),
        style=_read("page.css"),
        summary=html.escape(summary(analysis)),
        command=command,
        verdict=_verdict(analysis, words),
        cells=_table(cell_rows(analysis), linked=True),
        by_data=Template(BY_DATA).substitute(amounts=amounts) if amounts else "",
        forms=f"{fitted}</table></div></section>" if forms else "",
        choice=_items(choice(analysis)),
        method=_items(method(analysis)),
        plotly=get_plotlyjs(),
        data=data.replace("</", "<\\/"),  # or a name could end the script element
        script=_read("page.js"),
    )


def _verdict(analysis: Analysis, words: list[Paragraph]) -> str:
    colour = colours([result.family for result in analysis.families])
    articles = []
    for paragraph in words:
        own = colour.get(paragraph.family or "")
        style = f'style="--family: {own}"' if own else 'class="overall"'
        body = f"<h3>{html.escape(paragraph.headline)}</h3><ul>{_items(paragraph.sentences)}</ul>"
        article = f"<article {style}>{body}"
        if paragraph.command:
            article += f"<p>Run next:</p><pre>{html.escape(paragraph.command)}</pre>"
        articles.append(f"{article}</article>")
    return "\n".join(articles)


def _table(rows: Sequence[dict[str, str]], *, linked: bool = False) -> str:
    """Return rows as HTML; `linked` makes each number open the runs behind it."""
    if not rows:
        return ""

    def word(column: str) -> str:
        return ' class="word"' if column in WORDS else ""

    head = "".join(f"<th{word(column)}>{html.escape(column)}</th>" for column in rows[0])
    body = []
    for index, row in enumerate(rows):
        cells = []
        for column, value in row.items():
            text = html.escape(value)
            if linked and column not in WORDS:
                text = f'<a href="#cell-{index}">{text}</a>'
            cells.append(f"<td{word(column)}>{text}</td>")
        mark = f' class="cell" id="cell-{index}" data-cell="{index}"' if linked else ""
        body.append(f"<tr{mark}>{''.join(cells)}</tr>")
    return f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody>"


def _items(sentences: Sequence[str]) -> str:
    return "".join(f"<li>{html.escape(each)}</li>" for each in sentences)


def _read(name: str) -> str:
    return resources.files("sizewise.report").joinpath(name).read_text(encoding="utf-8")
