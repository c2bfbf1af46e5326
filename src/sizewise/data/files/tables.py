"""Text files of numbers, one flattened sample a line, read line by line.

How a file is laid out is told from its first lines and how many numbers a sample has.
"""

import codecs
import contextlib
import csv
import itertools
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from sizewise.data.files import Adapted
from sizewise.data.files.conform import fit_numbers
from sizewise.errors import UserError

MOST_CHARACTERS = 64  # of one value: a line is not read on beyond that many for each
HEAD = 20  # lines that tell the layout; labels 0 to 9 in turn count up for ten
MARKS = {  # one of 32 bits begins like one of 16
    "utf-8-sig": (codecs.BOM_UTF8,),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
INDEX_NAMES = ("", "index", "id", "unnamed: 0")  # pandas gives an index no name
NAMES_FROM_ONE = 8  # so many numbers 1, 2, 3, … are names of columns, not a sample
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
POINT_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")


class Layout(NamedTuple):
    """How the lines of a file are read.

    Args:
        separator: of the cells; a space stands for any number of spaces and tabs.
        decimal: a point or a comma.
        header: whether the first line holds names.
        indexed: whether the first column names or counts the samples, and is not of them.
        trailing: whether each line ends with a separator.
    """

    separator: str = ","
    decimal: str = "."
    header: bool = False
    indexed: bool = False
    trailing: bool = False

    def cells(self, line: str) -> list[str]:
        """Return the cells of a line, without that after a trailing separator.

        Raises:
            UserError: one is longer than the csv module reads.
        """
        if self.separator == " ":
            return line.split()
        try:
            row = next(csv.reader([line], delimiter=self.separator, skipinitialspace=True), [])
        except csv.Error as error:
            raise UserError(f"not a CSV ({error})") from error
        cells = [cell.strip() for cell in row]
        return cells[:-1] if self.trailing and len(cells) > 1 and not cells[-1] else cells

    def number(self, cell: str) -> float | None:
        """Return a cell's number, None if it holds none."""
        if "_" in cell or (self.decimal == "," and "." in cell):
            return None
        try:
            return float(cell.replace(",", ".") if self.decimal == "," else cell)
        except ValueError:
            return None

    def numbers(self, cells: Iterator[str]) -> list[float]:
        """Return the numbers among cells."""
        return [number for cell in cells if (number := self.number(cell)) is not None]

    def adapted(self) -> tuple[Adapted, ...]:
        """Return what is unlike one sample a line with commas."""
        words = [
            (self.separator != ",", f"separated by {SEPARATORS[self.separator]}"),
            (self.decimal == ",", "with decimal commas"),
            (self.header, "line 1 is a header"),
            (self.indexed, "column 1 is an index, left out"),
            (self.trailing, "separators end the lines"),
        ]
        return tuple(Adapted(text) for true, text in words if true)


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
    with path.open(encoding=encoding_of(path), newline="") as file:
        lines = _lines(file, (width + 2) * MOST_CHARACTERS)
        head = list(itertools.islice(lines, HEAD))
        layout = _decide([line for _, line in head], width) if head else Layout()
        if len(head) <= layout.header:
            raise UserError(f"no samples in it; expected lines of {width} numbers")
        rows = itertools.chain(head[layout.header :], lines)
        yield Table(layout, ((number, layout.cells(line)) for number, line in rows))


def read_samples(
    table: Table, shape: tuple[int, ...]
) -> Iterator[tuple[int, np.ndarray | UserError]]:
    """Yield the number of each line with its sample (C, *S) or what is wrong with it."""
    for number, cells in table.rows:
        yield number, _parse(cells, table.layout, shape)


def count_lines(path: Path) -> int:
    """Return about how many samples a file holds."""
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def encoding_of(path: Path) -> str:
    """Return the encoding that a file's first bytes mark, UTF-8 where they mark none."""
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
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line


def _parse(cells: list[str], layout: Layout, shape: tuple[int, ...]) -> np.ndarray | UserError:
    width = math.prod(shape)
    if len(cells) != width + layout.indexed:
        values = "value" if len(cells) == 1 else "values"
        expected = f"{width} ({'x'.join(map(str, shape))}, flattened)"
        beside = " and an index" if layout.indexed else ""
        return UserError(f"{len(cells)} {values}; expected {expected}{beside}")
    numbers = [layout.number(cell) for cell in cells[layout.indexed :]]
    (values,), (finite,) = fit_numbers(np.array([numbers], dtype=float), shape)  # None: NaN
    if not finite:
        column = layout.indexed + int(np.argmin(np.isfinite(values)))  # of the first that is not
        cell = cells[column] if len(cells[column]) <= 20 else f"{cells[column][:19]}…"
        return UserError(
            f"{cell!r} in column {column + 1} is not a finite number that float32 can hold"
        )
    return np.asarray(values)


def _decide(lines: list[str], width: int) -> Layout:
    """Return the layout of a file that begins with `lines`, none of them empty.

    Args:
        lines: the first of them.
        width: how many numbers a sample has.

    Raises:
        UserError: they are no such table, or can be read in several ways, with different numbers.
    """
    layout = max((_try(lines, each, width) for each in SEPARATORS), key=lambda each: each[0])[1]
    rows = [layout.cells(line) for line in lines]
    check_thousands(rows, layout)
    header, body = (rows[0], rows[1:]) if _is_header(rows[0], layout) else (None, rows)
    index = _has_index(header, body, width)
    if not index and body and all(len(row) == width + 1 for row in body):
        raise UserError(
            f"{width + 1} columns, and the first does not count the lines; expected {width}: if "
            "one of them holds labels, remove it"
        )
    if header is not None and len(header) not in (width, width + index):
        raise UserError(f"its header names {len(header)} columns; expected {width}")
    if header is None and layout.trailing and not index and _counts_lines(body):
        raise UserError(
            "its first column counts the lines and its last is empty: remove the first if it is an "
            "index, and the separators that end the lines"
        )
    return layout._replace(header=header is not None, indexed=index)


def _try(lines: list[str], separator: str, width: int) -> tuple[tuple[int, int, int], Layout]:
    """Return how well a separator fits, the higher the better, with what it would mean.

    First come numbers in lines of a fitting length, then such lines, then numbers anywhere.
    """
    rows = [Layout(separator).cells(line) for line in lines]
    body = rows[1:] or rows
    trailing = all(len(row) > width and not row[-1] for row in body)
    if trailing and rows[0][-1] and len(rows[0]) >= len(body[0]):
        trailing = False  # its header names the last column, so that is empty and not absent
    comma = any(map(DECIMAL_COMMA.fullmatch, _flat(rows)))
    layout = Layout(separator, "," if comma else ".", trailing=trailing)
    fitting = [row for row in rows if len(row) - trailing in (width, width + 1)]
    numbers, all_numbers = (len(layout.numbers(_flat(each))) for each in (fitting, rows))
    return (numbers, len(fitting), all_numbers), layout


def _flat(rows: list[list[str]]) -> Iterator[str]:
    return (cell for row in rows for cell in row)


def check_thousands(rows: list[list[str]], layout: Layout) -> None:
    """Check that commas, where they are decimal, can't be separators of thousands instead.

    Raises:
        UserError: they can.
    """
    commas = [cell for cell in _flat(rows) if "," in cell]
    if layout.decimal == "," and commas and all(map(THOUSANDS.fullmatch, commas)):
        raise UserError(
            f"{commas[0]!r} is {commas[0].replace(',', '')} or {commas[0].replace(',', '.')}: "
            "write numbers with points and without separators of thousands"
        )


def _is_header(row: list[str], layout: Layout) -> bool:
    """Return whether a file's first row holds names: texts, and numbers that count up if any."""
    numbers = layout.numbers(iter(row))
    if not numbers:
        return len(row) == 1 or (all(row[1:]) and len(set(row)) > 1)  # not NA, NA, …
    from_zero_or_one = numbers[0] == 0 or (numbers[0] == 1 and len(numbers) >= NAMES_FROM_ONE)
    return from_zero_or_one and _counts_up(numbers)


def _has_index(header: list[str] | None, body: list[list[str]], width: int) -> bool:
    """Return whether the first column is not of the sample, but names or counts it."""
    longer = [row for row in body if len(row) == width + 1]
    if header is None or len(longer) <= len(body) / 2:
        named = False
    else:  # as R writes it, the column of row names has no name
        named = len(header) == width or header[0].lower() in INDEX_NAMES
    return named or (len(longer) == len(body) and _counts_lines(body))


def _counts_lines(body: list[list[str]]) -> bool:
    firsts = [row[0] for row in body]
    digits = all(each.isascii() and each.isdecimal() for each in firsts)
    return digits and _counts_up([float(each) for each in firsts])


def _counts_up(numbers: list[float]) -> bool:
    return len(numbers) > 1 and numbers == [numbers[0] + place for place in range(len(numbers))]
