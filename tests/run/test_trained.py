"""Runs that are scored again on other test samples, without training."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sizewise import sample_errors
from sizewise.config import Config
from sizewise.records import RunRecord
from sizewise.run.run import run
from sizewise.training.checkpoint import load_model
from sizewise.training.classical import SettingsSearch
from sizewise.training.loop import GradientSteps
from tests.lab import CONF
from tests.processes import command, make_store, train

NETWORK = ("model=cnn", "size=300", "training.epochs=2")


@pytest.fixture
def trained(compose: Callable[..., Config], tmp_path: Path) -> Callable[..., RunRecord]:
    """Return a function that trains a run of a small set, taking up what is finished."""
    make_store(tmp_path / "mlflow.db")
    store = f"tracking.uri=sqlite:///{tmp_path}/mlflow.db"
    own = (store, f"tracking.artifacts={tmp_path}/artifacts", "data.num_samples=200", "threads=1")

    def train(folder: str, *overrides: str) -> RunRecord:
        config = compose(*own, *overrides)
        return run(config, tmp_path / folder, quiet=True, take_up=True, asked_to_stop=lambda: False)

    return train


@pytest.mark.parametrize("model", [NETWORK, ("model=knn", "features=raw")])
def test_more_test_samples_need_no_training(
    trained: Callable[..., RunRecord],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: tuple[str, ...],
) -> None:
    first = trained("first", *model)
    for learner in (GradientSteps, SettingsSearch):
        monkeypatch.setattr(learner, "fit", None)
    more = trained("more", *model, "data.test_samples=300")

    assert more.run_id != first.run_id
    assert more.run_key != first.run_key
    assert more.test_fingerprint != first.test_fingerprint
    saved = [load_model(tmp_path / name / "model.pt").weights for name in ("first", "more")]
    assert saved[0].keys() == saved[1].keys()
    assert all(torch.equal(saved[0][name], saved[1][name]) for name in saved[0])
    assert (more.history, more.best_epoch, more.steps) == (
        *(first.history, first.best_epoch, first.steps),
    )
    assert more.metrics["cost/train_seconds"] == first.metrics["cost/train_seconds"]

    errors = [sample_errors.unpack(each.sample_errors or "") for each in (first, more)]
    assert list(errors[1][:40]) == list(errors[0])
    assert len(errors[1]) == 300
    assert more.error() == pytest.approx(errors[1].mean())


def test_what_would_be_trained_otherwise_is_trained(
    trained: Callable[..., RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained("first", *NETWORK)
    monkeypatch.setattr(GradientSteps, "fit", None)
    with pytest.raises(TypeError):
        trained("more", *NETWORK, "data.test_samples=300", "seed=1")


def test_a_plan_tells_what_is_only_scored_again(tmp_path: Path) -> None:
    few = ("model=cnn", "size=300", "data.num_samples=200", "training.epochs=1", "threads=1")
    (tmp_path / "conf").symlink_to(CONF)
    assert train(tmp_path, "-m", *few, "seed=0", "hydra/launcher=basic").returncode == 0
    more = command(tmp_path, "plan", "-m", *few, "seed=0,1", "data.test_samples=300")
    assert "2 to run: about" in more.stdout, more.stderr
    assert "1 only scored again" in more.stdout
