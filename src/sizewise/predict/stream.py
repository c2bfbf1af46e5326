"""Inputs predicted in batches: a line for each, in the memory of one batch."""

import csv
import math
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sizewise.errors import UserError
from sizewise.predict.colours import Step
from sizewise.predict.inputs import Failure, Reader, Sample
from sizewise.predict.predictor import Prediction, Predictor

BATCH_SIZE = 100
MOST_REASONS = 20  # shown of one file
COLUMNS = ("input", "label", "probability", "runner_up", "runner_up_probability", "done")
TOO_LARGE = "the network has no finite answer to numbers as large as these"


class Answer(NamedTuple):
    """What the network says to one input."""

    sample: Sample
    prediction: Prediction


@dataclass
class Outcome:
    """How many inputs were predicted, failed, and passed over in folders.

    `adapted` counts the predicted ones by the kinds of steps that brought them to the set's form.
    """

    predicted: int = 0
    failed: int = 0
    skipped: int = 0
    adapted: Counter[tuple[str, ...]] = field(default_factory=Counter)


def predict_files(
    predictor: Predictor, paths: list[Path], output: Path | None, *, overwrite: bool = False
) -> Outcome:
    """Predict each input of files and folders, and say on stderr what could not be read.

    Args:
        predictor: the network.
        paths: of images, .csv, .npy and .npz files, and folders of them.
        output: a CSV to write, which appears when all is predicted; None prints lines on stdout.
        overwrite: whether the CSV may take the place of a file.

    Raises:
        UserError: the CSV can't be written, or is there already.
    """
    reader, outcome = Reader(predictor.spec, predictor.normalisation), Outcome()
    progress = _progress(lines_on_screen=output is None and sys.stdout.isatty())
    say = _Speaker(progress)
    with _writing(output, overwrite) as write, progress:
        task = progress.add_task("", total=None if progress.disable else reader.count(paths))
        for batch in _batches(reader.read(paths), outcome, say):
            for answer in _answers(predictor, batch):
                if math.isnan(answer.prediction.probability):
                    outcome.failed += 1
                    say.failure(Failure(answer.sample.place, TOO_LARGE))
                    continue
                outcome.predicted += 1
                kinds = tuple(step.kind for step in answer.sample.done)
                outcome.adapted[kinds] += bool(kinds)
                write(answer)
            progress.update(task, completed=outcome.predicted + outcome.failed)
        say.close()
    outcome.skipped = reader.skipped
    outcome.adapted = +outcome.adapted
    return outcome


def _progress(lines_on_screen: bool) -> Progress:
    """Return the bar; where the answers themselves fill the screen there is none."""
    screen = Console(stderr=True)
    return Progress(
        TextColumn("predicting"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=screen,
        disable=lines_on_screen or not screen.is_terminal,
        transient=True,
        redirect_stdout=False,
    )


def _batches(
    found: Iterable[Sample | Failure], outcome: Outcome, say: "_Speaker"
) -> Iterator[list[Sample]]:
    batch: list[Sample] = []
    for each in found:
        if isinstance(each, Failure):
            outcome.failed += 1
            say.failure(each)
        else:
            batch.append(each)
        if len(batch) == BATCH_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch


def _answers(predictor: Predictor, batch: list[Sample]) -> Iterator[Answer]:
    inputs = np.stack([sample.values for sample in batch])
    return map(Answer, batch, predictor.rank(predictor.logits(inputs)))


class _Speaker:
    """Says on stderr what failed: all of it, but for a file with hundreds of bad lines."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._file = ""
        self._said = 0

    def failure(self, failure: Failure) -> None:
        """Say what is wrong with an input."""
        place = failure.place
        if not place.part or place.file != self._file:
            self.close()
            self._file = place.file
        self._said += 1
        if self._said <= MOST_REASONS:
            self._print(f"{place}: {failure.reason}")

    def close(self) -> None:
        """Say how many more there were of the last file."""
        if self._said > MOST_REASONS:
            self._print(f"{self._file}: {self._said - MOST_REASONS:,} more like these")
        self._file, self._said = "", 0

    def _print(self, text: str) -> None:
        if self._progress.disable:
            print(f"sizewise: {text}", file=sys.stderr, flush=True)
        else:
            self._progress.console.print(
                f"sizewise: {text}", markup=False, highlight=False, soft_wrap=True
            )


@contextmanager
def _writing(output: Path | None, overwrite: bool) -> Iterator[Callable[[Answer], None]]:
    """Yield what takes each answer."""
    if output is None:
        yield _print
        return
    if output.is_dir():
        raise UserError(f"{output} is a folder; expected a file for --output")
    if output.exists() and not overwrite:
        raise UserError(f"{output} exists; choose another --output, or add --overwrite")
    partial = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        with partial.open("x", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            yield lambda answer: rows.writerow(_row(answer))
        if output.exists() and not overwrite:
            raise UserError(f"{output} has appeared meanwhile; choose another, or add --overwrite")
        os.replace(partial, output)
    except OSError as error:
        raise UserError(f"{output} can't be written ({error.strerror})") from error
    finally:
        with suppress(OSError):  # it may be what could not be made
            partial.unlink()


def _row(answer: Answer) -> list[str]:
    label, share, runner_up, less = answer.prediction
    second = ["", ""] if less is None else [str(runner_up), f"{less:.6f}"]
    return [str(answer.sample.place), label, f"{share:.6f}", *second, _words(answer.sample.done)]


def _print(answer: Answer) -> None:
    label, share, runner_up, less = answer.prediction
    line = f"{answer.sample.place}  {label}  {share:.1%}"
    if less is not None:
        line += f"  (then {runner_up}, {less:.1%})"
    print(f"{line}  [{_words(answer.sample.done)}]" if answer.sample.done else line)


def _words(done: tuple[Step, ...]) -> str:
    return ", ".join(map(str, done))
