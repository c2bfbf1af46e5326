"""Recordings in folders, from training to predicting others."""

import csv
from pathlib import Path

import pytest

from sizewise.predict import Predictor, load
from sizewise.predict.stream import predict_files
from sizewise.records import RunRecord
from sizewise.run.run import run
from tests.data.own.clips import RATE, fill, save, sweep
from tests.lab import make_config, sizewise

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Predictor, RunRecord]:
    """Return where it all is, and an LSTM that learnt 40 rising and 40 falling tones."""
    folder = tmp_path_factory.mktemp("sounds")
    fill(folder / "clips", 40)
    shape = ("model=lstm", "model.width=8", "model.depth=1", "threads=1")
    own = ("data=folder", f"data.path={folder / 'clips'}")
    training = ("training.epochs=15", "training.batch_size=8")
    record = run(make_config(folder, *shape, *own, *training), folder / "lstm", quiet=True)
    predictor = load(folder / "lstm/model.pt")
    assert isinstance(predictor, Predictor)
    return folder, predictor, record


def test_a_network_tells_rising_from_falling_tones_of_any_length(
    trained: tuple[Path, Predictor, RunRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, predictor, record = trained
    assert record.error() < 0.1  # by chance a half
    fill(tmp_path / "more", 10, seed=1, rate=16_000)
    (tmp_path / "more/up/text.wav").write_text("hello")
    save(tmp_path / "more/up/long.wav", sweep(True, 7, 1.0))
    outcome = predict_files(predictor, [tmp_path / "more"], tmp_path / "answers.csv")
    assert (outcome.predicted, outcome.failed) == (20, 2)
    with (tmp_path / "answers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(row["label"] == Path(row["input"]).parent.name for row in rows) >= 18
    assert {row["done"] for row in rows} == {"resampled from 16,000 to 8,000"}
    said = capsys.readouterr().err
    assert "long.wav: 1.000 s long; expected at most 0.295 s" in said
    assert "text.wav: not a .wav that can be read" in said


def test_a_sound_is_predicted_by_the_frames_that_were_learnt_from(
    trained: tuple[Path, Predictor, RunRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, predictor, _ = trained
    predict_files(predictor, [folder / "clips/up/3.wav"], None)
    line = capsys.readouterr().out
    assert " up " in line
    assert "[" not in line  # nothing was done to it, and it is like the others


def test_what_the_folder_holds_is_checked(
    trained: tuple[Path, Predictor, RunRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _, _ = trained
    assert sizewise("check", str(folder / "clips")) == 0
    said = capsys.readouterr().out
    assert "8,000 (80)" in said
    assert "40x13 to 28" in said
    assert "down 40, up 40" in said


def test_sounds_at_another_rate_are_not_evaluated_as_these(
    trained: tuple[Path, Predictor, RunRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _, record = trained
    fill(tmp_path / "fast", 40, rate=2 * RATE)
    asked = ("--uri", f"sqlite:///{folder / 'mlflow.db'}", "data=folder")
    code = sizewise("evaluate", record.run_id, *asked, f"data.path={tmp_path / 'fast'}")
    assert code == 2
    assert "sounds of 16,000 samples a second, and clips of 8,000" in capsys.readouterr().err
