"""Inputs predicted in batches: a line for each, in the memory of one batch."""

import itertools
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sizewise.predict.familiar import Familiar, Tally
from sizewise.predict.inputs import Failure, Reader, Sample
from sizewise.predict.predictor import Predictor
from sizewise.predict.speaker import Speaker
from sizewise.predict.table import Answer, writing

BATCH_SIZE = 100
TOO_LARGE = "the network has no finite answer to numbers as large as these"


@dataclass
class Outcome:
    """How many inputs were predicted, failed, and passed over in folders.

    `unlike` counts the predicted ones that are unlike all that was trained on, and `adapted` those
    that steps brought to the set's form, by the kinds of the steps.
    """

    predicted: int = 0
    failed: int = 0
    skipped: int = 0
    unlike: int = 0
    adapted: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def count(self, found: Answer | Failure) -> None:
        """Take an input into account."""
        if isinstance(found, Failure):
            self.failed += 1
            return
        self.predicted += 1
        self.unlike += found.unlike
        if found.sample.done:
            self.adapted[tuple(step.kind for step in found.sample.done)] += 1


def predict_files(
    predictor: Predictor,
    paths: list[Path],
    output: Path | None,
    *,
    overwrite: bool = False,
    strict: bool = False,
) -> Outcome:
    """Predict each input of files and folders, and say on stderr what could not be read.

    Args:
        predictor: the network.
        paths: of images, .csv, .npy and .npz files, and folders of them.
        output: a CSV to write, which appears when all is predicted; None prints lines on stdout.
        overwrite: whether the CSV may take the place of a file.
        strict: whether inputs unlike all that was trained on fail, in place of a warning.

    Raises:
        UserError: the CSV can't be written, or is there already.
    """
    outcome, familiar = Outcome(), Familiar(predictor.normalisation)
    progress = _progress(lines_on_screen=output is None and sys.stdout.isatty())
    speaker = Speaker(progress, familiar)
    reader = Reader(predictor.spec, predictor.normalisation, speaker.note)
    with writing(output, overwrite, paths) as write, progress:
        task = progress.add_task("", total=None if progress.disable else reader.count(paths))
        for batch in _batched(reader.read(paths)):
            for found in _answers(predictor, familiar, batch, strict):
                outcome.count(found)
                if isinstance(found, Failure):
                    speaker.failure(found)
                else:
                    write(found)
                    speaker.answer(found)
            progress.update(task, completed=outcome.predicted + outcome.failed)
        speaker.close()
    outcome.skipped = reader.skipped
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


def _batched(found: Iterable[Sample | Failure]) -> Iterator[list[Sample | Failure]]:
    found = iter(found)
    while batch := list(itertools.islice(found, BATCH_SIZE)):
        yield batch


def _answers(
    predictor: Predictor, familiar: Familiar, batch: list[Sample | Failure], strict: bool
) -> Iterator[Answer | Failure]:
    """Yield what comes of each of a batch, in its order."""
    samples = [each for each in batch if isinstance(each, Sample)]
    answered: Iterator[Answer] = iter(())
    if samples:
        inputs = np.stack([sample.values for sample in samples])
        ranked = predictor.rank(predictor.logits(inputs))
        answered = map(Answer, samples, ranked, familiar.unlike(inputs).tolist())
    for each in batch:
        if isinstance(each, Failure):
            yield each
            continue
        answer = next(answered)
        if math.isnan(answer.prediction.probability):
            yield Failure(each.place, TOO_LARGE)
        elif strict and answer.unlike:
            alone = Tally()
            alone.add(each.values, unlike=True)
            yield Failure(each.place, alone.warning(familiar.trained_on))
        else:
            yield answer
