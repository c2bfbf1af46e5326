"""Files of named columns, read whole: CSV however it is laid out, and Parquet.

Every value of a CSV is read as text; `columns` tells what a column holds.
"""

import csv
import itertools
import re
import warnings
from collections import Counter
from pathlib import Path
from typing import NamedTuple

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


def read_frame(path: Path, *, least: int = 2, called: str | None = None) -> Frame:
    """Read a table whose first line names its columns.

    Args:
        path: of the file.
        least: how many columns it has at least.
        called: what errors call it, if not by its path.

    Raises:
        UserError: it is none, or can be read in several ways.
    """
    suffix, name = path.suffix.lower(), called or str(path)
    if path.is_dir():
        raise UserError(f"{path} is a folder: expected a .csv or .parquet file")
    if suffix not in NAMED:
        raise UserError(f"{path} is not a kind of table that is read: expected .csv or .parquet")
    if not path.is_file():
        raise UserError(f"there is no file {path}: expected a .csv or .parquet")
    if path.stat().st_size == 0:
        raise UserError(f"{name} is empty (0 bytes): expected a line of names, and rows")
    frame = _parquet(path, name) if suffix in PARQUET else _csv(path, name, least)
    names = [str(each) for each in frame.values.columns]
    if twice := [each for each, count in Counter(names).items() if count > 1]:
        raise UserError(f"{name} has several columns {twice[0]}: expected a name once")
    if not len(frame.values):
        raise UserError(f"{name} has names and no rows: expected a row for each sample")
    return frame._replace(values=frame.values.set_axis(names, axis=1).reset_index(drop=True))


def _parquet(path: Path, name: str) -> Frame:
    try:
        values = pd.read_parquet(path)
    except Exception as error:  # pyarrow raises whatever a foreign file provokes
        raise UserError(f"{name} can't be read as Parquet ({first_line(error)})") from error
    named = [each for each in values.index.names if each is not None]
    return Frame(values.reset_index(named) if named else values)


def _csv(path: Path, name: str, least: int) -> Frame:
    try:
        return _read(path, name, least, encoding_of(path), [])
    except UnicodeError:
        pass
    try:
        return _read(path, name, least, LATIN, ["not in UTF-8, read as Latin-1 (Windows-1252)"])
    except UnicodeError as error:
        raise UserError(f"{name} is not text in UTF-8: save it so") from error


def _read(path: Path, name: str, least: int, encoding: str, done: list[str]) -> Frame:
    with path.open(encoding=encoding, newline="") as file:
        lines = enumerate(file)
        head = list(itertools.islice(((at, line) for at, line in lines if line.strip()), HEAD))
    if any("\0" in line for _, line in head):
        raise UserError(f"{name} is not a text file: there are zero bytes in it")
    layout = _layout(name, [line for _, line in head], least)
    header, *body = (layout.cells(line) for _, line in head)
    names, left_out = list(header), list[str]()
    if len(Counter(map(len, body))) == 1 and len(body[0]) == len(header) + 1:
        if all(not row[-1] for row in body):
            names.append("")
        else:  # as R writes it, the column of row names has no name
            names.insert(0, "")
    if not body:
        raise UserError(f"{name} has names and no rows: expected a row for each sample")
    if all(layout.number(each) is not None for each in header):
        raise UserError(f"{name} begins with numbers: expected the columns' names in line 1")
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
            f"{name} can't be read as a table of {len(names)} columns ({first_line(error)})"
        ) from error
    last = max(at for at, each in enumerate(names) if each)
    if values[last].isna().any():
        _check_widths(path, name, encoding, layout, last + 1)
    for at in [at for at, each in enumerate(names) if not each]:
        if values[at].isna().all():
            left_out.append("a column without a name or values left out")
        elif values[at].nunique() == len(values):  # an index, as pandas and R write it
            left_out.append("the column without a name, an index, left out")
        else:
            raise UserError(f"{name}: column {at + 1} has no name: give it one in line 1")
    kept = [at for at, each in enumerate(names) if each]
    if layout.separator != ",":
        done = [*done, f"separated by {SEPARATORS[layout.separator]}"]
    if layout.decimal == ",":
        done = [*done, "with decimal commas"]
    values = values[kept].set_axis([names[at] for at in kept], axis=1)
    return Frame(values, layout.decimal, (*done, *left_out))


def _check_widths(path: Path, name: str, encoding: str, layout: Layout, width: int) -> None:
    """Refuse a line that ends early, which pandas takes for one whose last values are missing."""
    with path.open(encoding=encoding, newline="") as file:
        lines = csv.reader(file, delimiter=layout.separator, skipinitialspace=True)
        try:
            for number, row in enumerate(row for row in lines if "".join(row).strip() or row[1:]):
                if number and len(row) < width:
                    raise UserError(
                        f"{name}: row {number} has {len(row)} values: expected {width}, as the "
                        "line of names has"
                    )
        except csv.Error as error:
            raise UserError(f"{name} is not a CSV ({error})") from error


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
