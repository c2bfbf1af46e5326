"""What answers attend to in test samples."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from sizewise.config import Config
from sizewise.data import load
from sizewise.errors import UserError
from sizewise.models import Architecture, build
from sizewise.predict.alignment import align
from sizewise.training.checkpoint import SavedModel

Compose = Callable[..., Config]
DATA = ("data=reverse", "data.num_samples=300", "data.length=5", "data.shortest=2")


def saved(config: Config, family: str) -> SavedModel:
    dataset, architecture = load(config.data, seed=0), Architecture(family, 8)
    torch.manual_seed(0)
    model = build(dataset.spec, architecture)
    return SavedModel(dataset.spec, dataset.normalisation, architecture, model.state_dict())


def test_each_step_of_an_answer_has_weights_over_what_was_given(compose: Compose) -> None:
    config = compose(*DATA)
    found = align(saved(config, "seq2seq_additive"), config.data, 6, seed=1)

    assert len(found) == 6
    for each in found:
        assert each.weights.shape == (len(each.answer), len(each.given))
        assert np.allclose(each.weights.sum(axis=1), 1)
        assert each.right == [each.given[::-1]]
        assert 2 <= len(each.given) <= 5


def test_without_attention_there_is_nothing_to_look_at(compose: Compose) -> None:
    config = compose(*DATA)
    with pytest.raises(UserError, match="model=seq2seq has no attention to look at: expected"):
        align(saved(config, "seq2seq"), config.data, 6, seed=1)
