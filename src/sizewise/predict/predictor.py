"""Apply a trained network to new inputs."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sizewise.data import DataSpec, Normalisation
from sizewise.data.lengths import parted
from sizewise.errors import UserError
from sizewise.predict.trust import check_code
from sizewise.training.checkpoint import SavedModel, load_model

BATCH_SIZE = 1000
TOO_LARGE = "the network has no finite answer to numbers as large as these"


class Prediction(NamedTuple):
    """The likeliest class of one input and the next; the latter None where there is one class."""

    label: str
    probability: float
    runner_up: str | None
    runner_up_probability: float | None


class Deployed(nn.Module):
    """A network with its normalisation before it and softmax behind it.

    It maps inputs (B, C, *S), as the data set has them, to class probabilities (B, K). Sequences
    that end early are NaN from there on.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, normalisation: Normalisation, spec: DataSpec) -> None:
        super().__init__()
        shape = (1, -1) + (1,) * len(spec.spatial_shape)
        self.model = model
        self.unequal = spec.unequal
        self.register_buffer("mean", torch.tensor(normalisation.mean).view(shape))
        self.register_buffer("std", torch.tensor(normalisation.std).view(shape))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return class probabilities."""
        scaled = (inputs - self.mean) / self.std
        given = parted(scaled) if self.unequal else (scaled,)
        return torch.softmax(self.model(*given), dim=1)


class Predictor:
    """A trained network that takes inputs as the data set has them, not yet normalised.

    Args:
        saved: the network.
        allow_code: classes that are not sizewise's own and may be imported: `check_code`.

    Raises:
        UserError: the network is of such a class, and it is not allowed; or it reads text.
    """

    def __init__(self, saved: SavedModel, allow_code: Collection[str] = ()) -> None:
        check_code(saved.architecture.target, allow_code)
        if not saved.spec.class_names:
            raise UserError(
                f"a network trained on {saved.spec.name} tells no classes, and only those can be "
                "asked for yet: expected a run on images, sequences or tables"
            )
        self.spec = saved.spec
        self.normalisation = saved.normalisation
        self.model = saved.build()

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return class probabilities (N, K), float32, for inputs (N, C, *S).

        Raises:
            UserError: the inputs have another shape than the network was trained on.
        """
        return np.asarray(self.logits(inputs).softmax(dim=1))

    @torch.no_grad()
    def logits(self, inputs: np.ndarray) -> Tensor:
        """Return logits (N, K) for inputs (N, C, *S); sequences that end early are NaN from there.

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


def load(path: str | Path, allow_code: Collection[str] = ()) -> Predictor:
    """Return the network in a file `model.pt`. Exported folders call this: it keeps its name.

    Args:
        path: of the file.
        allow_code: classes that are not sizewise's own and may be imported: `check_code`.

    Raises:
        UserError: the file is no network's, or its class is not allowed.
    """
    return Predictor(load_model(Path(path)), allow_code)


def _load_pyfunc(path: str) -> Predictor:
    """MLflow's hook: it calls this to serve a logged model.

    A class of the user's own is allowed: whoever has MLflow load a model runs the code that lies
    beside its weights, this function included.
    """
    saved = load_model(Path(path))
    target = saved.architecture.target
    return Predictor(saved, (target,) if target else ())
