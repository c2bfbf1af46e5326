"""`sizewise advise`: what it refuses, and advice from start to end on a small table."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.lab import sizewise
from tests.processes import command, environment_of, make_store, wait_until

TABLE = ("data=table", "data.path=rows.csv", "data.target=label")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    numbers = random.normal(size=(600, 6))
    frame = pd.DataFrame(numbers, columns=list("abcdef"))
    frame["label"] = np.where(numbers[:, 0] * numbers[:, 1] > 0, "same", "other")
    frame.to_csv("rows.csv", index=False)
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ((*TABLE,), "budget= can't be kept: expected at least 1min, as in budget=20min"),
        ((*TABLE, "budget=5"), "budget=5 can't be kept"),
        ((*TABLE, "budget=10s"), "budget=10s can't be kept"),
        (("budget=1min",), "which data? expected sizewise advise data=folder"),
        ((*TABLE, "budget=1min", "size=1k"), "size is what advise decides: leave it out"),
        ((*TABLE, "budget=1min", "model=cnn"), "model=cnn can't read rows"),
        ((*TABLE, "budget=1min", "model=svn"), "did you mean svm?"),
        ((*TABLE, "budget=1min", "model="), "there is no model=: there are: attention"),
        ((*TABLE, "budget=1min", "model=svm"), "model=svm has no sizes to look through"),
        (("data=pydoc", "budget=1min"), "data=pydoc is a text or of pairs"),
        ((*TABLE, "--explain"), "nothing was decided yet"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    typed: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sizewise("advise", *typed) == 2
    said = capsys.readouterr().err.splitlines()
    assert told in said[-1]


# One small family and a wide tolerance, so that it is told before the minute is over.
ONE = (*TABLE, "answer.tolerance=30", "model=logistic")


def typed(folder: Path, *words: str) -> str:
    """Return what a command prints."""
    done = command(folder, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_advice_ends_with_a_model_that_is_ready(here: Path) -> None:
    make_store(here / "mlruns/mlflow.db")
    said = typed(here, "advise", *ONE, "budget=1min")
    folder = next((here / "advice").iterdir())
    events = [json.loads(line) for line in (folder / "decisions.jsonl").read_text().splitlines()]
    assert events[-1]["event"] == "advised"
    assert "Expect error of" in said
    assert (folder / "report/report.html").exists()
    assert "they would be the same again" in typed(here, "advise", *ONE, "--explain")
    pd.read_csv("rows.csv").head(5).to_csv("new.csv", index=False)
    assert typed(here, "predict", f"advised:{folder.name}", "new.csv").count("new.csv") == 5


@pytest.mark.slow
def test_advice_that_was_killed_goes_on(here: Path) -> None:
    asked = (*ONE, "budget=1min")
    with (here / "said").open("w") as said_at_first:
        killed = subprocess.Popen(
            [sys.executable, "-m", "sizewise", "advise", *asked],
            stdout=said_at_first,
            env=environment_of(here),
            start_new_session=True,
        )
        try:
            wait_until(lambda: any(here.glob("advice/*/runs/*/metrics.jsonl")))
        finally:
            os.killpg(killed.pid, signal.SIGKILL)
            killed.wait()
    said = typed(here, "advise", *asked)
    again = typed(here, "advise", *asked)  # nothing is left to do: the same advice at once
    first, second = (
        next(line for line in text.splitlines() if line.startswith("Expect"))
        for text in (said, again)
    )
    assert first == second
    assert "they would be the same again" in typed(here, "advise", *ONE, "--explain")
