"""A class that a file names is imported only if the user says so."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sizewise.errors import UserError
from sizewise.models import Architecture
from sizewise.predict import Predictor
from sizewise.predict.loading import _load_pyfunc
from sizewise.training.checkpoint import SavedModel, load_model, save_model
from tests.builders import make_saved

IMAGE = (1, 8, 8)


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SavedModel:
    """A network of a class whose module leaves a file behind when it is imported."""
    (tmp_path / "foreign_network.py").write_text(
        "from pathlib import Path\n"
        "from torch import nn\n"
        "Path('imported').touch()\n"
        "class Flat(nn.Sequential):\n"
        "    def __init__(self, spec, width):\n"
        "        super().__init__(nn.Flatten(), nn.Linear(spec.num_features, 10))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "foreign_network", raising=False)
    weight = torch.zeros(10, 64)
    return replace(
        make_saved(shape=IMAGE),
        architecture=Architecture("mlp", 10, target="foreign_network.Flat"),
        weights={"1.weight": weight, "1.bias": weight[:, 0]},
    )


@pytest.mark.parametrize("allowed", [(), ("foreign_network",), ("mine.Net", "Flat")], ids=str)
def test_a_foreign_class_is_not_imported(
    foreign: SavedModel, allowed: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"--allow-code foreign_network\.Flat$"):
        Predictor(foreign, allowed)
    assert not (tmp_path / "imported").exists()


def test_an_allowed_class_is(foreign: SavedModel, tmp_path: Path) -> None:
    probabilities = Predictor(foreign, ["foreign_network.Flat"]).predict(np.ones((2, *IMAGE)))
    assert probabilities.shape == (2, 10)
    assert (tmp_path / "imported").exists()


def test_mlflow_which_runs_the_code_beside_the_weights_anyway_loads_it(
    foreign: SavedModel, tmp_path: Path
) -> None:
    save_model(tmp_path / "model.pt", foreign)
    assert load_model(tmp_path / "model.pt").architecture.target == "foreign_network.Flat"
    assert _load_pyfunc(str(tmp_path / "model.pt")).spec == foreign.spec
