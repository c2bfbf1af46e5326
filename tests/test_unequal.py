"""Sequences of unequal length from training to every use of the trained network."""

import csv
import json
import re
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import pytest
import torch

from sizewise.apply.export import export
from sizewise.apply.reproduce import reproduce
from sizewise.apply.runs import recorded_config
from sizewise.errors import Interrupted
from sizewise.predict import Predictor, load
from sizewise.predict.fetch import load_run
from sizewise.predict.stream import predict_files
from sizewise.run.run import run
from sizewise.serve.models import Served, Shelf
from sizewise.tracking.artifacts import read_record
from sizewise.tracking.queries import StoredRun
from sizewise.tracking.resolve import find_run
from sizewise.tracking.store import Store, open_store
from sizewise.training.checkpoint import load_model
from tests.lab import make_config
from tests.serve.conftest import serving

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's and the ONNX exporter's own

NETWORKS = {"lstm": (4, 1), "attention": (4, None), "cnn": (2, None)}
FAMILIES = NETWORKS | {"random_forest": (9, None)}
CLASSES = np.array(["even", "odd"])


def signals(count: int, seed: int) -> dict[str, Any]:
    """Return sequences of 3 to 9 steps whose sign is their class, with 99 for what is not read."""
    rng = np.random.default_rng(seed)
    lengths, classes = rng.integers(3, 10, count), rng.integers(0, 2, count)
    x = rng.normal(size=(count, 2, 9)) + (2.0 * classes - 1)[:, None, None]
    x[np.broadcast_to(np.arange(9) >= lengths[:, None, None], x.shape)] = 99.0
    return {"x": x.astype(np.float32), "y": CLASSES[classes], "lengths": lengths}


class Trained(NamedTuple):
    store: Store
    runs: dict[str, StoredRun]

    def predictor(self, family: str) -> Predictor:
        predictor = load_run(self.store, self.runs[family])
        assert isinstance(predictor, Predictor)
        return predictor


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("unequal")
    np.savez(folder / "signals.npz", **signals(150, 0))
    runs = {}
    for family, (width, depth) in FAMILIES.items():
        shape = (f"model={family}", f"model.width={width}", f"model.depth={depth or 'null'}")
        own = ("data=arrays", f"data.path={folder / 'signals.npz'}", "training.epochs=6")
        config = make_config(folder, *shape, *own, "training.batch_size=16", "threads=1")
        record = run(config, folder / family, quiet=True)
        assert record.error() < 0.2
        store = open_store(config.tracking)
        runs[family] = find_run(store, record.run_id)
    return Trained(store, runs)


