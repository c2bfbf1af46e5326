"""Many inputs, in batches, to a table that is seen whole or not at all."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sizewise.errors import UserError
from sizewise.predict import Predictor
from sizewise.predict.stream import MOST_REASONS, predict_files
from tests.builders import make_saved

SHAPE = (1, 5)
KINDS = [
    "csv",
    "headed.csv",
    "npy",
    "npz",
    "compressed.npz",
    "3d.npy",
    "fortran.npy",
    "fortran.npz",
]
SAMPLES = np.random.default_rng(0).normal(size=(250, 5)).astype(np.float32)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor(make_saved(shape=SHAPE))


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_gives_the_networks_answers(
    predictor: Predictor, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"samples.{kind}"
    if kind.endswith("csv"):
        header = "a,b,c,d,e" if kind == "headed.csv" else ""
        np.savetxt(path, SAMPLES, delimiter=",", fmt="%.9g", header=header, comments="")
    elif kind == "compressed.npz":
        np.savez_compressed(path, other=np.ones(3), inputs=SAMPLES)
    elif kind.endswith("npz"):
        np.savez(path, anything=np.asfortranarray(SAMPLES) if "fortran" in kind else SAMPLES)
    elif kind == "3d.npy":
        np.save(path, SAMPLES[:, None])
    else:
        np.save(path, np.asfortranarray(SAMPLES) if "fortran" in kind else SAMPLES)

    outcome = predict_files(predictor, [path], tmp_path / "out.csv")

    probabilities = predictor.predict(SAMPLES[:, None])
    ranked = np.argsort(-probabilities, axis=1)
    rows = read(tmp_path / "out.csv")
    assert (outcome.predicted, outcome.failed, len(rows)) == (250, 0, 250)
    names = predictor.spec.class_names
    assert [row["label"] for row in rows] == [names[each] for each in ranked[:, 0]]
    assert [row["runner_up"] for row in rows] == [names[each] for each in ranked[:, 1]]
    chances = np.array([[row["probability"], row["runner_up_probability"]] for row in rows])
    expected = np.take_along_axis(probabilities, ranked[:, :2], axis=1)
    assert np.allclose(chances.astype(float), expected, atol=1e-6)
    assert rows[100]["input"] == (
        f"{path}, line {101 + (kind == 'headed.csv')}"
        if kind.endswith("csv")
        else f"{path}, sample 100"
    )


def test_folders_are_gone_through_and_what_was_done_is_said(tmp_path: Path) -> None:
    predictor = Predictor(make_saved(shape=(1, 28, 28), mean=33.0, std=78.0))
    (tmp_path / "in/below").mkdir(parents=True)
    dark, light = Image.new("L", (28, 28)), Image.new("RGB", (56, 56), "white")
    dark.paste(255, (10, 5, 16, 23))
    dark.save(tmp_path / "in/exact.png")
    light.paste((0, 0, 0), (20, 10, 32, 46))
    light.save(tmp_path / "in/below/other.JPG")
    for name in ("in/labels.csv", "in/.hidden.png", "in/readme.md"):
        (tmp_path / name).write_text("x")

    outcome = predict_files(predictor, [tmp_path / "in"], tmp_path / "out.csv")

    done = {Path(row["input"]).name: row["done"] for row in read(tmp_path / "out.csv")}
    assert done == {
        "exact.png": "",
        "other.JPG": "made grey, inverted, scaled from 56x56 to 28x28",
    }
    assert (outcome.predicted, outcome.failed, outcome.skipped) == (2, 0, 2)
    assert outcome.adapted == {("made grey", "inverted", "scaled to 28x28"): 1}


def test_a_table_is_not_overwritten_unasked(predictor: Predictor, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", SAMPLES)
    (tmp_path / "out.csv").write_text("precious")
    with pytest.raises(UserError, match="exists; choose another --output, or add --overwrite"):
        predict_files(predictor, [tmp_path / "in.npy"], tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "precious"
    predict_files(predictor, [tmp_path / "in.npy"], tmp_path / "out.csv", overwrite=True)
    assert len(read(tmp_path / "out.csv")) == 250


@pytest.mark.parametrize("output", ["", "no/such/folder/out.csv", "in.npy/out.csv"])
def test_a_table_that_cant_be_written_is_told(
    predictor: Predictor, tmp_path: Path, output: str
) -> None:
    np.save(tmp_path / "in.npy", SAMPLES)
    with pytest.raises(UserError, match=r"is a folder|can't be written"):
        predict_files(predictor, [tmp_path / "in.npy"], tmp_path / output)


def test_an_interruption_leaves_no_table(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    np.save(tmp_path / "in.npy", SAMPLES)
    monkeypatch.setattr(predictor, "logits", stop)
    with pytest.raises(KeyboardInterrupt):
        predict_files(predictor, [tmp_path / "in.npy"], tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["in.npy"]


def test_hundreds_of_bad_lines_are_counted_not_all_shown(
    predictor: Predictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.csv").write_text("1,2\n" * 300 + "-1,1,0,2,-2\n")
    outcome = predict_files(predictor, [tmp_path / "bad.csv"], None)
    assert (outcome.predicted, outcome.failed) == (1, 300)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == MOST_REASONS + 1
    assert lines[-1].endswith("bad.csv: 280 more like these")


def test_a_name_of_any_bytes_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictor = Predictor(make_saved(shape=(1, 8, 8)))
    path = tmp_path / "two\nlines \udcff [red].png"
    Image.new("L", (8, 8)).save(path.with_name("plain.png"))
    path.with_name("plain.png").rename(path)
    predict_files(predictor, [path], tmp_path / "out.csv")
    predict_files(predictor, [path], None)
    expected = f"{tmp_path}/two\\nlines \\xff [red].png"
    assert read(tmp_path / "out.csv")[0]["input"] == expected
    assert capsys.readouterr().out.startswith(f"{expected}  class ")
