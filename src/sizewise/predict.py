"""Apply a trained network to new inputs."""

from pathlib import Path

import numpy as np
import torch

from sizewise.errors import UserError
from sizewise.training.checkpoint import SavedModel, load_model

BATCH_SIZE = 1000


class Predictor:
    """A trained network that takes inputs as the data set has them, not yet normalised."""

    def __init__(self, saved: SavedModel) -> None:
        self.spec = saved.spec
        self._normalisation = saved.normalisation
        self._model = saved.build()

    @torch.no_grad()
    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return class probabilities (N, K), float32, for inputs (N, C, *S).

        Raises:
            UserError: the inputs have another shape than the network was trained on.
        """
        inputs = np.asarray(inputs)
        if inputs.shape[1:] != self.spec.input_shape:
            raise UserError(
                f"inputs of shape {inputs.shape} don't fit a network trained on {self.spec.name}: "
                f"expected (N, {', '.join(map(str, self.spec.input_shape))})"
            )
        batches = self._normalisation.apply(inputs).split(BATCH_SIZE)
        return torch.cat([self._model(batch).softmax(dim=1) for batch in batches]).numpy()


def _load_pyfunc(path: str) -> Predictor:
    """MLflow's hook: it calls this to serve a logged model."""
    return Predictor(load_model(Path(path)))
