"""Which of the two ways there are fits a model to a data set."""

from contextlib import AbstractContextManager
from typing import Protocol

from torch import nn

from sizewise.config import Config
from sizewise.data.dataset import Dataset
from sizewise.models import Classical
from sizewise.training.checkpoint import Checkpoint
from sizewise.training.classical import SettingsSearch
from sizewise.training.fitted import Fitted, Log, LogSteps
from sizewise.training.loop import GradientSteps


class Learner(Protocol):
    """Fits one model."""

    @property
    def unit(self) -> str:
        """What it counts: `epoch` or `setting`."""

    @property
    def most(self) -> int:
        """How many of them it trains or tries at most."""

    def fit(self, dataset: Dataset, log: Log, checkpoint: Checkpoint) -> Fitted:
        """Fit the model in place, without reading the test split, and leave it at its best."""

    def limits(self) -> AbstractContextManager[None]:
        """Hold other libraries than PyTorch to its number of threads, until the run has ended."""


def learner_of(model: nn.Module, config: Config, log_steps: LogSteps | None = None) -> Learner:
    """Return what fits a freshly built model of `config`, whose precision is settled."""
    if isinstance(model, Classical):
        return SettingsSearch(model, config.seed)
    return GradientSteps(model, config.training, config.seed, config.precision, log_steps)
