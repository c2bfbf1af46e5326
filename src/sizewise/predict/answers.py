"""Where answers go: lines on stdout, or a CSV that is seen whole or not at all."""

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sizewise.data.files.reader import Sample
from sizewise.errors import UserError
from sizewise.files import replacing
from sizewise.predict.predictor import Estimate, Prediction
from sizewise.records import readable_number

UNLIKE = "unlike the training data"


class Answer(NamedTuple):
    """What the network says to one input, and whether that is unlike all it was trained on."""

    sample: Sample
    prediction: Prediction | Estimate
    unlike: bool


@contextmanager
def writing(
    output: Path | None,
    overwrite: bool,
    inputs: Iterable[Path],
    kind: type[Prediction] | type[Estimate],
) -> Iterator[Callable[[Answer], object]]:
    """Yield what takes each answer.

    Args:
        output: a CSV, which appears at the end of the block unless that raises; None is stdout.
        overwrite: whether it may take the place of a file.
        inputs: files whose place it may not take.
        kind: of all predictions.

    Raises:
        UserError: it can't be written, or is there already.
    """
    if output is None:
        yield _print
        return
    header = ("input", *kind._fields, "done", "warning")
    with writing_rows(output, header, overwrite, inputs) as write:
        yield lambda answer: write(_row(answer))


@contextmanager
def writing_rows(
    output: Path, header: Sequence[str], overwrite: bool, inputs: Iterable[Path] = ()
) -> Iterator[Callable[[Sequence[str]], object]]:
    """Yield what takes each row of a CSV, which appears at the end of the block: see `writing`."""
    _check(output, overwrite, inputs)
    try:
        with replacing(output) as file:
            rows = csv.writer(codecs.getwriter("utf-8")(file))
            rows.writerow(header)
            yield rows.writerow
            _check(output, overwrite, inputs)  # it may have appeared meanwhile
    except OSError as error:
        raise UserError(f"{output} can't be written ({error.strerror})") from error


def _check(output: Path, overwrite: bool, inputs: Iterable[Path]) -> None:
    if output.is_dir():
        raise UserError(f"{output} is a folder; expected a file for --output")
    if output.exists() and not overwrite:
        raise UserError(f"{output} exists; choose another --output, or add --overwrite")
    if output.exists() and any(each.exists() and each.samefile(output) for each in inputs):
        raise UserError(f"{output} is one of the inputs; choose another --output")


def _row(answer: Answer) -> list[str]:
    place, warning = str(answer.sample.place), UNLIKE if answer.unlike else ""
    if isinstance(answer.prediction, Estimate):
        return [place, readable_number(answer.prediction.value), _done(answer), warning]
    label, share, runner_up, less = answer.prediction
    second = "" if less is None else f"{less:.6f}"
    return [place, label, f"{share:.6f}", runner_up or "", second, _done(answer), warning]


def _print(answer: Answer) -> None:
    if isinstance(answer.prediction, Estimate):
        line = f"{answer.sample.place}  {readable_number(answer.prediction.value)}"
    else:
        label, share, runner_up, less = answer.prediction
        line = f"{answer.sample.place}  {label}  {share:.1%}"
        if less is not None:
            line += f"  (then {runner_up}, {less:.1%})"
    notes = [_done(answer)] * bool(answer.sample.done) + [UNLIKE] * answer.unlike
    print(f"{line}  [{'; '.join(notes)}]" if notes else line)


def _done(answer: Answer) -> str:
    return ", ".join(map(str, answer.sample.done))
