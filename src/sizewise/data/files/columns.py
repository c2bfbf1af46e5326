"""What a table's columns hold, and how they become numbers.

Shapes: N rows, F numbers made of a row.
"""

import os
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sizewise.data.files.tables import DECIMAL_COMMA, POINT_THOUSANDS, THOUSANDS
from sizewise.data.spec import Column
from sizewise.errors import UserError, nearest, printable

MOSTLY = 0.9  # so large a share of a column tells what it holds, and what the rest fails to be
FEW_ROWS = 20  # below it, all texts may well differ
COARSEST = 0.01  # steps of float32, as a share of a column's deviation
MOST_MEMORY = 0.25  # of this machine's, for the numbers of a table
LARGEST_WHOLE = 2**53  # beyond, float64 lacks some whole numbers
BOOLEANS = {"true": "1", "false": "0"}
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{1,2}:\d{2}.*)?")
DATE = re.compile(ISO_DATE.pattern + r"|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}([ T]\d{1,2}:\d{2}.*)?")


class Values(NamedTuple):
    """A column's values, (N,) each.

    Args:
        name: the column's.
        missing: whether there is none.
        numbers: float64, NaN where one is missing or no number; None where values are texts.
        texts: None where one is missing; all None where the file holds numbers.
    """

    name: str
    missing: NDArray[np.bool_]
    numbers: NDArray[np.float64] | None
    texts: NDArray[np.object_] | None


def find(frame: pd.DataFrame, name: str, key: str) -> pd.Series:
    """Return the column of this name, which a config key asks for.

    Raises:
        UserError: there is none.
    """
    if name not in frame:
        raise UserError(f"{key}={name} is no column: {nearest(name, map(str, frame.columns))}")
    return frame[name]


def texts_of(column: pd.Series) -> NDArray[np.object_]:
    """Return values as texts without spaces around them, None where there is nothing."""
    if column.map(lambda value: isinstance(value, list | dict | np.ndarray)).any():
        raise UserError(
            f"column {column.name} holds lists: expected a number or a text in each row; "
            f"data.drop=[{column.name}] leaves it out"
        )
    stripped = [None if pd.isna(each) else _text(each).strip() or None for each in column]
    return np.array(stripped, dtype=object)


def _text(value: object) -> str:
    """Return a value's text; 1.0 is 1, as whole numbers are read where one of them is missing."""
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_WHOLE:
        return str(int(value))
    return str(value)


def as_texts(column: pd.Series) -> Values:
    """Return values as texts."""
    texts = texts_of(column)
    return Values(str(column.name), np.array(pd.isna(texts)), None, texts)


def as_numbers(column: pd.Series, decimal: str) -> Values:
    """Return values as numbers; booleans are 1 and 0.

    Args:
        column: the column.
        decimal: what stands before the fraction in texts. It is known from a file's first lines,
            and in a column of decimal commas, none of which can be one of thousands alone, it is
            a comma whatever it was there.
    """
    name = str(column.name)
    if pd.api.types.is_numeric_dtype(column.dtype):  # booleans as well
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return Values(name, np.isnan(numbers), numbers, None)
    texts = texts_of(column)
    plain = [text and BOOLEANS.get(text.lower(), text) for text in texts]
    if decimal == "," or _has_decimal_commas(texts):
        plain = [text and text.replace(".", "?").replace(",", ".") for text in plain]
    numbers = pd.to_numeric(pd.Series(plain, dtype=object), errors="coerce").to_numpy(np.float64)
    return Values(name, np.array(pd.isna(texts)), numbers, texts)


def _has_decimal_commas(texts: Iterable[str | None]) -> bool:
    commas = [each for each in texts if each and "," in each]
    numbers = sum(DECIMAL_COMMA.fullmatch(each) is not None for each in commas)
    thousands = sum(THOUSANDS.fullmatch(each) is not None for each in commas)
    return numbers > thousands and numbers == len(commas)


def check_points(columns: Iterable[pd.Series]) -> None:
    """Check that points are decimal: beside a column of decimal commas they may be of thousands.

    Raises:
        UserError: they may.
    """
    is_text = pd.api.types.is_string_dtype
    texts = {str(each.name): texts_of(each) for each in columns if is_text(each)}
    if not any(map(_has_decimal_commas, texts.values())):
        return
    for name, values in texts.items():
        points = [each for each in values if each and "." in each]
        if points and all(map(POINT_THOUSANDS.fullmatch, points)):
            plain = points[0].replace(".", "")
            raise UserError(
                f"column {name} has {points[0]!r}, which is {plain} or {points[0]}, beside decimal "
                "commas in another: write numbers with points and without separators of thousands"
            )


