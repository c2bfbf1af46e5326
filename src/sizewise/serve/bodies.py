"""What clients send, checked: JSON arrays and images."""

import io
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sizewise.data.files.conform import Form, fit_drawing, fit_image, fit_numbers
from sizewise.data.files.frames import read_frame
from sizewise.data.files.images import decode
from sizewise.data.files.sequences import fit_sequence
from sizewise.data.own.named import arrange, read_samples
from sizewise.errors import UserError

MOST_INPUTS = 1000  # in one request
Kind = TypeVar("Kind", bound=BaseModel)


class Asked(NamedTuple):
    """Inputs (N, C, *S), the ids of the networks to ask, None for all, and what was done.

    The names are those of a table's rows or sequences, in order.
    """

    inputs: np.ndarray
    models: list[str] | None = None
    done: Sequence[str] = ()
    names: Sequence[str] = ()


def parse_table(body: bytes, form: Form) -> Asked:
    """Return the rows of a CSV whose first line names the columns, as `sizewise predict` reads it.

    The form is that of a table.

    Raises:
        UserError: it lacks a column, or has a value that can't be read, or too many rows.
    """
    assert form.table is not None
    steps = form.shape[-1]
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(body)
        file.flush()
        frame = read_frame(Path(file.name), least=1, called="the table")
    arranged = arrange(frame, form.table, steps, unequal=form.unequal)
    if len(arranged.names) > MOST_INPUTS:
        raise UserError(f"{len(arranged.names):,} samples; expected at most {MOST_INPUTS:,}")
    found = list(read_samples(arranged, form.table, steps))
    names = [f"{form.table.id or 'row'} {name}" for name, _, _ in found]
    inputs, done = [], list(frame.done)
    for called, (_, values, adapted) in zip(names, found, strict=True):
        if isinstance(values, UserError):
            raise UserError(f"{called}: {values}")
        inputs.append(values)
        done += [f"{called}: {each}" for each in adapted]
    return Asked(np.stack(inputs), done=done, names=names)


class Body(BaseModel):
    """What a client may send as JSON; each input is as `fit_numbers` or `fit_sequence` takes it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    inputs: list[Any] = Field(min_length=1, max_length=MOST_INPUTS)
    models: list[str] | None = Field(default=None, min_length=1)


def parse_body(body: bytes, kind: type[Kind], expected: str) -> Kind:
    """Return JSON as what it is to be.

    Raises:
        UserError: it is something else than expected, or has a key twice.
    """
    try:
        content = kind.model_validate_json(body)
    except ValidationError as error:
        raise UserError(f"{fault(error.errors())}; expected {expected}") from error
    json.loads(body, object_pairs_hook=_check_keys, parse_int=float)
    return content


def parse_json(body: bytes, form: Form) -> Asked:
    """Return what `{"inputs": [...], "models": [...]}` asks; the models may be left out.

    Raises:
        UserError: it is something else, or its inputs are none of this form.
    """
    expected = f'{{"inputs": [...]}}, each of shape {form.shape}, or an image as image/png'
    content = parse_body(body, Body, expected)
    if form.unequal:
        return Asked(_sequences(content.inputs, form.shape), content.models)
    values, finite = fit_numbers(content.inputs, form.shape)
    if not finite.all():
        raise UserError(f"NaN, infinity or a number beyond float32 in input {np.argmin(finite)}")
    return Asked(values, content.models)


def _sequences(inputs: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    """Return sequences, each of its own length, as one array (N, C, T)."""
    fitted = []
    for index, each in enumerate(inputs):
        try:
            fitted.append(fit_sequence(each, shape))
        except UserError as error:
            raise UserError(f"input {index}: {error}") from error
    return np.stack(fitted)


def _check_keys(pairs: list[tuple[str, Any]]) -> None:
    """Refuse an object with a key twice, of which pydantic takes the last."""
    seen = set()
    for key, _ in pairs:
        if key in seen:
            raise UserError(f"the key {key} stands twice in the body; expected it once")
        seen.add(key)


def parse_image(body: bytes, form: Form, *, drawn: bool) -> Asked:
    """Return an image as the one input, brought to the form of the data set.

    Args:
        body: of an image file.
        form: the set's.
        drawn: whether it is a drawing, to be cut out and centred.

    Raises:
        UserError: it is no image, or the networks don't read such.
    """
    if not form.is_image or (drawn and form.shape[0] != 1):
        what = "a drawing" if drawn else "an image"
        raise UserError(f"the networks read inputs of shape {form.shape}; {what} can't be one")
    image, done = decode(io.BytesIO(body))
    values, more = (fit_drawing if drawn else fit_image)(image, form)
    return Asked(values[None], done=[str(step) for step in done + more])


def fault(errors: Sequence[Any]) -> str:
    """Return in words the first of what pydantic found wrong."""
    where = ".".join(map(str, errors[0]["loc"])) or "the body"
    return f"{errors[0]['msg']} ({where})"
