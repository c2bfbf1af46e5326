"""A saved network applied to inputs as the data set has them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sizewise.data import Normalisation
from sizewise.errors import UserError
from sizewise.models import Architecture
from sizewise.predict import Predictor
from sizewise.training.checkpoint import SavedModel, load_model, save_model
from tests.builders import make_model, make_spec

SHAPE = (2, 5)


@pytest.fixture
def predictor(tmp_path: Path) -> Predictor:
    saved = SavedModel(
        spec=make_spec(SHAPE),
        normalisation=Normalisation([3.0, -1.0], [2.0, 0.5]),
        architecture=Architecture("mlp", 6, 2),
        weights=make_model("mlp", 6, SHAPE, seed=3).state_dict(),
    )
    save_model(tmp_path / "model.pt", saved)
    return Predictor(load_model(tmp_path / "model.pt"))


@pytest.mark.parametrize("num_samples", [1, 1000, 2345])
def test_probabilities_are_those_of_the_network_on_normalised_inputs(
    predictor: Predictor, num_samples: int
) -> None:
    inputs = np.random.default_rng(0).normal(size=(num_samples, *SHAPE))
    normalised = (inputs - [[3.0], [-1.0]]) / [[2.0], [0.5]]
    model = make_model("mlp", 6, SHAPE, seed=3)
    expected = model(torch.from_numpy(normalised).float()).softmax(dim=1)
    probabilities = predictor.predict(inputs)
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities, expected.detach().numpy(), atol=1e-6)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 2, 6), (4, 10), SHAPE], ids=str)
def test_inputs_of_another_shape_are_refused(predictor: Predictor, shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"don't fit a network trained on made-up: .*\(N, 2, 5\)"):
        predictor.predict(np.zeros(shape))
