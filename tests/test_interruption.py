"""Runs and sweeps that are stopped or killed, and what their command makes of them afterwards."""

import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.processes import (
    client,
    command,
    descendants,
    kill,
    start,
    train,
    wait_until,
    workers,
)

pytestmark = pytest.mark.slow

# Slow enough to be stopped on the way, and it stands still while there is a file called hold.
SLOW = """
import time
from pathlib import Path
from torch import nn

HOLD = Path(__file__).with_name("hold")

class Slow(nn.Module):
    def __init__(self, spec, width):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(spec.num_features, width), nn.Tanh(), nn.Dropout(0.1),
            nn.Linear(width, spec.num_classes))

    def forward(self, inputs):
        if self.training:
            time.sleep(0.02)
            while HOLD.exists():
                time.sleep(0.01)
        return self.layers(inputs)
"""
NETWORK = ("model._target_=slow.Slow", "model.depth=null", "model.width=8", "threads=1")
RUN = (*NETWORK, "data.num_samples=600", "training.epochs=20")
SWEEP = ("-m", *RUN, "seed=0,1,2", "hydra.launcher.n_jobs=2")
CLOCK = ("samples_per_second",)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Any]:
    """What an undisturbed sweep gives, by seed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "slow.py").write_text(SLOW)
    train(folder, *SWEEP, "hydra.sweep.dir=sweep", PYTHONPATH=str(folder)).check_returncode()
    return records(folder / "sweep")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "slow.py").write_text(SLOW)
    return tmp_path


def records(sweep: Path) -> dict[int, Any]:
    """Return what the runs of a finished sweep have given, by seed."""
    lines = (sweep / "report/runs.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return {record["seed"]: what_counts(record) for record in found}


def what_counts(record: dict[str, Any]) -> Any:
    """Return what does not come from a clock."""
    history = [
        {name: value for name, value in epoch.items() if name not in CLOCK}
        for epoch in record["history"]
    ]
    tests = {name: value for name, value in record["metrics"].items() if name.startswith("test/")}
    return record["run_key"], record["best_epoch"], record["steps"], history, tests


def begin(folder: Path, *command: str) -> "subprocess.Popen[bytes]":
    """Start a command, and put it on hold when one of its runs has trained for two epochs."""
    process = start(folder, *command, log=folder / "log", PYTHONPATH=str(folder))

    def is_training() -> bool:
        lines = [len(path.read_text().splitlines()) for path in folder.rglob("metrics.jsonl")]
        return max(lines, default=0) >= 2

    wait_until(is_training)
    (folder / "hold").touch()
    return process


def go_on(folder: Path) -> None:
    (folder / "hold").unlink()


def are_gone(processes: list[int]) -> bool:
    return not any(Path(f"/proc/{process}").exists() for process in processes)


def statuses(folder: Path, kind: str) -> list[str]:
    return [run.info.status for run in client(folder).search_runs(["1"], kind)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_stop_goes_on_later_to_the_same_end(
    workspace: Path, undisturbed: dict[int, Any], number: signal.Signals
) -> None:
    process = begin(workspace, *RUN)
    process.send_signal(number)
    go_on(workspace)

    assert process.wait(60) == 130
    assert statuses(workspace, "") == ["KILLED"]
    said = (workspace / "log").read_text()
    assert "Traceback" not in said
    (again,) = re.findall(r"is interrupted; it goes on with: python \S+train\.py (.*)", said)
    done = train(workspace, *shlex.split(again), PYTHONPATH=str(workspace))
    assert done.returncode == 0, done.stderr
    assert statuses(workspace, "") == ["FINISHED"]
    (path,) = workspace.glob("outputs/*/*/record.jsonl")
    assert what_counts(json.loads(path.read_text())) == undisturbed[0]
    assert not list(path.parent.glob("checkpoint*"))
    epochs = client(workspace).get_metric_history(
        json.loads(path.read_text())["run_id"], "val/error"
    )
    assert [point.step for point in epochs] == list(range(1, 21))


def test_a_run_that_was_killed_is_found_and_put_right(
    workspace: Path, undisturbed: dict[int, Any]
) -> None:
    process = begin(workspace, *RUN)
    kill(process.pid)
    process.wait(30)
    go_on(workspace)
    assert statuses(workspace, "") == ["RUNNING"]

    done = command(workspace, "doctor")
    assert re.search(
        r"slow-\S+ \(\w+\) was RUNNING: its process ended without a word", done.stdout
    ), done.stderr
    assert statuses(workspace, "") == ["KILLED"]
    done = train(workspace, *RUN, "resume=true", PYTHONPATH=str(workspace))
    assert done.returncode == 0, done.stderr
    (path,) = workspace.glob("outputs/*/*/record.jsonl")
    assert what_counts(json.loads(path.read_text())) == undisturbed[0]
    again = train(workspace, *RUN, "resume=true", PYTHONPATH=str(workspace))
    assert "was finished before" in again.stdout
    assert statuses(workspace, "") == ["FINISHED"]


def test_a_worker_that_is_killed_costs_its_own_run_only(
    workspace: Path, undisturbed: dict[int, Any]
) -> None:
    process = begin(workspace, *SWEEP, "hydra.sweep.dir=sweep")
    processes = descendants(process.pid)
    kill(workers(process.pid)[0])
    go_on(workspace)

    assert process.wait(60) == 1
    wait_until(lambda: are_gone(processes), 30)
    said = (workspace / "log").read_text()
    assert "Traceback" not in said
    reason = r"its process was killed \(SIGKILL\), perhaps for lack of memory"
    (lost,) = re.findall(rf"[1-3]/3  slow-\S+-s(\d)  failed: {reason}", said)
    assert len(re.findall(rf"^failed: slow-\S+-s{lost}: {reason}$", said, re.MULTILINE)) == 1
    kept = {seed: each for seed, each in undisturbed.items() if seed != int(lost)}
    assert records(workspace / "sweep") == kept
    assert statuses(workspace, f"tags.seed = '{lost}'") == ["KILLED"]
    assert statuses(workspace, "tags.kind = 'sweep'") == ["FAILED"]
    done = train(workspace, *SWEEP, "hydra.sweep.dir=again", PYTHONPATH=str(workspace))
    assert "2 done, 0 failed, 1 interrupted, 0 to run" in done.stdout, done.stderr
    assert records(workspace / "again") == undisturbed
    assert statuses(workspace, "tags.run_key LIKE '%'") == ["FINISHED"] * 3


def test_a_sweep_that_is_killed_is_finished_by_its_command(
    workspace: Path, undisturbed: dict[int, Any]
) -> None:
    process = begin(workspace, *SWEEP)
    processes = descendants(process.pid)
    assert len(workers(process.pid)) == 2
    kill(process.pid)
    go_on(workspace)

    assert process.wait(60) != 0
    wait_until(lambda: are_gone(processes), 30)
    done = train(workspace, *SWEEP, "hydra.sweep.dir=again", PYTHONPATH=str(workspace))
    assert done.returncode == 0, done.stdout + done.stderr
    assert records(workspace / "again") == undisturbed
    assert statuses(workspace, "tags.kind = 'sweep'") == ["FINISHED"]
    assert statuses(workspace, "tags.run_key LIKE '%'") == ["FINISHED"] * 3


@pytest.mark.parametrize("send", [os.killpg, os.kill])  # a terminal sends Ctrl-C to the group
def test_a_sweep_that_is_asked_to_stop_says_how_to_go_on(
    workspace: Path, undisturbed: dict[int, Any], send: Callable[[int, int], None]
) -> None:
    process = begin(workspace, *SWEEP)
    processes = descendants(process.pid)
    send(process.pid, signal.SIGINT)
    wait_until(lambda: bool(list(workspace.rglob("stop_all"))), 30)
    go_on(workspace)

    assert process.wait(60) == 130
    wait_until(lambda: are_gone(processes), 30)
    assert statuses(workspace, "tags.kind = 'sweep'") == ["KILLED"]
    assert "RUNNING" not in statuses(workspace, "")
    said = (workspace / "log").read_text()
    assert "Traceback" not in said
    (again,) = re.findall(r"it goes on with:\n  python \S+train\.py (.*)", said)
    done = train(workspace, *shlex.split(again), "hydra.sweep.dir=again", PYTHONPATH=str(workspace))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"sweep-\w+: [0-3] done, 0 failed, [1-3] interrupted", done.stdout)
    assert records(workspace / "again") == undisturbed
    assert statuses(workspace, "") == ["FINISHED"] * 4
