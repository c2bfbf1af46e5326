"""What a report is made of: sections of sentences, charts and tables, however they are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sizewise.report.cells import Cell

Rows = list[dict[str, Any]]
Spec = dict[str, Any]  # of Vega-Lite


@dataclass(frozen=True)
class Chart:
    """A chart, from which the page and the figures' files are drawn.

    Args:
        name: of its files, without an ending.
        caption: what it shows.
        spec: names the data it needs.
        data: rows by those names.
        choices: on the page, in place of `spec`: one of these, by the name the reader picks.
        on_page: False where another chart shows the same there.
    """

    name: str
    caption: str
    spec: Spec
    data: Mapping[str, Rows]
    choices: Mapping[str, Spec] = field(default_factory=dict)
    on_page: bool = True


@dataclass(frozen=True)
class Table:
    """Rows of text that share their columns; `cells` are those that each row is about, if any."""

    rows: list[dict[str, str]]
    cells: Sequence[Cell] = ()


@dataclass(frozen=True)
class Section:
    """A part of a report under a title. `cells` are those whose runs it speaks of."""

    title: str
    sentences: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    cells: Sequence[Cell] = ()
