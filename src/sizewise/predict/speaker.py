"""What is said on stderr of the inputs: what failed, how files are read, what looks unlike."""

import sys

from rich.progress import Progress

from sizewise.predict.familiar import Familiar, Tally
from sizewise.predict.inputs import Failure
from sizewise.predict.table import Answer

MOST_REASONS = 20  # shown of one file


class Speaker:
    """Says all that failed, but for a file with hundreds of bad lines, and warns once a group.

    Args:
        progress: the bar, above which the lines go.
        familiar: what the network was trained on.
    """

    def __init__(self, progress: Progress, familiar: Familiar) -> None:
        self._progress = progress
        self._familiar = familiar
        self._file = ""
        self._said = 0
        self._group = ""
        self._tally = Tally()

    def note(self, file: str, text: str) -> None:
        """Say how a file is read."""
        self._print(f"{file}: {text}")

    def failure(self, failure: Failure) -> None:
        """Say what is wrong with an input."""
        place = failure.place
        if not place.part or place.file != self._file:
            self._end_file()
            self._file = place.file
        self._said += 1
        if self._said <= MOST_REASONS:
            self._print(f"{place}: {failure.reason}")

    def answer(self, answer: Answer) -> None:
        """Take note of an answered input."""
        if answer.sample.group != self._group:
            self._end_group()
            self._group = answer.sample.group
        self._tally.add(answer.sample.values, answer.unlike)

    def close(self) -> None:
        """Say what is left to say, at the end."""
        self._end_file()
        self._end_group()

    def _end_file(self) -> None:
        if self._said > MOST_REASONS:
            self._print(f"{self._file}: {self._said - MOST_REASONS:,} more like these")
        self._file, self._said = "", 0

    def _end_group(self) -> None:
        if self._tally.unlike:
            warning = self._tally.warning(self._familiar.trained_on)
            self._print(f"{self._group}: {warning}")
        self._tally = Tally()

    def _print(self, text: str) -> None:
        if self._progress.disable:
            print(f"sizewise: {text}", file=sys.stderr, flush=True)
        else:
            self._progress.console.print(
                f"sizewise: {text}", markup=False, highlight=False, soft_wrap=True
            )
