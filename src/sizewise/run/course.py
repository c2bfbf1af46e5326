"""How far a run is: known beforehand in steps, and told as they are taken."""

import math
import time
from collections.abc import Callable
from pathlib import Path

from sizewise.config import TrainingConfig
from sizewise.screen import Course
from sizewise.training.checkpoint import Checkpoint
from sizewise.training.loop import total_steps
from sizewise.training.state import TrainState

SECONDS = 1.0  # between words of steps


def course_of(config: TrainingConfig, num_samples: int) -> Course:
    """Return what a network's training goes through on so many samples."""
    each = math.ceil(num_samples / config.batch_size)
    return Course("epoch", total_steps(config, num_samples), each)


class Watched(Checkpoint):
    """A checkpoint that tells once a second how many steps are done, and at the first.

    It is called after each step anyway, so that the training loop needs to know nothing of it.

    Args:
        path, key, minutes, asked_to_stop: see `Checkpoint`.
        tell: is called with the steps that are done.
    """

    def __init__(
        self,
        path: Path,
        key: str,
        minutes: float,
        asked_to_stop: Callable[[], bool],
        tell: Callable[[int], None],
    ) -> None:
        super().__init__(path, key, minutes, asked_to_stop)
        self._tell = tell
        self._tell_at = -math.inf

    def after_step(self, state: TrainState) -> None:
        """Tell if it is time to, and do what a checkpoint does."""
        now = time.monotonic()
        if now >= self._tell_at:
            self._tell_at = now + SECONDS
            self._tell(state.step)
        super().after_step(state)
