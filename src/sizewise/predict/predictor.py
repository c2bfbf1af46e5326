"""Apply a trained network to new inputs."""

import math
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from sizewise.data import DataSpec, Normalisation
from sizewise.data.lengths import parted
from sizewise.data.own.named import to_inputs
from sizewise.errors import UserError
from sizewise.predict.trust import check_code
from sizewise.training.checkpoint import SavedModel

BATCH_SIZE = 1000
TASKS = ("balanced", "classify", "regress")  # whose answer is a class or a number
TOO_LARGE = "the network has no finite answer to numbers as large as these"


class Prediction(NamedTuple):
    """The likeliest class of one input and the next; the latter None where there is one class."""

    label: str
    probability: float
    runner_up: str | None
    runner_up_probability: float | None

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.probability)


class Estimate(NamedTuple):
    """The number that a network tells of one input, in the target's own unit."""

    value: float

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.value)


def answer_of(outputs: Tensor, spec: DataSpec) -> Tensor:
    """Return class probabilities (B, K), or numbers (B, 1) in the target's own unit.

    Args:
        outputs: of a network, (B, K).
        spec: that it was trained on.
    """
    if spec.task != "regress":
        return torch.softmax(outputs, dim=1)
    assert spec.table is not None
    return outputs * spec.table.std + spec.table.mean


class Deployed(nn.Module):
    """A network with its normalisation before it and `answer_of` behind it.

    It maps inputs (B, C, *S), as the data set has them, to class probabilities (B, K) or numbers
    (B, 1). Sequences that end early are NaN from there on.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, normalisation: Normalisation, spec: DataSpec) -> None:
        super().__init__()
        shape = (1, -1) + (1,) * len(spec.spatial_shape)
        self.model, self.spec = model, spec
        self.register_buffer("mean", torch.tensor(normalisation.mean).view(shape))
        self.register_buffer("std", torch.tensor(normalisation.std).view(shape))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the answers."""
        scaled = (inputs - self.mean) / self.std
        given = parted(scaled) if self.spec.unequal else (scaled,)
        return answer_of(self.model(*given), self.spec)


class Predictor:
    """A trained network that takes inputs as the data set has them, not yet normalised.

    Args:
        saved: the network.
        allow_code: classes that are not sizewise's own and may be imported: `check_code`.

    Raises:
        UserError: the network is of such a class, and it is not allowed; or it answers prompts.
    """

    def __init__(self, saved: SavedModel, allow_code: Collection[str] = ()) -> None:
        check_code(saved.architecture.target, allow_code)
        if saved.spec.task not in TASKS:
            raise UserError(
                f"a network trained on {saved.spec.name} tells neither classes nor a number: "
                "expected a run on images, sequences or tables"
            )
        self.spec = saved.spec
        self.normalisation = saved.normalisation
        self.model = saved.build()

    def predict(self, inputs: np.ndarray | pd.DataFrame) -> np.ndarray:
        """Return class probabilities (N, K) or numbers in the target's own unit (N, 1), float32.

        Args:
            inputs: (N, C, *S); or a table with the columns that the network was trained on, in any
                order, of which sequences are answered in the order of their ids.

        Raises:
            UserError: the inputs have another shape than the network was trained on; or a table
                lacks a column, or has a value that can't be read.
        """
        if isinstance(inputs, pd.DataFrame):
            inputs = self.read_table(inputs)
        return np.asarray(answer_of(self.logits(inputs), self.spec))

    def read_table(self, table: pd.DataFrame) -> np.ndarray:
        """Return a table's rows or sequences as inputs (N, C, T): see `predict`."""
        if self.spec.table is None:
            raise UserError(f"the network was trained on {self.spec.name}, which is no table")
        return to_inputs(
            table, self.spec.table, self.spec.input_shape[-1], unequal=self.spec.unequal
        )

    @torch.no_grad()
    def logits(self, inputs: np.ndarray) -> Tensor:
        """Return the network's own outputs, (N, K), for inputs (N, C, *S): logits of classes.

        Sequences that end early are NaN from there on.

        Raises:
            UserError: the inputs have another shape than the network was trained on.
        """
        inputs = np.asarray(inputs)
        if inputs.shape[1:] != self.spec.input_shape:
            raise UserError(
                f"inputs of shape {inputs.shape} don't fit a network trained on {self.spec.name}: "
                f"expected (N, {', '.join(map(str, self.spec.input_shape))})"
            )
        batches = self.normalisation.apply(inputs).split(BATCH_SIZE)
        given = (parted(batch) if self.spec.unequal else (batch,) for batch in batches)
        return torch.cat([self.model(*each).float() for each in given])

    def answers(self, outputs: Tensor) -> list[Prediction] | list[Estimate]:
        """Return what each row of outputs (N, K) says."""
        if self.spec.task == "regress":
            numbers = answer_of(outputs.double(), self.spec)  # float32 has seven digits
            return [Estimate(value) for (value,) in numbers.tolist()]
        return self.rank(outputs)

    def rank(self, logits: Tensor) -> list[Prediction]:
        """Return the two likeliest classes of each row of logits (N, K).

        They are ranked by their logits, since two probabilities can round to the same number, and
        of equals the first is taken, as argmax does in a run's scores.
        """
        names = self.spec.class_names
        order = logits.sort(dim=1, descending=True, stable=True).indices[:, :2]
        chances = logits.softmax(dim=1).gather(1, order).tolist()
        predictions = []
        for ranks, shares in zip(order.tolist(), chances, strict=True):
            second = (names[ranks[1]], shares[1]) if len(ranks) > 1 else (None, None)
            predictions.append(Prediction(names[ranks[0]], shares[0], *second))
        return predictions
