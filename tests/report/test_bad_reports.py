"""Files that no report can be made of: one line each, exit code 2, and nothing written."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab import sizewise
from tests.report.synthetic import record

GOOD = record().to_json()
OTHER = record(seed=1)


def changed(**changes: object) -> str:
    return json.dumps({**json.loads(OTHER.to_json()), **changes})


def without(key: str) -> str:
    return json.dumps({name: value for name, value in json.loads(GOOD).items() if name != key})


FILES: dict[str, tuple[str | bytes, str]] = {
    "an empty file": ("", "there are no runs to report: expected at least 2"),
    "blank lines": ("\n\n", "line 1: .*expected a runs.jsonl that sizewise wrote"),
    "one run": (GOOD, "one finished run, lstm-1000-mnist1d-s0, and a report compares at least 2"),
    "no JSON": ("hello\nworld", "line 1: .*expected a runs.jsonl that sizewise wrote"),
    "a torn last line": (f"{GOOD}\n{GOOD[:100]}", "line 2: .*expected a runs.jsonl"),
    "a list": ("[1, 2]", "line 1: not a run record"),
    "a number": ("5", "line 1: not a run record"),
    "another's records": ('{"loss": 1}', "line 1: not a run record"),
    "a key too few": (f"{GOOD}\n{without('metrics')}", "line 2: not a run record"),
    "a key too many": (f"{GOOD}\n{changed(colour='red')}", "line 2: not a run record"),
    "bytes": (b"\x80\x81\x00", "not a text file in UTF-8"),
    "metrics of another kind": (f"{GOOD}\n{changed(metrics=5)}", "line 2: not a run record"),
    "a history of another kind": (f"{GOOD}\n{changed(history='x')}", "line 2: not a run record"),
    "parameters in words": (f"{GOOD}\n{changed(parameters='many')}", "line 2: not a run record"),
    "runs that failed": (
        "\n".join(changed(metrics={"test/accuracy": float("nan")}) for _ in range(2)),
        "none of the 2 runs has both",
    ),
    "two data sets": (f"{GOOD}\n{changed(data='digits')}", "different data sets, digits"),
    "data that changed": (
        f"{GOOD}\n{json.dumps({**json.loads(GOOD), 'parameters': 9, 'fingerprint': 'new'})}",
        "the bytes of mnist1d changed between runs",
    ),
}


@pytest.fixture
def told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Return a function that asks for a report and returns its one line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow sets it in other tests

    def ask(*arguments: str) -> str:
        before = set(tmp_path.iterdir())
        assert sizewise("report", *arguments) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        assert set(tmp_path.iterdir()) == before
        return said.err

    return ask


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_no_report_can_be_made_of(
    told: Callable[..., str], tmp_path: Path, kind: str
) -> None:
    content, words = FILES[kind]
    path = tmp_path / "runs.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = told("runs.jsonl")
    assert re.search(words, line), line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.jsonl"], "there is no file nowhere.jsonl"),
        (["folder.jsonl"], "folder.jsonl"),
        (["study"], "there are no runs in sqlite:///mlruns/mlflow.db yet"),
        (["two.jsonl", "--to", "two.jsonl"], "two.jsonl"),
        (["two.jsonl", "--to", "/proc/nowhere"], "/proc/nowhere"),
    ],
)
def test_a_report_that_cannot_be_read_or_written(
    told: Callable[..., str], tmp_path: Path, arguments: list[str], words: str
) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "two.jsonl").write_text(f"{GOOD}\n{OTHER.to_json()}\n")
    assert words in told(*arguments)