def alone(predictor: Predictor, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Return the probabilities of each sequence, asked by itself and without padding."""
    mean, std = (np.array(each)[:, None] for each in predictor.normalisation[:2])
    answers = []
    for sample, length in zip(arrays["x"], arrays["lengths"], strict=True):
        scaled = torch.tensor((sample[:, :length] - mean) / std, dtype=torch.float32)
        with torch.no_grad():
            answers.append(predictor.model(scaled[None]).softmax(dim=1).numpy())
    return np.concatenate(answers)


@pytest.mark.parametrize("family", FAMILIES)
def test_new_sequences_are_predicted_as_if_each_were_alone(
    trained: Trained, family: str, tmp_path: Path
) -> None:
    predictor, new = trained.predictor(family), signals(30, 1)
    expected = alone(predictor, new).max(axis=1)
    padded = np.where(np.arange(9) < new["lengths"][:, None, None], new["x"], np.nan)
    np.savez(tmp_path / "new.npz", x=new["x"], lengths=new["lengths"])
    np.save(tmp_path / "new.npy", padded)
    for name in ("new.npz", "new.npy"):
        outcome = predict_files(predictor, [tmp_path / name], tmp_path / f"{name}.csv")
        assert (outcome.predicted, outcome.failed) == (30, 0)
        with (tmp_path / f"{name}.csv").open(newline="") as file:
            shares = [float(row["probability"]) for row in csv.DictReader(file)]
        assert shares == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": np.ones((2, 2, 10))}, "a sequence of 10 steps; expected 1 to 9"),
        ({"x": np.ones((2, 3, 5))}, r"shape \(3, 5\); expected \(2, up to 9\)"),
        ({"x": np.full((2, 2, 5), np.nan)}, "a sequence of 0 steps"),
        ({"x": np.array([[[1, np.nan, 2], [1, 2, 3.0]]] * 2)}, "NaN, .* before its end"),
        ({"x": np.ones((2, 2, 9)), "lengths": np.array([3, 10])}, "2 whole numbers from 1 to 9"),
        ({"x": np.ones((2, 2, 9)), "lengths": np.array([3])}, "2 whole numbers from 1 to 9"),
    ],
)
def test_what_does_not_fit_is_said(
    trained: Trained,
    arrays: dict[str, Any],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    np.savez(tmp_path / "new.npz", **arrays)
    outcome = predict_files(trained.predictor("cnn"), [tmp_path / "new.npz"], None)
    assert outcome.predicted == 0
    assert outcome.failed
    assert re.search(words, capsys.readouterr().err)


@pytest.mark.parametrize("family", NETWORKS)
def test_it_is_exported_with_its_lengths(trained: Trained, family: str, tmp_path: Path) -> None:
    store, stored = trained.store, trained.runs[family]
    export(store, stored, "torch", tmp_path / "torch")
    done = export(store, stored, "onnx", tmp_path / "onnx")
    assert "checked against PyTorch" in done
    new = signals(20, 2)
    inputs = np.where(np.arange(9) < new["lengths"][:, None, None], new["x"], np.nan)
    expected = alone(trained.predictor(family), new)
    assert load(tmp_path / "torch/model.pt").predict(inputs) == pytest.approx(expected, abs=1e-6)
    session = onnxruntime.InferenceSession(str(tmp_path / "onnx/model.onnx"))
    (found,) = session.run(None, {"inputs": inputs.astype(np.float32)})
    assert found == pytest.approx(expected, abs=1e-5)


def test_it_is_reproduced_to_the_bit(trained: Trained) -> None:
    assert reproduce(trained.store, trained.runs["lstm"]).differences == []


def test_an_interrupted_run_goes_on_to_the_same_weights(trained: Trained, tmp_path: Path) -> None:
    recorded = recorded_config(trained.store, trained.runs["attention"])
    config, steps = recorded.model_copy(update={"seed": 7}), iter(range(20))
    with pytest.raises(Interrupted):
        run(config, tmp_path / "first", quiet=True, asked_to_stop=lambda: next(steps, None) is None)
    resumed = run(config, tmp_path / "again", quiet=True, take_up=True)
    assert Path(resumed.folder).name == "first"
    run(config, tmp_path / "whole", quiet=True)
    weights = [load_model(tmp_path / name / "model.pt").weights for name in ("first", "whole")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_it_is_served(trained: Trained) -> None:
    stored = trained.runs["lstm"]
    data = recorded_config(trained.store, stored).data
    served = Served(trained.predictor("lstm"), read_record(trained.store, stored))
    new = signals(3, 3)
    pairs = list(zip(new["x"], new["lengths"], strict=True))
    body = {"inputs": [sample[:, :length].tolist() for sample, length in pairs]}
    with serving(Shelf([served], data)) as url:
        request = urllib.request.Request(f"{url}/predict", json.dumps(body).encode())
        with urllib.request.urlopen(request) as response:
            predictions = json.load(response)["answers"][0]["predictions"]
        with urllib.request.urlopen(f"{url}/sample?index=0") as response:
            (sample,) = json.load(response)["inputs"]
    found = [each["probabilities"] for each in predictions]
    assert np.array(found) == pytest.approx(alone(served.predictor, new), abs=1e-6)
    assert 3 <= len(sample[0]) == len(sample[1]) <= 9
