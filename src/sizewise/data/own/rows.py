"""The rows of a table: which belong to one sample, and to which split a sample falls.

Shapes: R rows, N samples.
"""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sizewise.config import TableConfig
from sizewise.data.files.columns import ISO_DATE, Values, as_numbers, find, is_date, texts_of
from sizewise.data.own.labelled import TEST, TRAIN, VALIDATION, choose_test
from sizewise.data.splits import carve_test
from sizewise.errors import UserError

MOST_COLUMNS = 20  # named in an error
ZONE = re.compile(r"\d(?:[+-]\d{2}:?\d{2}|\s?Z|\s?UTC)$")


def check_columns(config: TableConfig, frame: pd.DataFrame) -> None:
    """Check that there are the columns that a config names, and that they go together.

    Raises:
        UserError: they don't.
    """
    if config.target is None:
        raise UserError(
            f"data.target is missing: expected one of the columns, {_columns(frame)}, as "
            f"data.target={frame.columns[-1]}"
        )
    for key in ("target", "group", "order_by", "id", "time"):
        if (name := getattr(config, key)) is not None:
            find(frame, name, f"data.{key}")
    for name in config.drop:
        find(frame, name, "data.drop")
    for key in ("group", "order_by", "id", "time"):
        if config.target == getattr(config, key):
            raise UserError(f"data.target and data.{key} are one column: expected two")
    if (config.id is None) != (config.time is None):
        raise UserError(
            "data.id and data.time go together: the one says of which sequence a row is a step, "
            "the other of which step; expected both or neither"
        )
    if config.group is not None and config.order_by is not None:
        raise UserError("data.group and data.order_by each divide the samples: expected one")


def _columns(frame: pd.DataFrame) -> str:
    more = len(frame.columns) - MOST_COLUMNS
    return ", ".join(frame.columns[:MOST_COLUMNS]) + (f" and {more:,} more" if more > 0 else "")


def in_sequences(
    config: TableConfig, frame: pd.DataFrame
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return the rows with those of one sample after each other, in its order, and how many, (N,).

    Raises:
        UserError: sequences have a step twice or several targets.
    """
    if config.id is None or config.time is None:
        return frame, np.ones(len(frame), np.int64)
    ids, times = whole(frame[config.id], "data.id"), in_order(frame[config.time], "data.time")
    codes = pd.factorize(ids)[0]
    lengths = np.bincount(codes)
    order = np.lexsort([times, codes])
    ids, times = ids.iloc[order], times[order]
    if ((ids.to_numpy()[1:] == ids.to_numpy()[:-1]) & (times[1:] == times[:-1])).any():
        raise UserError(f"a sequence has a step twice: expected each {config.time} once in each id")
    ordered = frame.iloc[order].reset_index(drop=True)
    for name in {config.target, config.group} - {None}:
        values = texts_of(ordered[name])
        if (values != np.repeat(values[starts(lengths)], lengths)).any():
            raise UserError(f"column {name} changes within a sequence: expected one for each id")
    return ordered, lengths


def starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first row of each sample, (N,), by how many rows each has."""
    return lengths.cumsum() - lengths


def whole(column: pd.Series, key: str) -> pd.Series:
    """Return a column that a key names as texts, none of them missing."""
    texts = pd.Series(texts_of(column), dtype=object)
    if texts.isna().any():
        raise UserError(
            f"{key}={column.name} is missing in {texts.isna().sum():,} rows: expected it in each"
        )
    return texts


def in_order(column: pd.Series, key: str) -> NDArray[np.int64]:
    """Return the place of each value, (R,), from 0; equal ones share theirs.

    Raises:
        UserError: they are neither numbers nor dates, or one is missing.
    """
    texts = whole(column, key)
    is_of_dates = is_date(column, ISO_DATE)
    values = np.asarray(_moments(texts) if is_of_dates else as_numbers(column, ".").numbers)
    if pd.isna(values).any():
        raise UserError(
            f"{key}={column.name} can't be put in order: expected numbers, or dates as 2026-11-25 "
            "or 2026-11-25 17:30, all with a time zone or none"
        )
    return np.asarray(np.unique(values, return_inverse=True)[1])


def _moments(texts: pd.Series) -> NDArray[np.generic]:
    """Return dates as moments, NaT where they can't be told."""
    zoned = texts.str.contains(ZONE)
    if not texts.str.fullmatch(ISO_DATE).all() or zoned.any() != zoned.all():
        return np.array(["NaT"] * len(texts), "datetime64[ns]")
    moments = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
    if moments.isna().any():  # as 9:00, or 09:00 PM
        moments = pd.to_datetime(texts, format="mixed", utc=True, errors="coerce")
    return np.asarray(moments)


def keys_of(
    config: TableConfig, samples: pd.DataFrame, features: Sequence[Values]
) -> tuple[list[bytes], NDArray[np.int64] | None]:
    """Return by what each sample is put in a split, and its group where there are some, (N,).

    Args:
        config: of the table.
        samples: the first row of each.
        features: the columns, of all rows; the content of a sample that is one row.
    """
    name = config.group or config.id
    if name is not None:
        names = whole(samples[name], "data.group" if config.group else "data.id")
        groups = pd.factorize(names)[0] if config.group else None
        return [each.encode() for each in names], groups
    content = pd.DataFrame(
        {
            each.name: pd.Series(each.texts, dtype=object).fillna("")
            if each.numbers is None
            else each.numbers
            for each in features
        }
    )
    return [key.tobytes() for key in pd.util.hash_pandas_object(content, index=False).array], None


def divide(
    config: TableConfig,
    samples: pd.DataFrame,
    keys: Sequence[bytes],
    classes: NDArray[np.int64] | None,
) -> NDArray[np.int64]:
    """Return to which split each sample falls, (N,): `TRAIN`, `VALIDATION` or `TEST`.

    Unless time decides, validation is carved out of `TRAIN` later.

    Args:
        config: of the table.
        samples: the first row of each.
        keys: of each sample.
        classes: of each, where there are some.
    """
    split = np.full(len(samples), TRAIN)
    if config.order_by is None:
        fraction = config.test_fraction
        if classes is None:
            split[carve_test(keys, fraction)] = TEST
        else:
            split[choose_test(keys, fraction, classes)] = TEST
        return split
    places = in_order(samples[config.order_by], "data.order_by")
    for kind, share in ((TEST, config.test_fraction), (VALIDATION, config.validation_fraction)):
        left = np.sort(places[split == TRAIN])
        if share and len(left):  # those of one time stay together
            first = left[min(len(left) - 1, round((1 - share) * len(left)))]
            split[(split == TRAIN) & (places >= first)] = kind
    return split
