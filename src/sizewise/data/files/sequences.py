"""Sequences of unequal length, brought to the array form that `data.lengths` describes.

Shapes: C channels, T steps of the longest sequence that was learnt from, t those of one.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from sizewise.data.files.conform import NUMERIC
from sizewise.errors import UserError


def fit_sequence(sample: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    """Return a sequence as float32 (C, T), NaN after its end.

    Args:
        sample: (C, t), or flat; steps of NaN at the end are none.
        shape: (C, T).

    Raises:
        UserError: it is of another shape, longer, no numbers, or not finite.
    """
    channels, longest = shape
    expected = f"expected ({channels}, up to {longest}), or flat"
    try:
        array = np.asarray(sample)
    except ValueError as error:  # channels of several lengths
        raise UserError(f"the channels differ in length; {expected}") from error
    if array.dtype.kind not in NUMERIC:
        raise UserError(f"of type {array.dtype}, and not all are numbers; {expected}")
    if array.ndim == 1 and array.size % channels == 0:
        array = array.reshape(channels, -1)
    if array.ndim != 2 or len(array) != channels:
        raise UserError(f"a sequence of shape {array.shape}; {expected}")
    with np.errstate(over="ignore"):
        values = array.astype(np.float32)
    there = np.flatnonzero(~np.isnan(values).all(axis=0))
    steps = there[-1] + 1 if len(there) else 0
    if not 1 <= steps <= longest:
        raise UserError(
            f"a sequence of {steps} steps; expected 1 to {longest}, as were learnt from"
        )
    if not np.isfinite(values[:, :steps]).all():
        raise UserError(
            "NaN, infinity or a number beyond float32 before its end; expected finite numbers"
        )
    fitted = np.full(shape, np.nan, np.float32)
    fitted[:, :steps] = values[:, :steps]
    return fitted


def read_sequences(
    path: Path, array: np.ndarray, shape: tuple[int, ...]
) -> Iterator[tuple[int, np.ndarray | UserError]]:
    """Yield the index of each sequence of a file, from 0, with its fitted form or what is wrong.

    Args:
        path: of a .npy, or of an .npz that may hold `lengths` (N,).
        array: that is in it, (N, C, L) or (N, L).
        shape: (C, T).

    Raises:
        UserError: `lengths` don't fit the array.
    """
    lengths = _lengths(path, array)
    for index, sample in enumerate(array):
        try:
            cut = sample if lengths is None else sample[..., : lengths[index]]
            yield index, fit_sequence(cut, shape)
        except UserError as error:
            yield index, error


def _lengths(path: Path, array: np.ndarray) -> np.ndarray | None:
    if not zipfile.is_zipfile(path):
        return None
    with np.load(path, allow_pickle=False) as held:
        if "lengths" not in held.files:
            return None
        lengths = np.asarray(held["lengths"])
    if (
        lengths.shape != array.shape[:1]
        or lengths.dtype.kind not in "iu"
        or not (lengths.min() >= 1 and lengths.max() <= array.shape[-1])
    ):
        raise UserError(
            f"its lengths don't fit an array of shape {array.shape}: expected {len(array)} whole "
            f"numbers from 1 to {array.shape[-1]}"
        )
    return lengths
