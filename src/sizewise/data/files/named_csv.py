"""CSV files whose first line names the columns, however they are laid out."""

import csv
import itertools
import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from sizewise.data.files.tables import (
    DECIMAL_COMMA,
    HEAD,
    SEPARATORS,
    Layout,
    check_thousands,
)
from sizewise.errors import UserError, first_line

DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
LATIN = "cp1252"  # what a table that is not UTF-8 is mostly written in


class Csv(NamedTuple):
    """How a CSV is read.

    Args:
        path, name: of the file, and what errors call it.
        encoding, layout: of its lines.
        names: of its columns; empty where one has none.
        start: the number of the first line after the names, from 0.
        short: whether the line of names is one short, as where R has written it.
    """

    path: Path
    name: str
    encoding: str
    layout: Layout
    names: list[str]
    start: int
    short: bool

    @property
    def named(self) -> list[int]:
        """The places of the columns that have names."""
        return [at for at, each in enumerate(self.names) if each]

    @property
    def without_names(self) -> list[int]:
        """The places of the others."""
        return [at for at, each in enumerate(self.names) if not each]

    def done(self, left_out: Sequence[str]) -> tuple[str, ...]:
        """Return how it is read, in words, and what is left out."""
        words = [
            (self.encoding == LATIN, "not in UTF-8, read as Latin-1 (Windows-1252)"),
            (self.layout.separator != ",", f"separated by {SEPARATORS[self.layout.separator]}"),
            (self.layout.decimal == ",", "with decimal commas"),
        ]
        return (*(text for true, text in words if true), *left_out)

    def chosen(self, values: pd.DataFrame) -> pd.DataFrame:
        """Return the columns that have names, by these."""
        return values[self.named].set_axis([self.names[at] for at in self.named], axis=1)

    def read(self, size: int | None = None) -> Iterator[pd.DataFrame]:
        """Yield so many rows at a time, or all at once: a column of texts for each place."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)  # of lines that are cut
                found = pd.read_csv(
                    self.path,
                    sep=self.layout.separator,
                    encoding=self.encoding,
                    header=None,
                    names=range(len(self.names)),
                    skiprows=self.start,
                    index_col=False,
                    skipinitialspace=True,
                    dtype=str,
                    chunksize=size,
                )
            yield from [found] if size is None else found
        except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError) as error:
            columns = f"{len(self.names)} columns"
            raise UserError(
                f"{self.name} can't be read as a table of {columns} ({first_line(error)})"
            ) from error

    def count_rows(self, places: Sequence[int] = ()) -> tuple[int, dict[int, list[str]]]:
        """Return how many rows there are, and what stands in the columns at some places.

        Raises:
            UserError: one ends early, which pandas takes for one whose last values are missing, or
                has more values than there are names.
        """
        count, width = 0, self.named[-1] + 1
        cells: dict[int, list[str]] = {at: [] for at in places}
        with self.path.open(encoding=self.encoding, newline="") as file:
            lines = csv.reader(file, delimiter=self.layout.separator, skipinitialspace=True)
            try:
                for count, row in enumerate(
                    row for row in lines if "".join(row).strip() or row[1:]
                ):
                    if count and not width <= len(row) <= len(self.names):
                        raise UserError(
                            f"{self.name} has {len(row)} values in row {count}: expected {width}, "
                            "as the line of names has"
                        )
                    for at, found in cells.items():
                        if count and at < len(row) and row[at].strip():
                            found.append(row[at].strip())
            except csv.Error as error:
                raise UserError(f"{self.name} is not a CSV ({error})") from error
        return count, cells

    def left_out(self, at: int, cells: Collection[str], rows: int) -> str:
        """Return what to say of a column without a name, by what stands in it.

        Raises:
            UserError: it is neither empty nor an index, as pandas and R write it.
        """
        if not len(cells):
            return "a column without a name or values left out"
        fractions = self.short and any(map(DECIMAL_POINT.fullmatch, cells))
        if fractions or not len(set(cells)) == len(cells) == rows:
            raise UserError(f"column {at + 1} of {self.name} has no name: give it one in line 1")
        return "the column without a name, an index, left out"


def open_csv(path: Path, name: str, least: int, encoding: str) -> Csv:
    """Return how a file is to be read.

    Raises:
        UserError: it is no such table.
    """
    with path.open(encoding=encoding, newline="") as file:
        lines = enumerate(file)
        head = list(itertools.islice(((at, line) for at, line in lines if line.strip()), HEAD))
    if any("\0" in line for _, line in head):
        raise UserError(f"{name} is not a text file: there are zero bytes in it")
    if head and head[0][1].count('"') % 2:
        raise UserError(f"{name} has a name with a line break in it: expected names in line 1")
    layout = _layout(name, [line for _, line in head], least)
    names, *body = (layout.cells(line) for _, line in head)
    if not body:
        raise UserError(f"{name} has names and no rows: expected a row for each sample")
    if not any(names):
        raise UserError(f"{name} begins with empty cells: expected the columns' names in line 1")
    if all(layout.number(each) is not None for each in names):
        raise UserError(f"{name} begins with numbers: expected the columns' names in line 1")
    short = len(Counter(map(len, body))) == 1 and len(body[0]) == len(names) + 1
    if short:
        if all(not row[-1] for row in body):
            names.append("")
        else:  # as R writes it, the column of row names has no name
            names.insert(0, "")
    return Csv(path, name, encoding, layout, names, head[0][0] + 1, short)


def _layout(name: str, lines: list[str], least: int) -> Layout:
    """Return how the lines are read: by the separator that cuts most as it cuts the header."""

    def fit(separator: str) -> tuple[bool, float, int]:
        header, *body = (len(Layout(separator).cells(line)) for line in lines)
        fitting = sum(width in (header, header + 1) for width in body)
        return header > 1, fitting / max(1, len(body)), header

    if not lines:
        raise UserError(f"{name} has no lines with anything in them: expected names, and rows")
    separator = max((each for each in SEPARATORS if each != " "), key=fit)
    if not fit(separator)[0] and least > 1:
        raise UserError(
            f"{name} has one column: expected several, between commas, semicolons, tabs or bars"
        )
    layout = Layout(separator)
    rows = [layout.cells(line) for line in lines[1:]]
    cells = [cell for row in rows for cell in row]
    if any(map(DECIMAL_COMMA.fullmatch, cells)) and not any(map(DECIMAL_POINT.fullmatch, cells)):
        layout = layout._replace(decimal=",")
        try:
            check_thousands(rows, layout)
        except UserError as error:
            raise UserError(f"{name}: {error}") from error
    return layout
