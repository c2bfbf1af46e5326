"""Files of named columns, read whole or a piece at a time: CSV however laid out, and Parquet.

Every value of a CSV is read as text; `columns` tells what a column holds.
"""

import csv
import itertools
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import pandas as pd

from sizewise.config.own import CSV, PARQUET
from sizewise.data.files.tables import (
    DECIMAL_COMMA,
    HEAD,
    SEPARATORS,
    Layout,
    check_thousands,
    encoding_of,
)
from sizewise.errors import UserError, first_line

NAMED = CSV + PARQUET
DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
LATIN = "cp1252"  # what a table that is not UTF-8 is mostly written in
PAGE = 1 << 20  # bytes of a Parquet file that are read at once
UNNAMED = "__index_level_"  # Parquet's columns of an index that pandas had no name for
Found = TypeVar("Found")


class Frame(NamedTuple):
    """A table as it is found.

    Args:
        values: a column for each name, texts where it is from a CSV.
        decimal: what stands before the fraction in texts, a point or a comma.
        done: how the file was read, in words, where that is not the plainest way.
    """

    values: pd.DataFrame
    decimal: str = "."
    done: tuple[str, ...] = ()


class Pieces(NamedTuple):
    """A table whose rows are read as they are asked for.

    Args:
        names: of its columns.
        rows: how many there are.
        frames: some of the rows each, in their order, as a `Frame`'s values, numbered from 0.
        decimal, done: a `Frame`'s.
    """

    names: Sequence[str]
    rows: int
    frames: Iterator[pd.DataFrame]
    decimal: str = "."
    done: tuple[str, ...] = ()


def read_frame(path: Path, *, least: int = 2, called: str | None = None) -> Frame:
    """Read a table whose first line names its columns.

    Args:
        path: of the file.
        least: how many columns it has at least.
        called: what errors call it, if not by its path.

    Raises:
        UserError: it is none, or can be read in several ways.
    """
    name = called or str(path)
    if _is_parquet(path, name):
        frame = _parquet(path, name)
    else:
        frame = _decoded(path, name, lambda encoding: _whole(_csv(path, name, least, encoding)))
    names = [str(each) for each in frame.values.columns]
    _check(name, names, len(frame.values))
    return frame._replace(values=frame.values.set_axis(names, axis=1).reset_index(drop=True))


def read_pieces(path: Path, size: int, *, called: str | None = None) -> Pieces:
    """Read a table, of one column or more, in the memory of `size` rows.

    Its lines are looked through first. A column without a name is left out.

    Args:
        path: of the file.
        size: rows in a piece.
        called: what errors call it, if not by its path.

    Raises:
        UserError: as `read_frame` does.
    """
    name = called or str(path)
    if _is_parquet(path, name):
        pieces = _parquet_pieces(path, name, size)
    else:
        pieces = _decoded(path, name, lambda encoding: _cut(_csv(path, name, 1, encoding), size))
    _check(name, pieces.names, pieces.rows)
    return pieces


def _is_parquet(path: Path, name: str) -> bool:
    """Return whether a table is Parquet, and not CSV."""
    suffix = path.suffix.lower()
    if path.is_dir():
        raise UserError(f"{path} is a folder: expected a .csv or .parquet file")
    if suffix not in NAMED:
        raise UserError(f"{path} is not a kind of table that is read: expected .csv or .parquet")
    if not path.is_file():
        raise UserError(f"there is no file {path}: expected a .csv or .parquet")
    if path.stat().st_size == 0:
        raise UserError(f"{name} is empty (0 bytes): expected a line of names, and rows")
    return suffix in PARQUET


def _check(name: str, names: Sequence[str], rows: int) -> None:
    if twice := [each for each, count in Counter(names).items() if count > 1]:
        raise UserError(f"{name} has several columns {twice[0]}: expected a name once")
    if not rows:
        raise UserError(f"{name} has names and no rows: expected a row for each sample")


