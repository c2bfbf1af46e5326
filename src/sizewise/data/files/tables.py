"""Text files of samples, one flattened sample a line, read line by line."""

import codecs
import contextlib
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from sizewise.data.files.conform import fit_numbers
from sizewise.data.files.layout import Layout, decide
from sizewise.errors import UserError

MOST_CHARACTERS = 64  # of one value: a line is not read on beyond that many for each
HEAD = 20  # lines that tell the layout; labels 0 to 9 in turn count up for ten
MARKS = {  # one of 32 bits begins like one of 16
    "utf-8-sig": (codecs.BOM_UTF8,),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}
COMMENT = "#"


class Table(NamedTuple):
    """An open table.

    Args:
        layout: how it is read.
        rows: each line's number, from 1, and its cells; without header, comments and empty lines.
    """

    layout: Layout
    rows: Iterator[tuple[int, list[str]]]


@contextlib.contextmanager
def open_table(path: Path, width: int) -> Iterator[Table]:
    """Yield the table in a text file, whose samples have `width` numbers each.

    Raises:
        UserError: the file as a whole is no such table; also if so much is found out later, as
            its rows are read.
    """
    with path.open(encoding=_encoding(path), newline="") as file:
        lines = _lines(file, (width + 2) * MOST_CHARACTERS)
        head = list(itertools.islice(lines, HEAD))
        layout = decide([line for _, line in head], width) if head else Layout()
        if len(head) <= layout.header:
            raise UserError(f"no samples in it; expected lines of {width} numbers")
        rows = itertools.chain(head[layout.header :], lines)
        yield Table(layout, ((number, layout.cells(line)) for number, line in rows))


def read_samples(
    table: Table, shape: tuple[int, ...]
) -> Iterator[tuple[int, np.ndarray | UserError]]:
    """Yield the number of each line with its sample (C, *S) or what is wrong with it."""
    for number, cells in table.rows:
        try:
            yield number, _parse(cells, table.layout, shape)
        except UserError as error:
            yield number, error


def count_lines(path: Path) -> int:
    """Return about how many samples a file holds."""
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    return next((name for name, mark in MARKS.items() if start.startswith(mark)), "utf-8")


def _lines(file: TextIO, most: int) -> Iterator[tuple[int, str]]:
    for number in itertools.count(1):
        try:
            line = file.readline(most)
        except UnicodeError as error:
            raise UserError("not a text file in UTF-8; expected numbers and commas") from error
        if not line:
            return
        if len(line) == most and not line.endswith("\n"):
            raise UserError(f"line {number} is longer than {most} characters; expected numbers")
        if "\0" in line:
            raise UserError("not a text file in UTF-8: there are zero bytes in it")
        if line.strip() and not line.lstrip().startswith(COMMENT):
            yield number, line


def _parse(cells: list[str], layout: Layout, shape: tuple[int, ...]) -> np.ndarray:
    width = math.prod(shape)
    if len(cells) != width + layout.indexed:
        values = "value" if len(cells) == 1 else "values"
        expected = f"{width} ({'x'.join(map(str, shape))}, flattened)"
        beside = " and an index" if layout.indexed else ""
        raise UserError(f"{len(cells)} {values}; expected {expected}{beside}")
    numbers = [layout.number(cell) for cell in cells[layout.indexed :]]
    (values,), (finite,) = fit_numbers(np.array([numbers], dtype=float), shape)  # None: NaN
    if not finite:
        column = layout.indexed + int(np.argmin(np.isfinite(values)))  # of the first that is not
        cell = cells[column] if len(cells[column]) <= 20 else f"{cells[column][:19]}…"
        raise UserError(
            f"{cell!r} in column {column + 1} is not a finite number that float32 can hold"
        )
    return np.asarray(values)
