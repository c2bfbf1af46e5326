"""What a task is to the rest of sizewise.

Shapes: B samples in a batch; outputs and targets as the task has them, in their files.
"""

from typing import Protocol

import numpy as np
from torch import Tensor

from sizewise.records import Measure


class Task(Protocol):
    """How a network's outputs are judged, sample by sample."""

    measure: Measure  # what `errors` are

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return what training minimises the mean of, (B,)."""

    def errors(self, outputs: Tensor, targets: Tensor, losses: Tensor) -> Tensor:
        """Return what sizes are compared by, (B,), float; it falls as a network gets better.

        `losses` is what the method of that name returned for the same batch.
        """

    def tally(self, num_outputs: int) -> "Tally | None":
        """Return what the task measures of the test set besides, with nothing in it yet."""


class Tally(Protocol):
    """Sums over batches: what a task tells of the test set beyond its measure."""

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Take in a batch."""

    def scores(self) -> dict[str, float]:
        """Return single numbers by name."""

    def tables(self) -> dict[str, np.ndarray]:
        """Return tables of counts by name, each kept as a file beside the run."""