@contextmanager
def _parquet_errors(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # pyarrow raises whatever a foreign file provokes
        raise UserError(f"{name} can't be read as Parquet ({first_line(error)})") from error


def _parquet(path: Path, name: str) -> Frame:
    with _parquet_errors(name):
        values = pd.read_parquet(path)
    named = [each for each in values.index.names if each is not None]
    return Frame(values.reset_index(named) if named else values)


def _parquet_pieces(path: Path, name: str, size: int) -> Pieces:
    from pyarrow.parquet import ParquetFile  # takes a tenth of a second

    with _parquet_errors(name):
        file = ParquetFile(path, pre_buffer=False, buffer_size=PAGE)  # else it reads all ahead
        named = [each for each in file.schema_arrow.names if not each.startswith(UNNAMED)]
        batches = file.iter_batches(size, columns=named)

    def frames() -> Iterator[pd.DataFrame]:
        start = 0
        with _parquet_errors(name):
            for batch in batches:
                yield batch.to_pandas(ignore_metadata=True).set_axis(
                    pd.RangeIndex(start, start := start + len(batch))
                )

    return Pieces(named, file.metadata.num_rows, frames())


class _Csv(NamedTuple):
    """How a CSV is read.

    Args:
        path, name: of the file, and what errors call it.
        encoding, layout: of its lines.
        names: of its columns; empty where one has none.
        start: the number of the first line after the names, from 0.
    """

    path: Path
    name: str
    encoding: str
    layout: Layout
    names: list[str]
    start: int

    @property
    def named(self) -> list[int]:
        """The places of the columns that have names."""
        return [at for at, each in enumerate(self.names) if each]

    def done(self, left_out: Sequence[str]) -> tuple[str, ...]:
        words = [
            (self.encoding == LATIN, "not in UTF-8, read as Latin-1 (Windows-1252)"),
            (self.layout.separator != ",", f"separated by {SEPARATORS[self.layout.separator]}"),
            (self.layout.decimal == ",", "with decimal commas"),
        ]
        return (*(text for true, text in words if true), *left_out)

    def chosen(self, values: pd.DataFrame) -> pd.DataFrame:
        """Return the columns that have names, by these."""
        return values[self.named].set_axis([self.names[at] for at in self.named], axis=1)


def _decoded(path: Path, name: str, read: Callable[[str], Found]) -> Found:
    """Return what `read` returns for the encoding that a file is in."""
    try:
        return read(encoding_of(path))
    except UnicodeError:
        pass
    try:
        return read(LATIN)
    except UnicodeError as error:
        raise UserError(f"{name} is not text in UTF-8: save it so") from error


def _csv(path: Path, name: str, least: int, encoding: str) -> _Csv:
    with path.open(encoding=encoding, newline="") as file:
        lines = enumerate(file)
        head = list(itertools.islice(((at, line) for at, line in lines if line.strip()), HEAD))
    if any("\0" in line for _, line in head):
        raise UserError(f"{name} is not a text file: there are zero bytes in it")
    layout = _layout(name, [line for _, line in head], least)
    names, *body = (layout.cells(line) for _, line in head)
    if not body:
        raise UserError(f"{name} has names and no rows: expected a row for each sample")
    if not any(names):
        raise UserError(f"{name} begins with empty cells: expected the columns' names in line 1")
    if all(layout.number(each) is not None for each in names):
        raise UserError(f"{name} begins with numbers: expected the columns' names in line 1")
    if len(Counter(map(len, body))) == 1 and len(body[0]) == len(names) + 1:
        if all(not row[-1] for row in body):
            names.append("")
        else:  # as R writes it, the column of row names has no name
            names.insert(0, "")
    return _Csv(path, name, encoding, layout, names, head[0][0] + 1)


def _whole(table: _Csv) -> Frame:
    (values,) = _read(table, None)
    if values[table.named[-1]].isna().any():
        _count_rows(table)
    left_out = []
    for at in sorted({*range(len(table.names))} - {*table.named}):
        if values[at].isna().all():
            left_out.append("a column without a name or values left out")
        elif values[at].nunique() == len(values):  # an index, as pandas and R write it
            left_out.append("the column without a name, an index, left out")
        else:
            raise UserError(f"{table.name}: column {at + 1} has no name: give it one in line 1")
    return Frame(table.chosen(values), table.layout.decimal, table.done(left_out))


def _cut(table: _Csv, size: int) -> Pieces:
    left_out = ["a column without a name left out"] * (len(table.names) - len(table.named))
    return Pieces(
        names=[table.names[at] for at in table.named],
        rows=_count_rows(table),
        frames=map(table.chosen, _read(table, size)),
        decimal=table.layout.decimal,
        done=table.done(left_out),
    )


def _read(table: _Csv, size: int | None) -> Iterator[pd.DataFrame]:
    """Yield so many rows at a time, or all at once: a column of texts for each place."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # of lines that are cut
            found = pd.read_csv(
                table.path,
                sep=table.layout.separator,
                encoding=table.encoding,
                header=None,
                names=range(len(table.names)),
                skiprows=table.start,
                index_col=False,
                skipinitialspace=True,
                dtype=str,
                chunksize=size,
            )
        yield from [found] if size is None else found
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError) as error:
        columns = f"{len(table.names)} columns"
        raise UserError(
            f"{table.name} can't be read as a table of {columns} ({first_line(error)})"
        ) from error


def _count_rows(table: _Csv) -> int:
    """Return how many rows there are.

    Raises:
        UserError: one ends early, which pandas takes for one whose last values are missing, or has
            more values than there are names.
    """
    count, width = 0, table.named[-1] + 1
    with table.path.open(encoding=table.encoding, newline="") as file:
        lines = csv.reader(file, delimiter=table.layout.separator, skipinitialspace=True)
        try:
            for count, row in enumerate(row for row in lines if "".join(row).strip() or row[1:]):
                if count and not width <= len(row) <= len(table.names):
                    raise UserError(
                        f"{table.name}: row {count} has {len(row)} values: expected {width}, as "
                        "the line of names has"
                    )
        except csv.Error as error:
            raise UserError(f"{table.name} is not a CSV ({error})") from error
    return count


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
