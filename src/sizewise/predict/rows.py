"""Text files of samples, one flattened sample a line, read line by line."""

import codecs
import csv
import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from sizewise.data.spec import DataSpec
from sizewise.errors import UserError
from sizewise.predict.layout import Layout, decide, expected

MOST_CHARACTERS = 64  # of one value: a line is not read on beyond that many for each
HEAD = 20  # lines that tell the layout; labels 0 to 9 in turn count up for ten
MARKS = {  # a mark of 32 bits begins like one of 16
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
COMMENT = "#"


def read_rows(
    path: Path, spec: DataSpec, tell: Callable[[str], None]
) -> Iterator[tuple[int, np.ndarray | UserError]]:
    """Yield the number of each line, from 1, with its sample (C, *S) or what is wrong with it.

    Empty lines and those that begin with # are skipped.

    Args:
        path: of the file.
        spec: of the samples.
        tell: takes how the file is read, in words, unless it is the plainest way.

    Raises:
        UserError: the file as a whole is no such table.
    """
    with path.open(encoding=_encoding(path), newline="") as file:
        try:
            lines = _lines(file, spec.num_features)
            head = list(itertools.islice(lines, HEAD))
            layout = decide([line for _, line in head], spec) if head else Layout()
            first = next(body := itertools.chain(head[layout.header :], lines), None)
            if first is None:
                raise UserError(f"no samples in it; expected lines of {expected(spec)}")
            if layout.said():
                tell(layout.said())
            for number, line in itertools.chain([first], body):
                try:
                    yield number, _parse(line, layout, spec)
                except UserError as error:
                    yield number, error
        except UnicodeError as error:
            raise UserError("not a text file in UTF-8; expected numbers and commas") from error
        except csv.Error as error:
            raise UserError(f"not a CSV ({error})") from error


def count_lines(path: Path) -> int:
    """Return about how many samples a file holds."""
    with path.open("rb") as file:
        pieces = iter(lambda: file.read(1 << 20), b"")
        return sum(piece.count(b"\n") for piece in pieces)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    return next((name for mark, name in MARKS.items() if start.startswith(mark)), "utf-8")


def _lines(file: TextIO, wanted: int) -> Iterator[tuple[int, str]]:
    most = (wanted + 2) * MOST_CHARACTERS
    for number in itertools.count(1):
        line = file.readline(most)
        if not line:
            return
        if len(line) == most and not line.endswith("\n"):
            raise UserError(f"line {number} is longer than {most} characters; expected numbers")
        if "\0" in line:
            raise UserError("not a text file in UTF-8: there are zero bytes in it")
        if line.strip() and not line.lstrip().startswith(COMMENT):
            yield number, line


def _parse(line: str, layout: Layout, spec: DataSpec) -> np.ndarray:
    cells = layout.cells(line)
    if len(cells) != spec.num_features + layout.indexed:
        noun = "value" if len(cells) == 1 else "values"
        beside = " and an index" if layout.indexed else ""
        raise UserError(f"{len(cells)} {noun}; expected {expected(spec)}{beside}")
    try:
        numbers = list(map(layout.number, cells[layout.indexed :]))
    except ValueError as error:
        column = next(
            at for at in range(layout.indexed, len(cells)) if not layout.is_number(cells[at])
        )
        raise UserError(
            f"{_shown(cells[column])} in column {column + 1} is not a number"
        ) from error
    if not all(map(math.isfinite, numbers)):
        column = layout.indexed + next(
            at for at, each in enumerate(numbers) if not math.isfinite(each)
        )
        raise UserError(f"{_shown(cells[column])} in column {column + 1}; expected finite numbers")
    with np.errstate(over="ignore"):
        values = np.array(numbers).astype(np.float32)
    if not np.isfinite(values).all():
        raise UserError("a number beyond 3.4e38, the largest of float32")
    return values.reshape(spec.input_shape)


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= 20 else f"{cell[:19]}…")
