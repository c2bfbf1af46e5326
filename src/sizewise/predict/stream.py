"""Inputs predicted in batches: a line for each, in the memory of one batch."""

import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from sizewise.data.files.conform import form_of
from sizewise.data.files.familiar import Tally, unlike
from sizewise.data.files.reader import Failure, Found, Opened, Sample, read
from sizewise.data.own.named import channels
from sizewise.predict.answers import Answer, writing
from sizewise.predict.predictor import TOO_LARGE, Estimate, Prediction, Predictor

BATCH_SIZE = 100
MOST_REASONS = 20  # shown of one file


class Counts:
    """How many inputs are expected, and were predicted, failed, and passed over in folders.

    Of them, `unlike` counts the predicted ones that are unlike all that was trained on, and
    `adapted` those that steps brought to the set's form, by the kinds of the steps. All failures
    are said, but for a file with hundreds of bad lines, and a warning once a group.

    Args:
        tally: makes one, of the samples that the network was trained on.
        console: takes what is said.
        expected: about how many inputs there are, for all that is known.
    """

    def __init__(self, tally: Callable[[], Tally], console: Console, expected: int) -> None:
        self.expected = expected
        self.predicted = self.failed = self.skipped = self.unlike = 0
        self.adapted: Counter[tuple[str, ...]] = Counter()
        self.tally, self._console = tally, console
        self._bad: Counter[str] = Counter()  # lines and samples of each file
        self._group, self._tally = "", tally()

    def take(self, found: Found | Answer) -> None:
        """Take a file or an input into account."""
        match found:
            case Opened(file, expected, skipped, done):
                self.expected += expected - 1
                self.skipped += skipped
                if done:
                    self._say(f"{file}: {'; '.join(map(str, done))}")
            case Failure(place, reason):
                self.failed += 1
                if place.part:
                    self._bad[place.file] += 1
                if not place.part or self._bad[place.file] <= MOST_REASONS:
                    self._say(f"{place}: {reason}")
            case Answer(sample, _, is_unlike):
                self.predicted += 1
                self.unlike += is_unlike
                if sample.done:
                    self.adapted[tuple(step.kind for step in sample.done)] += 1
                if sample.group != self._group:
                    self._end_group(sample.group)
                self._tally.add(sample.values, is_unlike)

    def close(self) -> None:
        """Say what is left to say, at the end."""
        self._end_group()
        for file, count in self._bad.items():
            if count > MOST_REASONS:
                self._say(f"{file}: {count - MOST_REASONS:,} more like these")

    def _end_group(self, following: str = "") -> None:
        if self._tally.unlike:
            self._say(f"{self._group}: {self._tally.warning()}")
        self._group, self._tally = following, self.tally()

    def _say(self, text: str) -> None:
        self._console.print(f"sizewise: {text}", soft_wrap=True)


def predict_files(
    predictor: Predictor,
    paths: list[Path],
    output: Path | None,
    *,
    overwrite: bool = False,
    strict: bool = False,
) -> Counts:
    """Predict each input of files and folders, and say on stderr what could not be read.

    Args:
        predictor: the network.
        paths: of images, sounds, .csv, .npy and .npz files, and folders of them; for a network
            that was trained on a table, of .csv and .parquet files whose first line names the
            columns.
        output: a CSV to write, which appears when all is predicted; None prints lines on stdout.
        overwrite: whether the CSV may take the place of a file.
        strict: whether inputs unlike all that was trained on fail, in place of a warning.

    Raises:
        UserError: the CSV can't be written, or is there already.
    """
    screen = Console(stderr=True, markup=False, emoji=False, highlight=False)
    bar = ("predicting", BarColumn(bar_width=30), MofNCompleteColumn(), TimeRemainingColumn())
    # Where the answers themselves fill the screen there is no bar.
    off = not screen.is_terminal or (output is None and sys.stdout.isatty())
    progress = Progress(*bar, console=screen, disable=off, transient=True, redirect_stdout=False)
    form = form_of(predictor.spec, predictor.normalisation)
    tally = partial(Tally, predictor.normalisation, channels(form.table) if form.table else ())
    counts = Counts(tally, screen, expected=len(paths))
    found = read(paths, form)
    kind = Estimate if predictor.spec.task == "regress" else Prediction
    with writing(output, overwrite, paths, kind) as write, progress:
        task = progress.add_task("")
        while batch := list(itertools.islice(found, BATCH_SIZE)):
            for each in _answer(predictor, batch, counts.tally if strict else None):
                counts.take(each)
                if isinstance(each, Answer):
                    write(each)
            done = counts.predicted + counts.failed
            progress.update(task, completed=done, total=counts.expected)
        counts.close()
    return counts


def _answer(
    predictor: Predictor, batch: list[Found], refusing: Callable[[], Tally] | None
) -> Iterator[Found | Answer]:
    """Yield what comes of each of a batch, in its order.

    Args:
        predictor: the network.
        batch: up to `BATCH_SIZE`.
        refusing: makes what says why an unlike one is refused, if it is.
    """
    samples = [each for each in batch if isinstance(each, Sample)]
    answers: Iterator[Answer] = iter(())
    if samples:
        inputs = np.stack([sample.values for sample in samples])
        found = predictor.answers(predictor.logits(inputs))
        strange = unlike(inputs, predictor.normalisation).tolist()
        answers = map(Answer, samples, found, strange)
    for each in batch:
        if not isinstance(each, Sample):
            yield each
        elif not (answer := next(answers)).prediction.is_finite:
            yield Failure(each.place, TOO_LARGE)
        elif refusing and answer.unlike:
            yield Failure(each.place, refusing().add(each.values, unlike=True).warning())
        else:
            yield answer
