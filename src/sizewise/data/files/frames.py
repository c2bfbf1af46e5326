"""Files of named columns, read whole: CSV however it is laid out, and Parquet.

Every value of a CSV is read as text; `columns` tells what a column holds.
"""

import itertools
import re
import warnings
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from sizewise.data.files.tables import (
    DECIMAL_COMMA,
    HEAD,
    SEPARATORS,
    Layout,
    check_thousands,
    encoding_of,
)
from sizewise.errors import UserError, first_line

CSV, PARQUET = (".csv", ".tsv", ".txt"), (".parquet", ".pq")
DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
LATIN = "cp1252"  # what a table that is not UTF-8 is mostly written in


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


def read_frame(path: Path) -> Frame:
    """Read a table whose first line names its columns.

    Raises:
        UserError: it is none, or can be read in several ways.
    """
    suffix = path.suffix.lower()
    if suffix not in CSV + PARQUET:
        raise UserError(f"{path} is not a kind of table that is read: expected .csv or .parquet")
    if not path.is_file():
        raise UserError(f"there is no file {path}: expected a .csv or .parquet")
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty (0 bytes): expected a line of names, and rows")
    frame = _parquet(path) if suffix in PARQUET else _csv(path)
    names = [str(each) for each in frame.values.columns]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise UserError(f"{path} has several columns {twice[0]}: expected a name once")
    if not len(frame.values):
        raise UserError(f"{path} has names and no rows: expected a row for each sample")
    return frame._replace(values=frame.values.set_axis(names, axis=1).reset_index(drop=True))


def _parquet(path: Path) -> Frame:
    try:
        values = pd.read_parquet(path)
    except Exception as error:  # pyarrow raises whatever a foreign file provokes
        raise UserError(f"{path} can't be read as Parquet ({first_line(error)})") from error
    named = [name for name in values.index.names if name is not None]
    return Frame(values.reset_index(named) if named else values)


def _csv(path: Path) -> Frame:
    try:
        return _read(path, encoding_of(path), [])
    except UnicodeError:
        pass
    try:
        return _read(path, LATIN, ["not in UTF-8, read as Latin-1 (Windows-1252)"])
    except UnicodeError as error:
        raise UserError(f"{path} is not text in UTF-8: save it so") from error


def _read(path: Path, encoding: str, done: list[str]) -> Frame:
    with path.open(encoding=encoding, newline="") as file:
        lines = enumerate(file)
        head = list(itertools.islice(((at, line) for at, line in lines if line.strip()), HEAD))
    if any("\0" in line for _, line in head):
        raise UserError(f"{path} is not a text file: there are zero bytes in it")
    layout = _layout(path, [line for _, line in head])
    header, *body = (layout.cells(line) for _, line in head)
    names, left_out = list(header), list[str]()
    if len(Counter(map(len, body))) == 1 and len(body[0]) == len(header) + 1:
        if all(not row[-1] for row in body):
            names.append("")
        else:  # as R writes it, the column of row names has no name
            names.insert(0, "")
    if not body:
        raise UserError(f"{path} has names and no rows: expected a row for each sample")
    if all(layout.number(each) is not None for each in header):
        raise UserError(f"{path} begins with numbers: expected the columns' names in line 1")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # of lines that are cut
            values = pd.read_csv(
                path,
                sep=layout.separator,
                encoding=encoding,
                header=None,
                names=range(len(names)),
                skiprows=head[0][0] + 1,
                index_col=False,
                skipinitialspace=True,
                dtype=str,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError) as error:
        raise UserError(
            f"{path} can't be read as a table of {len(names)} columns ({first_line(error)})"
        ) from error
    for at in [at for at, name in enumerate(names) if not name]:
        if values[at].isna().all():
            left_out.append("a column without a name or values left out")
        elif values[at].nunique() == len(values):  # an index, as pandas and R write it
            left_out.append("the column without a name, an index, left out")
        else:
            raise UserError(f"{path}: column {at + 1} has no name: give it one in line 1")
    kept = [at for at, name in enumerate(names) if name]
    if layout.separator != ",":
        done = [*done, f"separated by {SEPARATORS[layout.separator]}"]
    if layout.decimal == ",":
        done = [*done, "with decimal commas"]
    values = values[kept].set_axis([names[at] for at in kept], axis=1)
    return Frame(values, layout.decimal, (*done, *left_out))


def _layout(path: Path, lines: list[str]) -> Layout:
    """Return how the lines are read: by the separator that cuts most as it cuts the header."""

    def fit(separator: str) -> tuple[bool, float, int]:
        header, *body = (len(Layout(separator).cells(line)) for line in lines)
        fitting = sum(width in (header, header + 1) for width in body)
        return header > 1, fitting / max(1, len(body)), header

    if not lines:
        raise UserError(f"{path} has no lines with anything in them: expected names, and rows")
    separator = max((each for each in SEPARATORS if each != " "), key=fit)
    if not fit(separator)[0]:
        raise UserError(
            f"{path} has one column: expected several, between commas, semicolons, tabs or bars"
        )
    layout = Layout(separator)
    rows = [layout.cells(line) for line in lines[1:]]
    cells = [cell for row in rows for cell in row]
    if any(map(DECIMAL_COMMA.fullmatch, cells)) and not any(map(DECIMAL_POINT.fullmatch, cells)):
        layout = layout._replace(decimal=",")
        try:
            check_thousands(rows, layout)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
    return layout
