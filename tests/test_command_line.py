"""The program as a user runs it: train.py and sizewise in processes of their own."""

import getpass
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import mlflow
import numpy as np
import pytest

from tests.processes import ROOT, client, command, environment_of, python, run_code, shared, train

TINY = ("model=cnn", "size=1k", "training.epochs=2", "threads=1")
METRICS = {
    *("train/loss", "train/error", "val/loss", "val/error"),
    *("learning_rate", "grad_norm", "samples_per_second"),
    *("test/loss", "test/error", "test/standard_error", "test/accuracy", "test/macro_f1"),
    *("test/confidence", "test/calibration_error"),
    *("cost/parameters", "cost/flops_inference", "cost/flops_training", "cost/flops_spent"),
    "cost/train_seconds",
    *("cost/peak_memory_mb", "cost/model_bytes", "cost/throughput"),
    *("cost/latency_ms_p50", "cost/latency_ms_p95"),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user's folder, with data of its own and one finished run in it."""
    folder = tmp_path_factory.mktemp("workspace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(shared, "SIZEWISE_DATA", str(folder / "data"))
        train(folder, *TINY, "seed=3").check_returncode()
        yield folder


def the_run(folder: Path) -> mlflow.entities.Run:
    (output,) = folder.glob("outputs/*/*/record.jsonl")
    return client(folder).get_run((output.parent / "mlflow_run_id").read_text().strip())


def test_a_run_is_in_mlflow_whole(workspace: Path) -> None:
    run = the_run(workspace)

    assert run.info.status == "FINISHED"
    assert re.fullmatch(r"cnn-\S+-mnist1d-s3", run.info.run_name)
    assert set(run.data.metrics) == METRICS
    assert all(np.isfinite(value) for value in run.data.metrics.values())
    assert run.data.params["size"] == "1000"
    assert run.data.params["parameters"] == f"{run.data.metrics['cost/parameters']:.0f}"
    assert run.data.params["training.epochs"] == "2"
    assert "None" not in run.data.params.values()
    assert not [name for name in run.data.params if name.startswith(("tracking.", "answer."))]
    assert run.data.tags["mlflow.user"] == getpass.getuser()
    assert run.data.tags["mlflow.source.name"] == "train.py"
    assert Path(run.data.tags["folder"], "mlflow_run_id").read_text().strip() == run.info.run_id
    assert run.data.tags["overrides"] == " ".join((*TINY, "seed=3"))
    assert re.fullmatch(r"[0-9a-f]{16}", run.data.tags["run_key"])
    assert run.data.tags["version.torch"] == version("torch")
    assert run.inputs is not None
    uses = {use.tags[0].value: use.dataset for use in run.inputs.dataset_inputs}
    assert {dataset.name for dataset in uses.values()} == {"mnist1d"}
    assert uses["testing"].digest == run.data.tags["test_set"] != uses["training"].digest
    assert json.loads(str(uses["testing"].profile))["test"] == 1000
    history = client(workspace).get_metric_history(run.info.run_id, "val/error")
    assert [point.step for point in history] == [1, 2]


def test_a_run_keeps_its_files_in_its_folder_and_in_mlflow(workspace: Path) -> None:
    run = the_run(workspace)
    names = {item.path for item in client(workspace).list_artifacts(run.info.run_id)}
    folder = Path(run.data.tags["folder"])

    assert names == {
        *("config.yaml", "record.jsonl", "metrics.jsonl", "model.pt"),
        "confusion.csv",
    }
    assert names <= {path.name for path in folder.iterdir()}
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 2]
    assert lines[-1]["test/accuracy"] == run.data.metrics["test/accuracy"]
    confusion = np.loadtxt(folder / "confusion.csv", delimiter=",")
    assert confusion.trace() / confusion.sum() == run.data.metrics["test/accuracy"]


def test_the_logged_model_goes_by_its_run_and_has_its_scores_on_the_test_set(
    workspace: Path,
) -> None:
    run = the_run(workspace)
    assert run.outputs is not None
    (output,) = run.outputs.model_outputs
    model = client(workspace).get_logged_model(output.model_id)

    assert model.status == "READY"
    assert model.name == str(run.info.run_name).replace(".", "_")
    assert model.params == run.data.params
    assert model.tags["mlflow.user"] == run.data.tags["mlflow.user"]
    of_model = {each.key: each for each in model.metrics or ()}
    final = {name for name in METRICS if name.startswith(("test/", "cost/"))}
    assert {name: each.value for name, each in of_model.items()} == {
        name: run.data.metrics[name] for name in final
    }
    assert of_model["test/error"].dataset_digest == run.data.tags["test_set"]
    assert of_model["cost/parameters"].dataset_digest is None
    assert len(client(workspace).get_metric_history(run.info.run_id, "test/error")) == 1


def test_the_logged_model_reproduces_the_logged_test_accuracy(workspace: Path) -> None:
    run = the_run(workspace)
    assert run.outputs is not None
    (model,) = run.outputs.model_outputs
    script = f"""
import glob, mlflow, numpy as np
mlflow.set_tracking_uri("sqlite:///mlruns/mlflow.db")
model = mlflow.pyfunc.load_model("models:/{model.model_id}")
with np.load(glob.glob("data/mnist1d/*.npz")[0]) as data:
    inputs, targets = data["x_test"][:, None].astype(np.float32), data["y_test"]
probabilities = model.predict(inputs)
assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
print((probabilities.argmax(axis=1) == targets).mean())
"""
    done = run_code(workspace, script)

    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == run.data.metrics["test/accuracy"]


def test_the_same_command_gives_the_same_numbers(workspace: Path) -> None:
    train(workspace, *TINY, "seed=3", "hydra.run.dir=again").check_returncode()
    first = the_run(workspace)
    second = json.loads((workspace / "again/record.jsonl").read_text())

    assert second["run_key"] == first.data.tags["run_key"]
    for name in ("test/loss", "test/accuracy", "test/macro_f1"):
        assert second["metrics"][name] == first.data.metrics[name], name
    for name in ("train/loss", "val/loss", "grad_norm"):
        assert second["history"][-1][name] == first.data.metrics[name], name


def test_a_run_that_fails_in_training_says_so_and_keeps_what_was_logged(workspace: Path) -> None:
    blind = ("model=mlp", "training.patience=1", "data.validation_fraction=0")
    done = train(workspace, *blind, "threads=1", "hydra.run.dir=blind")

    assert done.returncode == 2
    assert "training.patience=1 looks at validation" in done.stderr
    assert "Traceback" not in done.stderr
    run_id = (workspace / "blind/mlflow_run_id").read_text().strip()
    run = client(workspace).get_run(run_id)
    assert run.info.status == "FAILED"
    assert "looks at validation" in run.data.tags["error"]
    assert run.data.params["training.patience"] == "1"


def test_a_network_of_the_users_own_trains_at_any_size(workspace: Path) -> None:
    (workspace / "mine.py").write_text(
        "from torch import nn\n"
        "class Wide(nn.Module):\n"
        "    def __init__(self, spec, width):\n"
        "        super().__init__()\n"
        "        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(spec.num_features, width),\n"
        "            nn.Tanh(), nn.Linear(width, spec.num_classes))\n"
        "    def forward(self, inputs):\n"
        "        return self.layers(inputs)\n"
    )
    mine = ("model._target_=mine.Wide", "model.depth=null", "size=5k", "training.epochs=1")
    done = train(workspace, *mine, "hydra.run.dir=mine", "threads=1", PYTHONPATH=str(workspace))

    assert done.returncode == 0, done.stderr
    record = json.loads((workspace / "mine/record.jsonl").read_text())
    assert record["family"] == "wide"
    assert record["parameters"] == 98 * (40 + 1 + 10) + 10  # the nearest to 5,000


def test_a_sweep_shows_accuracy_rising_with_size(workspace: Path) -> None:
    sweep = ("-m", "model=cnn", "size=250,4k", "training.epochs=4", "threads=1")
    done = train(workspace, *sweep, "hydra.sweep.dir=sweep", "hydra/launcher=basic")

    assert done.returncode == 0, done.stderr
    small, large = (
        json.loads((workspace / f"sweep/{job}/record.jsonl").read_text()) for job in (0, 1)
    )
    assert small["parameters"] == 238
    assert large["metrics"]["test/accuracy"] > small["metrics"]["test/accuracy"] + 0.1


def test_runs_are_listed(workspace: Path) -> None:
    done = command(workspace, "runs", "--last", "1000")

    assert done.returncode == 0, done.stderr
    run = the_run(workspace)
    (line,) = (line for line in done.stdout.splitlines() if run.info.run_id[:8] in line)
    assert line.split()[:4] == [
        run.info.run_name,
        run.info.run_id[:8],
        "finished",
        f"{run.data.metrics['test/error']:.2%}",
    ]


def test_help_shows_the_groups_and_five_examples(tmp_path: Path) -> None:
    text = train(tmp_path, "--help").stdout

    assert "model: attention, bigru, cnn, gradient_boosting, gru, knn, linear, " in text
    assert "data: arrays, arrow_head, cifar10, cmudict, digits, " in text
    assert len(re.findall(r"^  python train\.py .*\S {2,}\S", text, re.MULTILINE)) >= 5


MISTAKES = {
    "model=lsmt": "there is no model=lsmt: did you mean lstm?",
    "data=mnits": "there is no data=mnits: did you mean mnist?",
    "experiment=nope": "there is no experiment=nope",
    "training.epoch=3": "no config key training.epoch: did you mean epochs?",
    "modle=cnn": "no config key modle: did you mean model?",
    "training.epochs": "expected KEY=VALUE",
    "training.epochs=-3": "training.epochs=-3 is out of range: expected at least 1",
    "size=1": "size=1 is too small: the smallest lstm for mnist1d has 46 parameters; try size=46",
    "size=9000M": "GB to train, and this machine has",
    "device=cuda:9": "device=cuda:9 is not available here; expected auto, cpu",
    "data.root=/dev/null": "the data folder can't be written",
    "tracking.uri=sqlite:////dev/null/store.db": "can't be opened",
    "tracking.uri=sqlite:////proc/store.db": "can't be opened",
    "tracking.uri=http://127.0.0.1:9": "no MLflow server answers at http://127.0.0.1:9",
    "tracking.uri=carrier://pigeon": "the MLflow store carrier://pigeon can't be opened",
}


@pytest.mark.parametrize(("typed", "said"), MISTAKES.items())
def test_a_mistake_is_told_in_one_line(workspace: Path, typed: str, said: str) -> None:
    done = train(workspace, *typed.split())

    assert done.returncode == 2
    assert done.stderr.startswith("sizewise: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_a_mistake_shows_its_traceback_when_asked_to(workspace: Path) -> None:
    done = train(workspace, "size=1", SIZEWISE_DEBUG="1")

    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "UserError: size=1 is too small" in done.stderr


def test_a_download_without_a_network_says_where_files_may_be_put(tmp_path: Path) -> None:
    nothing = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy")}
    done = train(tmp_path, "data=mnist", f"data.root={tmp_path}", **nothing)

    assert done.returncode == 2
    assert f"put its files in {tmp_path}/MNIST/raw by hand" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_holds_a_run_or_a_sweep_is_left_alone(tmp_path: Path) -> None:
    for name in ("metrics.jsonl", "sweep.json"):
        (tmp_path / name).write_text("kept")
    run = train(tmp_path, f"hydra.run.dir={tmp_path}")
    sweep = train(tmp_path, "-m", "seed=0,1", "model=logistic", f"hydra.sweep.dir={tmp_path}")

    assert (run.returncode, sweep.returncode) == (2, 2)
    assert f"the folder {tmp_path} already holds a run" in run.stderr
    assert f"the folder {tmp_path} already holds a sweep" in sweep.stderr
    assert (tmp_path / "metrics.jsonl").read_text() == "kept"
    assert (tmp_path / "sweep.json").read_text() == "kept"


@pytest.fixture(scope="module")
def unread(workspace: Path) -> "subprocess.CompletedProcess[str]":
    """A run with its own working folder, on a screen without dashes that is closed after a line."""
    own = (*TINY, "seed=8", "hydra.job.chdir=true", "resume=true")
    typed = shlex.join([sys.executable, str(ROOT / "train.py"), *own])
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {typed} | head -1"],
        cwd=workspace,
        env=environment_of(workspace, {"PYTHONIOENCODING": "ascii"}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_training_goes_on_when_nobody_reads_its_screen(
    unread: "subprocess.CompletedProcess[str]", workspace: Path
) -> None:
    assert (unread.returncode, unread.stdout.count("\n")) == (0, 1), unread.stderr
    (run,) = client(workspace).search_runs(["1"], "tags.seed = '8'")
    assert run.info.status == "FINISHED"


def test_there_is_one_store_and_one_data_folder_whatever_hydra_makes_the_working_folder(
    unread: "subprocess.CompletedProcess[str]", workspace: Path
) -> None:
    assert unread.returncode == 0
    assert list(workspace.rglob("mlflow.db")) == [workspace / "mlruns/mlflow.db"]
    assert list(workspace.rglob("mnist1d")) == [workspace / "data/mnist1d"]


def test_resuming_what_was_never_begun_is_told(
    unread: "subprocess.CompletedProcess[str]",
) -> None:
    line = "sizewise: there is no interrupted run cnn-802-mnist1d-s8 to resume: it begins anew\n"
    assert unread.stderr == line


def test_a_table_is_printed_on_a_screen_without_dashes(workspace: Path) -> None:
    store = client(workspace)
    failed = store.create_run("1", run_name="failed")
    store.set_terminated(failed.info.run_id, "FAILED")
    done = python(workspace, "-m", "sizewise", "runs", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "?" in done.stdout  # what failed has no error


def test_browsing_needs_runs(tmp_path: Path) -> None:
    done = command(tmp_path, "ui")

    assert done.returncode == 2
    assert "there are no runs" in done.stderr
    assert "python train.py" in done.stderr
