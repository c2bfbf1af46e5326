"""A table of one's own: a row is a sample, or a step of one.

Shapes: R rows, N samples, T steps of the longest, C numbers made of a row.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sizewise.config import TableConfig
from sizewise.data.arrays import Arrays
from sizewise.data.files.columns import (
    LARGEST_WHOLE,
    Values,
    as_texts,
    check_memory,
    check_points,
    encode,
    is_boolean,
    learn,
    values_of,
    width_of,
)
from sizewise.data.files.frames import Frame, read_frame
from sizewise.data.lengths import laid_out
from sizewise.data.own.labelled import SHOWN, TEST, TRAIN, VALIDATION, Labelled
from sizewise.data.own.rows import (
    check_columns,
    divide,
    in_sequences,
    keys_of,
    starts,
)
from sizewise.data.spec import Column, TableForm
from sizewise.errors import UserError, say_once

MOST_CLASSES = 20  # of a target that is a number; more are numbers to tell
STRATA = (0.25, 0.5, 0.75)  # quantiles between which numbers keep their share in a split


class Looked(NamedTuple):
    """A table as a data set, and what was found and done, a line for each kind of thing."""

    arrays: Arrays
    lines: tuple[str, ...]


def read(config: TableConfig) -> Arrays:
    """Read a table, and say what was done to it.

    Raises:
        UserError: it can't be learnt from as it is.
    """
    arrays, lines = look(config)
    say_once(f"{Path(config.path).name}: {'; '.join(lines)}")
    return arrays


def look(config: TableConfig) -> Looked:
    """Read a table, and return it with what was found and done.

    Raises:
        UserError: it can't be learnt from as it is.
    """
    found = read_frame(Path(config.path))
    check_columns(config, found.values)
    target, regresses = _target(config, found)
    kept = found.values[~target.missing].reset_index(drop=True)
    lacking = len(found.values) - len(kept)
    if not len(kept):
        raise UserError(f"column {config.target} is empty: expected a target in each row")
    rows, lengths = in_sequences(config, kept)
    samples = rows.iloc[starts(lengths)].reset_index(drop=True)
    target, _ = _target(config, Frame(samples, found.decimal))
    used = {config.target, config.group, config.order_by, config.id, config.time, *config.drop}
    if found.decimal == ".":
        check_points(rows[name] for name in rows if name not in config.drop)
    features = [values_of(rows[name], found.decimal) for name in rows if name not in used]
    if not features:
        raise _nothing_to_learn_from(config)
    keys, groups = keys_of(config, samples, features)
    labels = None if regresses else _labels(target)
    classes = None if labels is None else np.unique(labels, return_inverse=True)[1]
    split = divide(config, samples, keys, classes)
    columns, left_out = _learn(features, np.repeat(split == TRAIN, lengths), config)
    values = {each.name: each for each in features}
    steps = int(lengths.max())
    check_memory(columns, len(samples) * steps)
    numbers = np.concatenate([encode(each, values[each.name]) for each in columns], axis=1)
    inputs = laid_out(numbers, lengths)  # R C -> N C T
    form = TableForm(columns, str(config.target), id=config.id or "", time=config.time or "")
    if labels is None:
        assert target.numbers is not None
        arrays = _numbers(config, inputs, target.numbers, split, groups, form)
    else:
        arrays = Labelled(inputs, labels, keys, split, groups).arrays(config)
        arrays = dataclasses.replace(arrays, told={"table": form})
    told = {**arrays.told, "unequal": bool((lengths < steps).any())}
    scaled = [np.arange(width_of(each)) < (not each.categories) for each in columns]
    arrays = dataclasses.replace(arrays, scaled=np.concatenate(scaled), told=told)
    aim = f"{target.name}: " + (
        "numbers to tell, by their mean absolute error (data.task=classify takes classes)"
        if labels is None
        else f"{len(arrays.class_names):,} classes"
    )
    size = f"{len(samples):,} samples" + (f" of {_span(lengths)} steps" if form.id else "")
    without = (f"{lacking:,} rows without {target.name} left out",) if lacking else ()
    return Looked(arrays, (*found.done, f"{size}; {aim}", *without, *_lines(columns, left_out)))


def _target(config: TableConfig, found: Frame) -> tuple[Values, bool]:
    """Return the target's values, and whether they are numbers to tell, not classes."""
    column = found.values[config.target]
    if is_boolean(column):  # whose classes are called as they are written
        return as_texts(column), False
    if config.task == "classify":
        values = values_of(column) if pd.api.types.is_numeric_dtype(column.dtype) else None
        return values or as_texts(column), False
    values = values_of(column, found.decimal, "data.task=classify takes all as classes")
    if values.numbers is None:
        if config.task == "regress":
            raise UserError(f"data.task=regress needs numbers, and {config.target} holds texts")
        return values, False
    different = len(np.unique(values.numbers[~values.missing]))
    return values, config.task == "regress" or different > MOST_CLASSES


