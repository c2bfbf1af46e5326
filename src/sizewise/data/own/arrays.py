"""A NumPy file of samples and their labels."""

from pathlib import Path

import numpy as np

from sizewise.config import OwnConfig
from sizewise.data.arrays import Arrays
from sizewise.data.own.labelled import SPLITS, Labelled
from sizewise.errors import UserError, first_line

WANTED = "expected x and y, or x_train, y_train, x_test and y_test (and x_val, y_val)"
NUMERIC = "buif"  # NumPy's kinds: bool, integers, floats


def read(config: OwnConfig) -> Arrays:
    """Read an .npz with x (N, L), (N, C, L) or (N, C, H, W) and y (N,), or splits of these.

    Raises:
        UserError: it is something else.
    """
    path = Path(config.path)
    held = _load(path)
    splits = [each for each in SPLITS if f"x_{each}" in held]
    if splits:
        pairs = [(_get(path, held, f"x_{each}"), _get(path, held, f"y_{each}")) for each in splits]
        if not {"train", "test"} <= set(splits):
            raise UserError(f"{path} has splits, but not both train and test: {WANTED}")
    else:
        pairs = [(_get(path, held, "x"), _get(path, held, "y"))]
    shapes = {inputs.shape[1:] for inputs, _ in pairs}
    if len(shapes) > 1:
        raise UserError(f"{path}: its splits have samples of the shapes {sorted(shapes)}")
    for inputs, labels in pairs:
        _check(path, inputs, labels)
    inputs = np.concatenate([inputs for inputs, _ in pairs])
    labels = np.concatenate([labels for _, labels in pairs])
    given = None
    if splits:
        places = [SPLITS.index(each) for each in splits]
        given = np.repeat(places, [len(labels) for _, labels in pairs])
    if inputs.ndim == 2:
        inputs = inputs[:, None]
    values = inputs if inputs.dtype == np.uint8 else inputs.astype(np.float32)
    keys = [each.tobytes() for each in values]
    return Labelled(values, labels, keys, given).arrays(config)


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            if isinstance(file, np.ndarray):
                raise UserError(f"{path} holds one array, without labels: {WANTED}, in an .npz")
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise UserError(f"there is no file {path}: expected an .npz at data.path") from None
    except (OSError, ValueError, EOFError) as error:
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
    bad = int((~np.isfinite(inputs)).reshape(len(inputs), -1).any(axis=1).sum())
    if bad:
        raise UserError(f"{path}: {bad} samples of {len(inputs)} hold NaN or infinities")
    if labels.dtype.kind not in "biuUS":
        raise UserError(
            f"{path}: y is of type {labels.dtype}: expected classes, as whole numbers or words"
        )
