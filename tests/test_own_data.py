"""From own data to what is trained on them, in the words of whoever owns them."""

import csv
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sizewise.predict import Predictor
from sizewise.predict.stream import predict_files
from sizewise.run.run import run
from sizewise.training.checkpoint import load_model
from tests.lab import CONF, make_config, sizewise
from tests.processes import client, command, train

CLASSES = {"bright": 200, "dark": 40, "猫": 120}


def write(folder: Path, count: int, seed: int) -> None:
    """Write images of three shades, each of another size."""
    random = np.random.default_rng(seed)
    for name, shade in CLASSES.items():
        (folder / name).mkdir(parents=True)
        for index in range(count):
            shape = tuple(random.integers(12, 30, 2))
            pixels = (shade + random.integers(-30, 30, shape)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")


def test_a_network_trained_on_a_folder_tells_new_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write(tmp_path / "digits", 40, seed=0)  # named as a published set, which is of another form
    options = (
        *("model=cnn", "model.width=4", "data=folder", f"data.path={tmp_path / 'digits'}"),
        *("data.image_size=12", "training.epochs=20", "training.batch_size=16", "threads=1"),
        *("training.augment=shift+flip", "training.class_weights=balanced"),
    )
    config = make_config(tmp_path, *options)
    record = run(config, tmp_path / "run", quiet=True)
    assert record.error() < 0.1
    assert record.measure.name == "balanced error"
    assert record.config["training.augment"] == "flip+shift"

    write(tmp_path / "more", 5, seed=1)
    predictor = Predictor(load_model(tmp_path / "run/model.pt"))
    outcome = predict_files(predictor, [tmp_path / "more"], tmp_path / "out.csv")
    assert (outcome.predicted, outcome.unlike, outcome.failed) == (15, 0, 0)
    with (tmp_path / "out.csv").open(newline="") as file:
        right = [Path(row["input"]).parent.name == row["label"] for row in csv.DictReader(file)]
    assert np.mean(right) > 0.9

    moved = (tmp_path / "digits").rename(tmp_path / "elsewhere")
    there = config.data.model_copy(update={"path": str(moved)})
    again = run(config.model_copy(update={"data": there}), tmp_path / "again", quiet=True)
    assert again.run_key == record.run_key


def test_a_sweep_over_a_table_is_planned_trained_and_reported(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'yes' if a > b else 'no'}" for a, b in rng.random((80, 2))]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,larger", *rows]))
    own = ("data=table", "data.path=rows.csv", "data.target=larger", "data.drop=[]")
    done = train(tmp_path, "-m", "model=mlp", *own, "size=50,200", "seed=0", "training.epochs=2")
    assert done.returncode == 0, done.stderr
    assert "2/2  mlp-" in done.stdout
    assert (done.stdout + done.stderr).count("larger: 2 classes") == 1  # not once in each process


def test_a_path_given_as_a_set_is_told_how_to_type_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CONF.parent)
    (tmp_path / "photos").mkdir()
    (tmp_path / "rows.csv").touch()
    (tmp_path / "series.npz").touch()
    (tmp_path / "notes.txt").touch()
    for name, words in (
        ("photos/", f"expected data=folder data.path={tmp_path}/photos"),
        ("rows.csv", f"expected data=table data.path={tmp_path}/rows.csv data.target=COLUMN"),
        ("series.npz", f"expected data=arrays data.path={tmp_path}/series.npz"),
        ("notes.txt", f"expected data=text data.path={tmp_path}/notes.txt training=text"),
        ("none.csv", "data=folder, data=table, data=arrays or data=text, with data.path=PATH"),
    ):
        assert sizewise("plan", f"data={tmp_path}/{name}") == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert words in line


# Killed in the middle of an epoch, once, as the kernel does it.
MORTAL = """
import os, signal
from pathlib import Path
from torch import nn

FATAL = Path(__file__).with_name("fatal")

class Mortal(nn.Module):
    def __init__(self, spec, width):
        super().__init__()
        self.steps = 0
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(spec.num_features, width), nn.Dropout(0.1),
            nn.Linear(width, spec.num_classes))

    def forward(self, inputs):
        self.steps += self.training
        if self.steps == 10 and FATAL.exists():
            FATAL.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.layers(inputs)
"""


def write_rows(folder: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'yes' if a > b else 'no'}" for a, b in rng.random((120, 2))]
    folder.mkdir()
    (folder / "rows.csv").write_text("\n".join(["a,b,larger", *rows, ""]))


def add_row(folder: Path) -> None:
    with (folder / "rows.csv").open("a") as file:
        file.write("0.5,0.4,yes\n")


KINDS: dict[str, tuple[tuple[str, ...], str, Callable[[Path], None], Callable[[Path], object]]] = {
    "folder": (
        ("data=folder", "data.image_size=12"),
        "",
        lambda folder: write(folder, 30, seed=0),
        lambda folder: shutil.copy(folder / "dark/1.png", folder / "dark/one more.png"),
    ),
    "table": (("data=table", "data.target=larger"), "rows.csv", write_rows, add_row),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_goes_on_on_data_that_moved_but_not_on_data_that_changed(
    tmp_path: Path, kind: str
) -> None:
    own, name, fill, change = KINDS[kind]
    network = ("model._target_=mortal.Mortal", "model.depth=null", "model.width=4", "threads=1")
    steps = ("training.epochs=3", "training.batch_size=16", "checkpoint_minutes=1e-9")
    (tmp_path / "mortal.py").write_text(MORTAL)
    (tmp_path / "fatal").touch()
    here = {"PYTHONPATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    first, moved, again = (tmp_path / each for each in ("first", "moved", "again"))

    def try_on(folder: Path, *more: str) -> Any:
        at = f"data.path={folder / name}"
        return train(tmp_path, *network, *own, *steps, at, *more, **here)

    fill(first)
    assert try_on(first).returncode == -9
    shutil.copytree(first, moved)
    change(first)
    done = try_on(first, "resume=true")
    assert done.returncode == 2
    assert re.fullmatch(
        r"(sizewise: .*\n)*sizewise: mortal-\S+ \(\w+\) was interrupted, and its data have changed "
        r"since \(fingerprint \w+, now \w+\): .*\n",
        done.stderr,
    )
    shutil.rmtree(first)
    done = try_on(moved, "resume=true")
    assert done.returncode == 0, done.stderr
    (run,) = client(tmp_path).search_runs(["1"])
    assert run.info.status == "FINISHED"

    moved.rename(again)
    typed = (run.info.run_id, "--allow-code", "mortal.Mortal", f"data.path={again / name}")
    done = command(tmp_path, "reproduce", *typed, **here)
    assert "every number is the same" in done.stdout, done.stdout + done.stderr
    done = command(tmp_path, "evaluate", *typed, **here)
    assert "test samples" in done.stdout, done.stderr
