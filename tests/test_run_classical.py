"""A classical family goes through the same run as a network: record, MLflow, taking up."""

from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pytest

from sizewise.apply.runs import show
from sizewise.config import Config
from sizewise.data import load
from sizewise.errors import Interrupted, UserError
from sizewise.predict import Predictor
from sizewise.records import read_records
from sizewise.run.run import run
from sizewise.tracking.queries import list_runs
from sizewise.tracking.store import open_store
from sizewise.training.checkpoint import load_model
from tests.builders import whole

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred")  # MLflow's own

SMALL = ("data.num_samples=200", "data.validation_fraction=0.25", "threads=1")
CLOCKED = ("fit_seconds",)


@pytest.fixture
def config(compose: Callable[..., Config], tmp_path: Path) -> Callable[..., Config]:
    """Return a function from overrides to a small run's config, with a store of its own."""
    own = (
        f"tracking.uri=sqlite:///{tmp_path}/mlflow.db",
        f"tracking.artifacts={tmp_path}/artifacts",
    )
    return lambda *overrides: compose(*SMALL, *own, *overrides)


def stored(config: Config, run_id: str) -> mlflow.entities.Run:
    return open_store(config.tracking).client.get_run(run_id)


def test_the_record_and_mlflow_hold_what_a_networks_do(
    config: Callable[..., Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = config("model=random_forest", "model.width=5", "data.train_samples=60")
    record = run(wanted, tmp_path / "run")
    assert record.name == "random_forest-signal-w5-mnist1d-n60-s0"
    assert (record.parameters, record.size_asked, record.width) == (None, None, 5)
    assert (record.features, record.train_samples, record.steps) == ("signal", 60, 0)
    assert record.epochs == len(record.history) == 2
    assert read_records(tmp_path / "run/record.jsonl") == [record]

    found = stored(wanted, record.run_id)
    assert found.info.status == "FINISHED"
    assert found.data.params["features"] == "signal"
    assert "parameters" not in found.data.params
    assert "cost/parameters" not in found.data.metrics
    assert not {name for name in found.data.metrics if "flops" in name}
    for name in ("test/accuracy", "test/macro_f1", "cost/train_seconds", "cost/latency_ms_p50"):
        assert found.data.metrics[name] == pytest.approx(record.metrics[name])
    assert found.data.metrics["cost/model_bytes"] == (tmp_path / "run/model.pt").stat().st_size

    shown = capsys.readouterr().out
    assert "setting 2/2" in shown
    assert "best setting" in shown
    store = open_store(wanted.tracking)
    show(list_runs(store))
    shown = capsys.readouterr().out
    assert record.name in shown
    assert f"({record.metrics['cost/model_bytes'] / 1e3:,.0f} kB)" in shown


def test_the_saved_model_gives_the_logged_test_accuracy(
    config: Callable[..., Config], tmp_path: Path
) -> None:
    wanted = config("model=svm", "features=raw")
    record = run(wanted, tmp_path / "run", quiet=True)
    dataset = load(wanted.data, wanted.seed)
    inputs = (
        whole(dataset.test).inputs.numpy() * dataset.normalisation.std + dataset.normalisation.mean
    )
    predictor = Predictor(load_model(tmp_path / "run/model.pt"))
    predicted = predictor.predict(inputs).argmax(axis=1)
    accuracy = np.mean(predicted == whole(dataset.test).targets.numpy())
    assert record.metrics["test/accuracy"] == pytest.approx(accuracy)


def test_stopped_between_settings_it_is_killed_and_fitted_again(
    config: Callable[..., Config], tmp_path: Path
) -> None:
    looks = iter([False, False, True])
    wanted = config("model=knn")
    with pytest.raises(Interrupted, match="is interrupted; it goes on with"):
        run(wanted, tmp_path / "first", quiet=True, asked_to_stop=lambda: next(looks))
    first = (tmp_path / "first/mlflow_run_id").read_text().strip()
    assert stored(wanted, first).info.status == "KILLED"

    def never() -> bool:
        return False

    record = run(wanted, tmp_path / "again", quiet=True, take_up=True, asked_to_stop=never)
    whole = run(wanted, tmp_path / "whole", quiet=True, asked_to_stop=never)
    assert record.run_id == first
    assert stored(wanted, first).info.status == "FINISHED"
    for one, other in zip(record.history, whole.history, strict=True):
        assert {k: v for k, v in one.items() if k not in CLOCKED} == {
            k: v for k, v in other.items() if k not in CLOCKED
        }
    finished = run(wanted, tmp_path / "third", quiet=True, take_up=True, asked_to_stop=never)
    assert finished.run_key == record.run_key


def test_what_makes_no_sense_is_one_line_before_anything_is_stored(
    config: Callable[..., Config], tmp_path: Path
) -> None:
    for overrides, message in (
        (("model=knn", "size=10k"), "size=10000 counts a network's parameters"),
        (("model=knn", "features=hog"), "features=hog is made of images"),
        (("model=cnn", "features=signal"), "features=signal is for a classical family"),
        (("model=cnn", "data.train_samples=5"), "fewer than the 10 classes"),
        (("model=cnn", "data.train_samples=121"), "more than the 120 training samples"),
    ):
        with pytest.raises(UserError, match=message):
            run(config(*overrides), tmp_path / "none", quiet=True)
    assert not (tmp_path / "mlflow.db").exists()