def _labels(target: Values) -> NDArray[np.generic]:
    """Return classes as texts, or as numbers, whole where they are."""
    if target.numbers is None:
        assert target.texts is not None
        return target.texts.astype(str)
    whole = (target.numbers == np.round(target.numbers)).all()
    if np.abs(target.numbers).max() >= LARGEST_WHOLE:
        raise UserError(
            f"column {target.name} holds numbers of 2^53 or more, which can't be told apart as "
            "numbers: expected smaller ones, or texts"
        )
    return target.numbers.astype(np.int64) if whole else target.numbers


def _learn(
    features: Sequence[Values], rows: NDArray[np.bool_], config: TableConfig
) -> tuple[tuple[Column, ...], list[str]]:
    """Return the columns that are read, and the others with the reason."""
    keys = ("group", "order_by", "id", "time")
    left_out = [f"{name} (data.{key})" for key in keys if (name := getattr(config, key))]
    left_out += [f"{name} (data.drop)" for name in config.drop]
    columns = []
    for values in features:
        learnt = learn(values, rows)
        if isinstance(learnt, Column):
            columns.append(learnt)
        else:
            left_out.append(f"{values.name} ({learnt})")
    if not columns:
        raise _nothing_to_learn_from(config, left_out)
    return tuple(columns), left_out


def _nothing_to_learn_from(config: TableConfig, left_out: Sequence[str] = ()) -> UserError:
    beside = f", beside {_some(left_out)}" if left_out else ""
    return UserError(f"{config.path} has no column to learn {config.target} from{beside}")


def _numbers(
    config: TableConfig,
    inputs: NDArray[np.float32],
    target: NDArray[np.float64],
    split: NDArray[np.int64],
    groups: NDArray[np.int64] | None,
    form: TableForm,
) -> Arrays:
    """Return the set of a target that is a number."""
    of_training = split != TEST
    if of_training.all() or not of_training.any():
        raise UserError(
            f"{config.path}: {'no' if of_training.all() else 'every'} sample of {len(target):,} "
            "falls to the test split: add samples or groups, or change data.test_fraction"
        )
    learnt = target[split == TRAIN]
    mean, std = float(learnt.mean()), float(learnt.std())
    if not std:
        raise UserError(f"column {form.target} is {mean:g} in all rows: expected several values")
    scaled = np.stack([(target - mean) / std, np.full(len(target), std)], axis=1)
    targets = scaled.astype(np.float32)
    validation = split[of_training] == VALIDATION
    return Arrays(
        train_inputs=inputs[of_training],
        train_targets=targets[of_training],
        test_inputs=inputs[~of_training],
        test_targets=targets[~of_training],
        class_names=(),
        name=Path(config.path).resolve().stem,
        validation=validation if validation.any() else None,
        groups=None if groups is None else groups[of_training],
        strata=np.searchsorted(np.quantile(learnt, STRATA), target[of_training]),
        told={
            "task": "regress",
            "outputs": 1,
            "table": dataclasses.replace(form, mean=mean, std=std),
        },
    )


def _lines(columns: Sequence[Column], left_out: Sequence[str]) -> list[str]:
    """Return what is done to the columns, a line for each way."""
    numbers = [each.name for each in columns if not each.categories]
    categories = [f"{each.name} ({len(each.categories):,})" for each in columns if each.categories]
    flagged = [each.name for each in columns if each.flagged]
    ways = {
        "standardised": numbers,
        "one number for each category": categories,
        "the mean, or no category, where missing, and a number that says so": flagged,
        "left out": left_out,
    }
    return [f"{way}: {_some(names)}" for way, names in ways.items() if names]


def _span(lengths: NDArray[np.int64]) -> str:
    least, most = lengths.min(), lengths.max()
    return f"{least:,} to {most:,}" if least < most else f"{most:,}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
