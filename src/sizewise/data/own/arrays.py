"""A NumPy file of samples and their labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sizewise.config import OwnConfig
from sizewise.data.arrays import Arrays
from sizewise.data.lengths import joined
from sizewise.data.own.labelled import SPLITS, Labelled
from sizewise.errors import UserError, first_line

WANTED = (
    "expected x and y, or x_train, y_train, x_test and y_test (and x_val, y_val); where sequences "
    "differ in length, lengths beside each x"
)
NUMERIC = "buif"  # NumPy's kinds: bool, integers, floats


def read(config: OwnConfig) -> Arrays:
    """Read an .npz: see `look`."""
    return look(config).arrays(config)


def look(config: OwnConfig) -> Labelled:
    """Return what is in an .npz: x (N, L), (N, C, L) or (N, C, H, W) and y (N,), or splits of it.

    With lengths (N,) a sequence ends after so many of the L steps, and what follows is not read.

    Raises:
        UserError: it is something else.
    """
    path = Path(config.path)
    held = _load(path)
    splits = [each for each in SPLITS if f"x_{each}" in held]
    if splits and not {"train", "test"} <= set(splits):
        raise UserError(f"{path} has splits, but not both train and test: {WANTED}")
    ends = [f"_{each}" for each in splits] or [""]
    unequal = any(f"lengths{end}" in held for end in ends)
    parts = []
    for end in ends:
        inputs, labels = _get(path, held, f"x{end}"), _get(path, held, f"y{end}")
        _check(path, inputs, labels)
        if inputs.dtype != np.uint8:
            with np.errstate(over="ignore"):
                inputs = inputs.astype(np.float32)
        parts.append(_cut(path, inputs, _get(path, held, f"lengths{end}")) if unequal else inputs)
        _check_finite(path, parts[-1])
    labels = np.concatenate([held[f"y{end}"] for end in ends])
    shapes = {np.shape(part[0])[: -1 if unequal else None] for part in parts}
    if len(shapes) > 1:
        raise UserError(f"{path}: its splits have samples of the shapes {sorted(shapes)}")
    given = None
    if splits:
        places = [SPLITS.index(each) for each in splits]
        given = np.repeat(places, [len(part) for part in parts])
    if unequal:
        sequences = [sample for part in parts for sample in part]
        keys = [each.tobytes() for each in sequences]
        return Labelled(joined(sequences), labels, keys, given, told={"unequal": True})
    inputs = np.concatenate(parts)
    if inputs.ndim == 2:
        inputs = inputs[:, None]
    keys = [each.tobytes() for each in inputs]
    return Labelled(inputs, labels, keys, given)


def names(found: Labelled) -> list[str]:
    """Return what each sample is called in the file: x[0], or x_test[0]."""
    if found.given is None:
        return [f"x[{row}]" for row in range(len(found.labels))]
    rows = np.arange(len(found.given)) - np.searchsorted(found.given, found.given)
    return [f"x_{SPLITS[place]}[{row}]" for place, row in zip(found.given, rows, strict=True)]


def _cut(path: Path, inputs: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """Return the sequences of inputs (N, L) or (N, C, L), each (C, its own steps), float32."""
    steps = inputs.shape[-1]
    if inputs.ndim == 4 or lengths.shape != inputs.shape[:1] or lengths.dtype.kind not in "iu":
        raise UserError(
            f"{path}: lengths is of type {lengths.dtype} and shape {lengths.shape}, for x of shape "
            f"{inputs.shape}: expected a whole number for each sequence of (N, L) or (N, C, L)"
        )
    if not (lengths.min() >= 1 and lengths.max() <= steps):
        raise UserError(
            f"{path}: lengths are from {lengths.min()} to {lengths.max()}: expected 1 to {steps}, "
            "the steps of x"
        )
    samples = inputs.reshape(len(inputs), -1, steps).astype(np.float32)
    return [sample[:, :length] for sample, length in zip(samples, lengths, strict=True)]


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file:
            held = np.load(file, allow_pickle=False)
            if isinstance(held, np.ndarray):
                raise UserError(f"{path} holds one array, without labels: {WANTED}, in an .npz")
            return {name: held[name] for name in held.files}
    except FileNotFoundError:
        raise UserError(f"there is no file {path}: expected an .npz at data.path") from None
    except UserError:
        raise
    except Exception as error:  # a damaged file can raise anything from its parser
        raise UserError(f"{path} can't be read as an .npz ({first_line(error)})") from error


def _get(path: Path, held: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in held:
        raise UserError(f"{path} holds {', '.join(sorted(held)) or 'nothing'}: {WANTED}")
    return held[name]


def _check(path: Path, inputs: np.ndarray, labels: np.ndarray) -> None:
    if inputs.dtype.kind not in NUMERIC or inputs.ndim not in (2, 3, 4) or not inputs.size:
        raise UserError(
            f"{path}: x is of type {inputs.dtype} and shape {inputs.shape}: expected numbers of "
            "shape (N, L), (N, C, L) or (N, C, H, W)"
        )
    if labels.shape != inputs.shape[:1]:
        raise UserError(
            f"{path}: y has the shape {labels.shape}: expected ({len(inputs)},), a label each"
        )
    if labels.dtype.kind not in "biuUS":
        raise UserError(
            f"{path}: y is of type {labels.dtype}: expected classes, as whole numbers or words"
        )


def _check_finite(path: Path, samples: Sequence[np.ndarray] | np.ndarray) -> None:
    bad = sum(not np.isfinite(each).all() for each in samples)
    if bad:
        raise UserError(
            f"{path}: {bad} samples of {len(samples)} hold NaN, infinities or numbers beyond "
            "float32; where sequences are padded with them, lengths says how many steps of each "
            "there are"
        )
