"""New rows for a network that was trained on a table: read by the columns' names.

Shapes: N samples of T rows each, R rows in a piece, C numbers made of a row. Sequences that may
end early are NaN from there on.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sizewise.data.files import Adapted
from sizewise.data.files.columns import Values, as_numbers, as_texts, encode, width_of
from sizewise.data.files.frames import Frame
from sizewise.data.own.labelled import listed
from sizewise.data.own.rows import in_order, whole
from sizewise.data.spec import TableForm
from sizewise.errors import UserError, nearest, printable

PIECE = 1000  # rows that are made numbers at a time
MOST_CHARACTERS = 20  # of a value that is shown


class Named(NamedTuple):
    """A new sample.

    Args:
        name: the row's number, from 1; of a sequence its id.
        values: (C, T), float32, or what is wrong with it.
        done: what was taken for what.
    """

    name: int | str
    values: NDArray[np.float32] | UserError
    done: tuple[Adapted, ...] = ()


class Arranged(NamedTuple):
    """The rows of a new table, those of one sample after each other.

    Args:
        frame: the columns that are read.
        names: of the samples, (N,).
        lengths: how many rows each has, (N,).
        refused: sequences of another length, with what is wrong with them.
    """

    frame: Frame
    names: list[int | str]
    lengths: NDArray[np.int64]
    refused: list[Named]


def columns_of(form: TableForm) -> tuple[str, ...]:
    """Return the columns that new rows need."""
    return (*(each.name for each in form.columns), *filter(None, (form.id, form.time)))


def channels(form: TableForm) -> tuple[str, ...]:
    """Return what each of the C numbers says, in words."""
    names: list[str] = []
    for column in form.columns:
        names += [f"{column.name}={each}" for each in column.categories] or [column.name]
        names += [f"{column.name} missing"] * column.flagged
    return tuple(names)


def unread(names: Sequence[str], form: TableForm) -> list[str]:
    """Return which columns of a new table are not read, but for the target.

    Raises:
        UserError: one that is read is lacking.
    """
    wanted = columns_of(form)
    if lacking := [each for each in wanted if each not in names]:
        raise UserError(f"no column {listed(lacking)}: {nearest(lacking[0], names)}")
    return [each for each in names if each not in (*wanted, form.target)]


def arrange(frame: Frame, form: TableForm, steps: int, *, unequal: bool = False) -> Arranged:
    """Return the rows of a new table as samples of so many steps, or of at most so many.

    Rows are numbered by the frame's index, which begins with 0.

    Raises:
        UserError: it lacks a column that is read, or has a step twice.
    """
    unread([str(each) for each in frame.values.columns], form)
    rows = frame.values[list(columns_of(form))]
    if not form.id:
        names = (rows.index + 1).tolist()
        return Arranged(frame._replace(values=rows), names, np.ones(len(rows), np.int64), [])
    ids, times = whole(rows[form.id], "the column"), in_order(rows[form.time], "the column")
    codes, known = pd.factorize(ids)
    order = np.lexsort([times, codes])
    codes, times = codes[order], times[order]
    if ((codes[1:] == codes[:-1]) & (times[1:] == times[:-1])).any():
        raise UserError(f"a sequence has a step twice: expected each {form.time} once in each id")
    lengths = np.bincount(codes)
    fits = lengths <= steps if unequal else lengths == steps
    expected = f"at most {steps:,}" if unequal else f"{steps:,}"
    refused = [
        Named(name, UserError(f"{length:,} steps; expected {expected}"))
        for name, length in zip(known[~fits], lengths[~fits], strict=True)
    ]
    rows = rows.iloc[order[fits[codes]]].reset_index(drop=True)
    return Arranged(frame._replace(values=rows), [*known[fits]], lengths[fits], refused)


def read_samples(arranged: Arranged, form: TableForm, steps: int) -> Iterator[Named]:
    """Yield the samples one by one, in memory for a piece of the table's rows."""
    yield from arranged.refused
    ends = arranged.lengths.cumsum()
    size = max(1, PIECE // steps)
    for start in range(0, len(arranged.names), size):
        piece = slice(start, start + size)
        first = int(ends[start] - arranged.lengths[start])
        rows = arranged.frame.values.iloc[first : int(ends[piece][-1])]
        numbers, faults, done = _encode(arranged.frame._replace(values=rows), form)
        for name, end, length in zip(
            arranged.names[piece],
            (ends[piece] - first).tolist(),
            arranged.lengths[piece],
            strict=True,
        ):
            own = range(end - length, end)
            sample = np.full((numbers.shape[1], steps), np.nan, np.float32)
            sample[:, :length] = numbers[own.start : end].T
            fault = next((faults[row] for row in own if row in faults), None)
            steps_done = dict.fromkeys(each for row in own for each in done.get(row, ()))
            yield Named(name, sample if fault is None else UserError(fault), tuple(steps_done))


def to_inputs(
    frame: pd.DataFrame, form: TableForm, steps: int, *, unequal: bool = False
) -> NDArray[np.float32]:
    """Return all samples of a table as inputs (N, C, T), sequences in the order of their ids.

    Raises:
        UserError: a column is lacking, or a value can't be read.
    """
    arranged = arrange(Frame(frame.reset_index(drop=True)), form, steps, unequal=unequal)
    inputs = np.empty((len(arranged.names), sum(map(width_of, form.columns)), steps), np.float32)
    for place, (name, values, _) in enumerate(read_samples(arranged, form, steps)):
        if isinstance(values, UserError):
            raise UserError(f"{form.id or 'row'} {name}: {values}")
        inputs[place] = values
    return inputs


def raw(numbers: NDArray[np.floating], form: TableForm) -> dict[str, str]:
    """Return the values of a row that was made numbers, (C,), by the columns' names."""
    values, start = {}, 0
    for column in form.columns:
        own = numbers[start : start + width_of(column)]
        start += width_of(column)
        if column.flagged and own[-1]:
            values[column.name] = ""
        elif column.categories:
            known = dict(zip(column.categories, own, strict=False))
            values[column.name] = next((each for each, is_it in known.items() if is_it), "")
        else:
            values[column.name] = f"{own[0]:.7g}"
    return values


def _encode(
    frame: Frame, form: TableForm
) -> tuple[NDArray[np.float32], dict[int, str], dict[int, list[Adapted]]]:
    """Return the numbers of each row, (R, C), what is wrong with which, and what was done."""
    parts: list[NDArray[np.float32]] = []
    faults: dict[int, str] = {}
    done: dict[int, list[Adapted]] = {}
    for column in form.columns:
        name, series = column.name, frame.values[column.name]
        values = as_texts(series) if column.categories else as_numbers(series, frame.decimal)
        made = encode(column, values)
        parts.append(made)
        if column.categories:
            odd = ~values.missing & (made[:, : len(column.categories)] == 0).all(axis=1)
        else:
            odd = ~values.missing & ~np.isfinite(made[:, 0])
        for row in np.flatnonzero(odd).tolist():
            found = f"{name} is '{_shown(values, row)}'"
            if column.categories:
                kind = f"{name} of a category that training lacks"
                done.setdefault(row, []).append(Adapted(kind, f"{found}, which training lacks"))
            else:
                faults.setdefault(row, f"{found}: expected a number that float32 can hold")
        if not column.flagged:  # else the network was told so by a number
            taken = "no category" if column.categories else "the mean"
            for row in np.flatnonzero(values.missing).tolist():
                done.setdefault(row, []).append(Adapted(f"{name} missing, {taken} taken"))
    return np.concatenate(parts, axis=1), faults, done


def _shown(values: Values, row: int) -> str:
    if values.texts is not None:
        return printable(str(values.texts[row]))[:MOST_CHARACTERS]
    assert values.numbers is not None
    return str(values.numbers[row])
