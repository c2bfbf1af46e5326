"""CSV files of samples, one flattened sample a line, read line by line."""

import csv
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from sizewise.data.spec import DataSpec
from sizewise.errors import UserError

MOST_CHARACTERS = 64  # of one value: a line is not read on beyond that many for each


def read_rows(path: Path, spec: DataSpec) -> Iterator[tuple[int, np.ndarray | UserError]]:
    """Yield the number of each line, from 1, with its sample (C, *S) or what is wrong with it.

    A first line without any number in it is a header. Empty lines are skipped.

    Raises:
        UserError: the file as a whole is no such CSV.
    """
    expected = spec.num_features
    with path.open(encoding="utf-8-sig", newline="") as file:
        count = 0
        try:
            for number, line in _lines(file, expected):
                cells = next(csv.reader([line]), [])
                if not any(cell.strip() for cell in cells):
                    continue
                if number == 1 and not any(map(_is_number, cells)):
                    if len(cells) != expected:
                        raise UserError(
                            f"its header names {len(cells)} columns; expected {_expected(spec)}"
                        )
                    continue
                count += 1
                try:
                    yield number, _parse(cells, spec)
                except UserError as error:
                    yield number, error
        except UnicodeDecodeError as error:
            raise UserError("not a text file in UTF-8; expected numbers and commas") from error
        except csv.Error as error:
            raise UserError(f"not a CSV ({error})") from error
        if not count:
            raise UserError(f"no samples in it; expected lines of {_expected(spec)}")


def count_lines(path: Path) -> int:
    """Return about how many samples a CSV holds."""
    with path.open("rb") as file:
        pieces = iter(lambda: file.read(1 << 20), b"")
        return sum(piece.count(b"\n") for piece in pieces)


def _lines(file: TextIO, expected: int) -> Iterator[tuple[int, str]]:
    most = (expected + 1) * MOST_CHARACTERS
    for number in itertools.count(1):
        line = file.readline(most)
        if not line:
            return
        if len(line) == most and not line.endswith("\n"):
            raise UserError(f"line {number} is longer than {most} characters; expected numbers")
        yield number, line


def _parse(cells: list[str], spec: DataSpec) -> np.ndarray:
    if len(cells) != spec.num_features:
        noun = "value" if len(cells) == 1 else "values"
        raise UserError(f"{len(cells)} {noun}; expected {_expected(spec)}")
    for column, cell in enumerate(cells, start=1):
        if not _is_number(cell):
            raise UserError(f"{_shown(cell)} in column {column} is not a number")
        if not math.isfinite(float(cell)):
            raise UserError(f"{_shown(cell)} in column {column}; expected finite numbers")
    with np.errstate(over="ignore"):
        values = np.array(list(map(float, cells))).astype(np.float32)
    if not np.isfinite(values).all():
        raise UserError("a number beyond 3.4e38, the largest of float32")
    return values.reshape(spec.input_shape)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= 20 else f"{cell[:19]}…")


def _expected(spec: DataSpec) -> str:
    return f"{spec.num_features} ({'x'.join(map(str, spec.input_shape))}, flattened)"
