"""`tracking.each_step=true`: the loss of each training step, in the run's folder and in MLflow."""

import json
from pathlib import Path

import pytest

from sizewise.errors import Interrupted
from sizewise.records import RunRecord
from sizewise.run.folder import RunFolder
from sizewise.run.run import run
from sizewise.tracking.store import open_store
from tests.lab import make_config

SMALL = ("model=mlp", "size=1k", "data.num_samples=250", "training.epochs=2")
EPOCH = 2  # steps: 180 samples in batches of 100


def train(folder: Path, *overrides: str, stop_after: int | None = None) -> RunRecord:
    folder.mkdir(exist_ok=True)
    asked = iter(range(10**6))
    return run(
        make_config(folder, *SMALL, *overrides),
        folder / "-".join(["run", *overrides]),
        quiet=True,
        take_up="resume=true" in overrides,
        asked_to_stop=lambda: next(asked) == stop_after,
    )


def losses(folder: Path, record: RunRecord) -> list[tuple[int, float]]:
    """Return what the store has of them, after a look whether the run's folder has the same."""
    config = make_config(folder)
    history = open_store(config.tracking).client.get_metric_history(record.run_id, "step/loss")
    found = [(point.step, point.value) for point in history]
    text = Path(record.folder, RunFolder.METRICS).read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(each["step"], each["step/loss"]) for each in lines if "step/loss" in each] == found
    return found


def test_each_loss_is_logged_once_through_an_interruption(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", "tracking.each_step=true")
    found = losses(tmp_path / "whole", whole)
    assert [step for step, _ in found] == list(range(1, 2 * EPOCH + 1))
    for epoch, metrics in enumerate(whole.history):
        first, second = (loss for _, loss in found[EPOCH * epoch : EPOCH * (epoch + 1)])
        share = 100 / 180
        assert metrics["train/loss"] == pytest.approx(share * first + (1 - share) * second)

    with pytest.raises(Interrupted):
        train(tmp_path / "other", "tracking.each_step=true", stop_after=EPOCH + 2)
    resumed = train(tmp_path / "other", "tracking.each_step=true", "resume=true")
    assert losses(tmp_path / "other", resumed) == found


def test_without_it_none_is(tmp_path: Path) -> None:
    assert losses(tmp_path, train(tmp_path)) == []
