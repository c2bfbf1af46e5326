"""How a text file of numbers is laid out: told from its first lines and how many it should hold."""

import csv
import re
from collections.abc import Iterator
from typing import NamedTuple

from sizewise.data.spec import DataSpec
from sizewise.errors import UserError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
INDEX_NAMES = ("", "index", "id", "unnamed: 0")  # pandas gives an index no name
NAMES_FROM_ONE = 8  # so many numbers 1, 2, 3, … are names of columns, not a sample
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")


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
            csv.Error: quotes are amiss.
        """
        cells = _cells(line, self.separator)
        return cells[:-1] if self.trailing and len(cells) > 1 and not cells[-1] else cells

    def number(self, cell: str) -> float:
        """Return a cell's number.

        Raises:
            ValueError: it is none.
        """
        if "_" in cell or (self.decimal == "," and "." in cell):
            raise ValueError
        return float(cell.replace(",", ".") if self.decimal == "," else cell)

    def is_number(self, cell: str) -> bool:
        """Return whether a cell holds a number."""
        try:
            self.number(cell)
        except ValueError:
            return False
        return True

    def said(self) -> str:
        """Return in words what is unlike one sample a line with commas; empty if nothing is."""
        words = [
            (self.separator != ",", f"separated by {SEPARATORS[self.separator]}"),
            (self.decimal == ",", "with decimal commas"),
            (self.header, "line 1 is a header"),
            (self.indexed, "column 1 is an index, left out"),
            (self.trailing, "separators end the lines"),
        ]
        return "; ".join(text for true, text in words if true)


def decide(lines: list[str], spec: DataSpec) -> Layout:
    """Return the layout of a file that begins with `lines`, none of them empty.

    Raises:
        UserError: they can be read in several ways, with different numbers.
        csv.Error: quotes are amiss.
    """
    wanted = spec.num_features
    layout = max((_tried(lines, each, wanted) for each in SEPARATORS), key=lambda each: each[0])[1]
    rows = [layout.cells(line) for line in lines]
    _check_thousands(rows, layout)
    header, body = (rows[0], rows[1:]) if _is_header(rows[0], layout) else (None, rows)
    index = _has_index(header, body, wanted)
    if not index and body and all(len(row) == wanted + 1 for row in body):
        raise UserError(
            f"{wanted + 1} columns, and the first does not count the lines; expected "
            f"{expected(spec)}: if one of them holds labels, remove it"
        )
    if header is not None and len(header) not in (wanted, wanted + index):
        raise UserError(f"its header names {len(header)} columns; expected {expected(spec)}")
    if header is None and layout.trailing and not index and _counts_lines(body):
        raise UserError(
            "its first column counts the lines and its last is empty: remove the first if it is an "
            "index, and the separators that end the lines"
        )
    return layout._replace(header=header is not None, indexed=index)


def expected(spec: DataSpec) -> str:
    """Return how many numbers a sample has, in words."""
    return f"{spec.num_features} ({'x'.join(map(str, spec.input_shape))}, flattened)"


def _cells(line: str, separator: str) -> list[str]:
    if separator == " ":
        return line.split()
    cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    return [cell.strip() for cell in cells]


def _tried(lines: list[str], separator: str, wanted: int) -> tuple[tuple[int, int, int], Layout]:
    """Return how well a separator fits, the higher the better, with what it would mean.

    First come numbers in lines of a fitting length, then such lines, then numbers anywhere.
    """
    rows = [_cells(line, separator) for line in lines]
    first, *more = rows
    trailing = all(len(row) > wanted and not row[-1] for row in more or rows)
    if trailing and first[-1] and len(first) >= len(more[0]):
        trailing = False  # its header names the last column, so that is empty and not absent
    comma = any(map(DECIMAL_COMMA.fullmatch, _flat(rows)))
    layout = Layout(separator, "," if comma else ".", trailing=trailing)
    fitting = [row for row in rows if len(row) - trailing in (wanted, wanted + 1)]
    score = (
        sum(map(layout.is_number, _flat(fitting))),
        len(fitting),
        sum(map(layout.is_number, _flat(rows))),
    )
    return score, layout


def _flat(rows: list[list[str]]) -> Iterator[str]:
    return (cell for row in rows for cell in row)


def _check_thousands(rows: list[list[str]], layout: Layout) -> None:
    commas = [cell for cell in _flat(rows) if "," in cell]
    if layout.decimal == "," and commas and all(map(THOUSANDS.fullmatch, commas)):
        raise UserError(
            f"{commas[0]!r} is {commas[0].replace(',', '')} or {commas[0].replace(',', '.')}: "
            "write numbers with points and without separators of thousands"
        )


def _is_header(row: list[str], layout: Layout) -> bool:
    """Return whether a file's first row holds names: texts, and numbers that count up if any."""
    numbers = [layout.number(cell) for cell in row if layout.is_number(cell)]
    if not numbers:
        return len(row) == 1 or (all(row[1:]) and len(set(row)) > 1)  # not NA, NA, …
    if not _counts_up(numbers):
        return False
    return numbers[0] == 0 or (numbers[0] == 1 and len(numbers) >= NAMES_FROM_ONE)


def _has_index(header: list[str] | None, body: list[list[str]], wanted: int) -> bool:
    """Return whether the first column is not of the sample, but names or counts it."""
    longer = [row for row in body if len(row) == wanted + 1]
    if header is not None and len(longer) > len(body) / 2:
        unnamed = len(header) == wanted  # as R writes it: the column of row names has no name
        if unnamed or (len(header) == wanted + 1 and header[0].lower() in INDEX_NAMES):
            return True
    return len(longer) == len(body) and _counts_lines(body)


def _counts_lines(body: list[list[str]]) -> bool:
    firsts = [row[0] for row in body]
    return all(each.isascii() and each.isdecimal() for each in firsts) and _counts_up(
        list(map(float, firsts))
    )


def _counts_up(numbers: list[float]) -> bool:
    up = [numbers[0] + place for place in range(len(numbers))] if numbers else []
    return len(numbers) > 1 and numbers == up
