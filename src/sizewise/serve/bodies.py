"""What clients send, checked: JSON arrays and images."""

import io
import json
from typing import Any, NamedTuple

import numpy as np

from sizewise.data import DataSpec
from sizewise.errors import UserError
from sizewise.predict.forms import conform, from_drawing
from sizewise.predict.images import decode

MOST_INPUTS = 1000  # in one request
NUMERIC = "buif"  # NumPy's kinds: bool, integers, floats


class Asked(NamedTuple):
    """Inputs (N, C, *S), the ids of the networks to ask, None for all, and what was done."""

    inputs: np.ndarray
    models: list[str] | None
    done: list[str]


def parse_json(body: bytes, spec: DataSpec) -> Asked:
    """Return what `{"inputs": [...], "models": [...]}` asks; the models may be left out.

    Each input is nested as (C, *S), or as (*S) where C is 1, or flat.

    Raises:
        UserError: it is something else.
    """
    try:
        content = json.loads(body, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise UserError(f"the body is not JSON ({error}); expected {_example(spec)}") from error
    if not isinstance(content, dict) or "inputs" not in content:
        raise UserError(f"the body has no inputs; expected {_example(spec)}")
    unknown = set(content) - {"inputs", "models"}
    if unknown:
        raise UserError(f"there is no key {min(unknown)}; expected inputs and models")
    models = content.get("models")
    if models is not None and not _are_texts(models):
        raise UserError("models is no list of ids, or empty; GET /models names them")
    return Asked(_as_inputs(content["inputs"], spec), models, [])


def parse_image(body: bytes, spec: DataSpec, mean: float, *, drawn: bool) -> Asked:
    """Return an image as the one input, brought to the form of the data set.

    Args:
        body: of an image file.
        spec: the set's.
        mean: over the set's training pixels.
        drawn: whether it is a drawing, to be cut out and centred.

    Raises:
        UserError: it is no image, or the networks don't read images.
    """
    if len(spec.input_shape) != 3 or spec.input_shape[0] not in ((1,) if drawn else (1, 3)):
        what = "a drawing" if drawn else "an image"
        raise UserError(f"the networks read {spec.name}, and {what} can't be brought to its form")
    if not body:
        raise UserError("the body is empty; expected an image file")
    image, done = decode(io.BytesIO(body))
    values, more = (from_drawing if drawn else conform)(image, spec, mean)
    return Asked(values[None], None, [str(step) for step in done + more])


def _as_inputs(given: Any, spec: DataSpec) -> np.ndarray:
    shape = spec.input_shape
    expected = f"inputs of shape (N, {', '.join(map(str, shape))})"
    if not isinstance(given, list) or not given:
        raise UserError(f"inputs is empty or no list; expected {expected}")
    if len(given) > MOST_INPUTS:
        raise UserError(f"{len(given)} inputs; at most {MOST_INPUTS} are taken at once")
    try:
        array = np.array(given)
    except ValueError as error:  # rows of several lengths
        raise UserError(f"the inputs differ in shape; expected {expected}") from error
    if array.dtype.kind not in NUMERIC:
        raise UserError(f"not all inputs are numbers; expected {expected}")
    fitting = [shape, (spec.num_features,)] + ([shape[1:]] if shape[0] == 1 else [])
    if array.shape[1:] not in fitting:
        raise UserError(f"inputs of shape {array.shape}; expected {expected}")
    with np.errstate(over="ignore"):
        values = array.astype(np.float32).reshape(-1, *shape)
    if not np.isfinite(values).all():
        raise UserError("NaN, infinity or a number beyond float32 in the inputs")
    return values


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key is there twice")
    return content


def _example(spec: DataSpec) -> str:
    return f'{{"inputs": [...]}} of shape (N, {", ".join(map(str, spec.input_shape))})'