def values_of(column: pd.Series, decimal: str = ".", way_out: str | None = None) -> Values:
    """Return what a column holds: numbers, if nearly all values are, else texts.

    Args:
        column: the column.
        decimal: what stands before the fraction in texts.
        way_out: what errors name; by default how to leave the column out.

    Raises:
        UserError: it holds dates, or numbers beside some texts, infinities or what float32 can't
            hold.
    """
    name = str(column.name)
    leave_out = way_out or f"data.drop=[{name}] leaves it out"
    if is_date(column):
        raise UserError(
            f"column {name} holds dates: make numbers of them, as days since a day; or {leave_out}"
        )
    values = as_numbers(column, decimal)
    numbers, there = values.numbers, ~values.missing
    assert numbers is not None
    bad = there & np.isnan(numbers)
    if bad.any():
        assert values.texts is not None
        spoilt = values.texts[bad]
        grouped = sum(THOUSANDS.fullmatch(each) is not None for each in spoilt)
        if bad.sum() > (1 - MOSTLY) * there.sum() and grouped < MOSTLY * len(spoilt):
            return values._replace(numbers=None)
        shown = printable(str(spoilt[0]))[:20]
        raise UserError(
            f"column {name} holds numbers, but for {bad.sum():,} of {there.sum():,} values, as "
            f"'{shown}' in row {int(np.argmax(bad)) + 1}: put them right or leave them empty; "
            f"{leave_out}"
        )
    with np.errstate(over="ignore"):
        infinite = int(np.isinf(numbers.astype(np.float32)).sum())
    if infinite:
        raise UserError(
            f"column {name} holds {infinite:,} infinities, or numbers beyond float32: put them "
            f"right or leave them empty; {leave_out}"
        )
    return values


def is_date(column: pd.Series, form: re.Pattern[str] = DATE) -> bool:
    """Return whether a column holds dates, as dates or as texts."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return True
    if pd.api.types.is_numeric_dtype(column.dtype):
        return False
    texts = [each for each in texts_of(column) if each]
    return sum(form.fullmatch(each) is not None for each in texts) > MOSTLY * max(1, len(texts))


def is_boolean(column: pd.Series) -> bool:
    """Return whether a column holds true and false, as such or as texts."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return True
    if pd.api.types.is_numeric_dtype(column.dtype):
        return False
    texts = {each.lower() for each in texts_of(column) if each}
    return bool(texts) and texts <= BOOLEANS.keys()


def learn(values: Values, rows: NDArray[np.bool_]) -> Column | str:
    """Return how a column becomes numbers, or why it is left out.

    Args:
        values: of all rows.
        rows: those to learn from, (N,), bool.

    Raises:
        UserError: it names the rows, each by a text of its own or by its place; or its numbers
            differ too little for float32.
    """
    missing = values.missing[rows]
    flagged = bool(missing.any())
    if missing.all():
        return "empty"
    if values.numbers is None:
        assert values.texts is not None
        texts = values.texts[rows][~missing]
        categories = tuple(sorted(set(texts)))
        if len(texts) >= FEW_ROWS and len(categories) > MOSTLY * len(texts):
            raise UserError(
                f"column {values.name} holds {len(categories):,} different texts in "
                f"{len(texts):,} rows, and so names them: data.drop=[{values.name}] leaves it out"
            )
        if len(categories) == 1 and not flagged:
            return "constant"
        return Column(values.name, categories=categories, flagged=flagged)
    steps = np.diff(values.numbers)
    if len(steps) >= FEW_ROWS and (steps == 1).all():
        raise UserError(
            f"column {values.name} counts the rows: data.drop=[{values.name}] leaves it out"
        )
    numbers = values.numbers[rows][~missing]
    if numbers.min() == numbers.max() and not flagged:
        return "constant"
    step, deviation = np.spacing(np.abs(numbers).max().astype(np.float32)), numbers.std()
    if deviation and step > COARSEST * deviation:
        raise UserError(
            f"column {values.name} goes from {numbers.min():.15g} to {numbers.max():.15g}, which "
            f"networks see in steps of {step:g}: take a number near them away from all; "
            f"data.drop=[{values.name}] leaves it out"
        )
    return Column(values.name, mean=float(numbers.mean()), flagged=flagged)


def width_of(column: Column) -> int:
    """Return how many numbers are made of one value."""
    return (len(column.categories) or 1) + column.flagged


def check_memory(columns: Sequence[Column], rows: int) -> None:
    """Check that the numbers of a table fit this machine.

    Raises:
        UserError: they don't.
    """
    widest = max(columns, key=width_of)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    needed = 4 * rows * sum(map(width_of, columns))
    if needed > MOST_MEMORY * memory:
        raise UserError(
            f"{rows:,} rows take {needed / 1e9:.0f} GB as numbers, of which column {widest.name} "
            f"has {width_of(widest):,} a row: data.drop=[{widest.name}] leaves it out"
        )


def encode(column: Column, values: Values) -> NDArray[np.float32]:
    """Return a column's values as numbers, (N, width).

    A text that is none of the categories is 0 in all of them. NaN is where a value can't be read as
    the number that it should be.
    """
    made = np.zeros((len(values.missing), width_of(column)), dtype=np.float32)
    if column.categories:
        places = pd.Index(column.categories).get_indexer(pd.Index(values.texts, dtype=object))
        known = np.flatnonzero(places >= 0)
        made[known, places[known]] = 1
    else:
        assert values.numbers is not None
        with np.errstate(over="ignore"):
            made[:, 0] = np.where(values.missing, column.mean, values.numbers)
    if column.flagged:
        made[:, -1] = values.missing
    return made
