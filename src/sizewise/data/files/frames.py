"""Files of named columns, read whole or a piece at a time: CSV however laid out, and Parquet.

Every value of a CSV is read as text; `columns` tells what a column holds.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import pandas as pd

from sizewise.config.own import CSV, PARQUET
from sizewise.data.files.named_csv import LATIN, Csv, open_csv
from sizewise.data.files.tables import encoding_of
from sizewise.errors import UserError, first_line

NAMED = CSV + PARQUET
PAGE = 1 << 20  # bytes of a Parquet file that are read at once
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
        frame = _decoded(path, name, lambda encoding: _whole(open_csv(path, name, least, encoding)))
    _check(name, list(frame.values), len(frame.values))
    return frame._replace(values=frame.values.reset_index(drop=True))


def read_pieces(path: Path, size: int, *, called: str | None = None) -> Pieces:
    """Read a table, of one column or more, in the memory of `size` rows.

    Its lines are looked through first. A column without a name is left out; of one that is not
    empty, as an index, all texts are held meanwhile.

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
        pieces = _decoded(
            path, name, lambda encoding: _cut(open_csv(path, name, 1, encoding), size)
        )
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
        return Frame(_columns(pd.read_parquet(path)))


def _columns(values: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose index is among its columns, where it has a name."""
    named = [each for each in values.index.names if each is not None]
    values = values.reset_index(named) if named else values
    return values.set_axis([str(each) for each in values.columns], axis=1)


def _parquet_pieces(path: Path, name: str, size: int) -> Pieces:
    from pyarrow import Table
    from pyarrow.parquet import ParquetFile  # takes a tenth of a second

    with _parquet_errors(name):
        file = ParquetFile(path, pre_buffer=False, buffer_size=PAGE)  # else it reads all ahead
        index = (file.schema_arrow.pandas_metadata or {}).get("index_columns", [])
        if any(isinstance(each, dict) and each["name"] for each in index):
            # Such an index stands for all rows at once, and in no column.
            whole = _columns(pd.read_parquet(path))
            return Pieces(list(whole), len(whole), iter([whole]))
        names = list(_columns(file.schema_arrow.empty_table().to_pandas()))

    def frames() -> Iterator[pd.DataFrame]:
        start = 0
        with _parquet_errors(name):
            for batch in file.iter_batches(size):
                values = _columns(Table.from_batches([batch]).to_pandas())
                yield values.set_axis(pd.RangeIndex(start, start := start + len(values)))

    return Pieces(names, file.metadata.num_rows, frames())


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


def _whole(table: Csv) -> Frame:
    (values,) = table.read()
    if values[table.named[-1]].isna().any():
        table.count_rows()
    left_out = [table.left_out(at, values[at].dropna(), len(values)) for at in table.without_names]
    return Frame(table.chosen(values), table.layout.decimal, table.done(left_out))


def _cut(table: Csv, size: int) -> Pieces:
    rows, cells = table.count_rows(table.without_names)
    left_out = [table.left_out(at, found, rows) for at, found in cells.items()]
    return Pieces(
        names=[table.names[at] for at in table.named],
        rows=rows,
        frames=map(table.chosen, table.read(size)),
        decimal=table.layout.decimal,
        done=table.done(left_out),
    )
