"""`sizewise evaluate`, `predict`, `export`, `compare`, `reproduce` and `where`, as typed."""

import csv
import dataclasses
import os
import re
import shutil
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from sizewise import apply
from sizewise.cli import COMMANDS
from sizewise.records import RunRecord
from tests.lab import STUDY, Lab, sizewise

Call = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def call(lab: Lab, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Return what calls a command on the lab's store, and returns its code and what it said."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("SIZEWISE_DATA", str(lab.folder / "data"))

    def call(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of MLflow and the ONNX exporter, about themselves
            code = sizewise(arguments[0], "--uri", lab.uri, *arguments[1:])
        return code, *capfd.readouterr()

    return call


def test_each_command_has_its_room_and_is_in_the_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    rooms = {path.stem for path in Path(apply.__path__[0]).glob("*.py")} - {"__init__"}
    assert rooms == set(COMMANDS) - {"train"}  # which is Hydra's
    assert sizewise("--help") == 0
    said = capsys.readouterr().out
    for name, (text, *_) in COMMANDS.items():
        assert re.search(rf"^    {name}\s+{re.escape(text)}$", said, re.MULTILINE), name
        assert name == "train" or callable(import_module(f"{apply.__name__}.{name}").run)


def test_evaluation_gives_the_logged_scores(lab: Lab, call: Call) -> None:
    record = lab.runs["large"]
    code, out, err = call("evaluate", record.run_id)
    assert (code, err) == (0, "")
    assert "360 test samples of digits" in out
    assert f"accuracy                          {record.metrics['test/accuracy']:.2%}" in out
    assert f"{record.metrics['test/loss']:.4f} nats" in out
    confusion = np.loadtxt(lab.folder / "large/confusion.csv", delimiter=",")
    recall = confusion[3, 3] / confusion[3].sum()
    line = next(each for each in out.splitlines() if re.match(r" 3 .*%", each))
    assert line.split()[2] == f"{recall:.2%}"
    assert re.search(r"calibration error \(ECE, 15 bins\) +[0-9.]+%", out)


def test_evaluation_on_another_set(lab: Lab, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    code, out, _ = call("evaluate", lab.runs["lstm"].run_id, "data=mnist1d", "data.num_samples=200")
    assert code == 0
    assert "40 test samples of mnist1d" in out
    code, _, err = call("evaluate", lab.runs["lstm"].run_id, "data=digits")
    assert code == 2
    assert err == (
        "sizewise: data=digits has samples of 1x8x8 in 10 classes, and the network was trained on "
        "mnist1d's of 1x40 in 10; expected a set like that\n"
    )


def write_digits(folder: Path, lab: Lab) -> list[str]:
    """Write the digits' test images as PNG, 0 to 255, and return their labels."""
    bunch = load_digits()
    start = len(bunch.images) * 4 // 5
    for index, image in enumerate(bunch.images[start:]):
        pixels = np.round(image * 255 / 16).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:03d}.png")
    return [str(each) for each in bunch.target[start:]]


def test_predicting_the_test_images_from_png_gives_the_logged_accuracy(
    lab: Lab, call: Call, tmp_path: Path
) -> None:
    (tmp_path / "images").mkdir()
    labels = write_digits(tmp_path / "images", lab)
    output = tmp_path / "predictions.csv"
    code, _, err = call("predict", "best:" + STUDY, f"{tmp_path}/images", "--output", str(output))
    assert code == 0
    assert "360 predicted" in err
    with output.open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["input"])
    right = sum(row["label"] == label for row, label in zip(rows, labels, strict=True))
    assert right / len(labels) == lab.runs["large"].metrics["test/accuracy"]


def test_bad_inputs_are_counted_in_the_exit_code(lab: Lab, call: Call, tmp_path: Path) -> None:
    good = np.random.default_rng(0).normal(size=(3, 40))
    np.savetxt(tmp_path / "good.csv", good, delimiter=",")
    (tmp_path / "bad.csv").write_text("1,2\n")
    code, out, err = call(
        "predict", lab.runs["lstm"].name, f"{tmp_path}/bad.csv", f"{tmp_path}/good.csv"
    )
    assert code == 1
    assert len(out.splitlines()) == 3
    assert err.splitlines() == [
        f"sizewise: {tmp_path}/bad.csv, line 1: 2 values; expected 40 (1x40, flattened)",
        "sizewise: 3 predicted, 1 failed",
    ]


def test_a_table_as_pandas_writes_it_gives_a_prediction_a_row(
    lab: Lab, call: Call, tmp_path: Path
) -> None:
    header = ",".join(map(str, range(40)))
    samples = np.random.default_rng(0).normal(size=(3, 40))
    np.savetxt(tmp_path / "x.csv", samples, delimiter=",", header=header, comments="")
    code, out, err = call("predict", lab.runs["lstm"].name, f"{tmp_path}/x.csv")
    assert code == 0
    assert [line.split("  ")[0] for line in out.splitlines()] == [
        f"{tmp_path}/x.csv, line {number}" for number in (2, 3, 4)
    ]
    assert f"{tmp_path}/x.csv: line 1 is a header\n" in err


def test_inputs_on_another_scale_are_warned_of_or_refused(
    lab: Lab, call: Call, tmp_path: Path
) -> None:
    np.save(tmp_path / "scaled.npy", 255 * np.random.default_rng(0).normal(size=(3, 40)))
    code, out, err = call("predict", lab.runs["lstm"].name, f"{tmp_path}/scaled.npy")
    assert (code, len(out.splitlines())) == (0, 3)
    assert f"{tmp_path}/scaled.npy: 3 of 3: numbers from -" in err
    assert "; the network was trained on numbers from -3.864 to 4.384" in err
    assert "3 unlike the training data: bring them to mnist1d's scale; --strict refuses" in err
    code, out, err = call("predict", lab.runs["lstm"].name, "--strict", f"{tmp_path}/scaled.npy")
    assert (code, out) == (1, "")
    assert err.endswith("sizewise: 0 predicted, 3 failed\n")


@pytest.mark.parametrize("name", ["large", "lstm"])
def test_onnx_answers_as_pytorch_does_at_any_batch_size(
    lab: Lab, call: Call, tmp_path: Path, name: str
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install '.[onnx]'")
    from sizewise.predict import Predictor
    from sizewise.predict.fetch import load_run

    folder = tmp_path / "exported"
    run_id = lab.runs[name].run_id
    code, out, _ = call("export", run_id, "--format", "onnx", "--to", str(folder))
    assert code == 0
    assert "largest difference" in out
    predictor = load_run(lab.store, lab.stored(name))
    assert isinstance(predictor, Predictor)
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    inputs = np.random.default_rng(0).normal(size=(7, *predictor.spec.input_shape))
    for batch in (inputs[:1], inputs):
        (probabilities,) = session.run(None, {"inputs": batch.astype(np.float32)})
        assert np.abs(probabilities - predictor.predict(batch)).max() <= 1e-5


def test_an_exported_folder_for_mlflow_needs_no_store(
    lab: Lab, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "exported"
    typed = ("export", lab.runs["large"].run_id, "--format", "mlflow", "--to", str(folder))
    assert call(*typed)[0] == 0
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow

        model = mlflow.pyfunc.load_model(str(folder))
    from sizewise.predict import Predictor
    from sizewise.predict.fetch import load_run

    inputs = np.random.default_rng(0).normal(size=(3, 1, 8, 8)).astype(np.float32)
    predictor = load_run(lab.store, lab.stored("large"))
    assert isinstance(predictor, Predictor)
    expected = predictor.predict(inputs)
    assert np.array_equal(model.predict(inputs), expected)
    code, _, err = call(*typed)
    assert code == 2
    assert err == f"sizewise: {folder} is there already; choose another with --to FOLDER\n"


def test_a_network_without_a_form_in_onnx_is_told(
    lab: Lab, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_form(*_: object) -> None:
        raise TypeError("a tree\nis no tensor")

    monkeypatch.setattr("sizewise.models.cnn.CNN.forward", no_form)
    run_id, folder = lab.runs["large"].run_id, tmp_path / "exported"
    code, _, err = call("export", run_id, "--format", "onnx", "--to", str(folder))
    assert code == 2
    assert err.startswith("sizewise: a CNN has no form in ONNX (")
    assert err.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_runs_side_by_side(lab: Lab, call: Call) -> None:
    small, large = lab.runs["small"], lab.runs["large"]
    code, out, _ = call("compare", small.name, large.run_id[:20])
    assert code == 0
    values = {line.split("  ")[1]: line for line in out.splitlines() if line.startswith("   ")}
    assert f"{small.parameters:,}" in out
    assert large.measure.shown(large.error()) in out
    assert not any("batch_size" in line for line in values.values())


@pytest.mark.parametrize("name", ["small", "lstm", "attention"])
def test_a_run_trained_again_has_every_number(lab: Lab, call: Call, name: str) -> None:
    before = sorted(lab.folder.rglob("*"))
    code, out, err = call("reproduce", lab.runs[name].run_id)
    assert code == 0, out + err
    assert "every number is the same" in out
    (count,) = re.findall(r"\(([0-9]+) compared\)", out)
    assert int(count) > 30
    assert sorted(lab.folder.rglob("*")) == before


def test_numbers_that_differ_are_named(
    lab: Lab, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = lab.runs["small"]

    def train_otherwise(config: object, folder: Path, quiet: bool) -> RunRecord:
        folder.mkdir()
        shutil.copy(lab.folder / "large/model.pt", folder)
        history = [record.history[0] | {"grad_norm": 0.5}, *record.history[1:]]
        return dataclasses.replace(record, history=history)

    monkeypatch.setattr("sizewise.apply.reproduce.train", train_otherwise)
    code, out, _ = call("reproduce", record.run_id)
    assert code == 1
    assert re.search(r"[0-9]+ of [0-9]+ numbers differ", out)
    assert f"epoch 1: grad_norm {record.history[0]['grad_norm']} then, 0.5 now" in out
    assert re.search("weights head.weight ([0-9a-f]{16}) then, (?!\\1)[0-9a-f]{16} now", out)
    assert "loss" not in out


def test_where_a_run_is_and_whose_a_folder_is(lab: Lab, call: Call, tmp_path: Path) -> None:
    record = lab.runs["large"]
    for wanted in (record.run_id, str(lab.folder / "large")):
        code, out, _ = call("where", wanted)
        assert code == 0
        assert record.run_id in out
        assert str(lab.folder / "large") in out
        assert "python train.py model=cnn data=digits" in out
        assert str(lab.folder / "artifacts") in out
    assert "failed" in call("where", lab.failed)[1]
    code, _, err = call("where", str(tmp_path))
    assert code == 2
    assert f"the folder {tmp_path} holds no run" in err


MISTAKES = {
    "evaluate nope": "there is no run nope",
    "evaluate {large} model=cnn": "model=cnn is not understood; expected data=NAME",
    "evaluate {failed}": "is failed (UserError: training.patience",
    "predict {failed} x.png": "expected a finished one",
    "export {large} --format torch --to /dev/null/x": "/dev/null/x can't be written",
    "compare {large}": "a comparison takes two runs or more",
    "compare {large} nope": "there is no run nope",
    "reproduce {large} seed=4": "seed=4 would train another run",
    "serve {large} --port 99999": "--port 99999 is out of range",
    "serve {large} --host no.such.host.invalid": "--host no.such.host.invalid is not known here",
    "serve {large} {lstm}": "the runs are on",
    f"where {STUDY}": f"{STUDY} is a sweep, not a run",
}


@pytest.mark.parametrize("typed", MISTAKES)
def test_a_mistake_is_told_in_one_line(lab: Lab, call: Call, typed: str) -> None:
    ids = {name: record.run_id for name, record in lab.runs.items()} | {"failed": lab.failed}
    code, _, err = call(*typed.format(**ids).split())
    assert code == 2
    assert err.startswith("sizewise: ")
    assert MISTAKES[typed] in err
    assert err.count("\n") == 1, err


@pytest.mark.parametrize("name", ["sizewize", ""])
def test_looking_for_an_experiment_that_is_not_there_makes_none(
    call: Call, lab: Lab, name: str
) -> None:
    before = {each.name for each in lab.store.client.search_experiments()}
    code, out, err = call("runs", "--experiment", name)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "there is no MLflow experiment" in err
    assert "sizewise" in err
    assert {each.name for each in lab.store.client.search_experiments()} == before
