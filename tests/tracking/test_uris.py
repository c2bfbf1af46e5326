"""One reading of a store's URI, at every door."""

import shutil
from pathlib import Path

import pytest

from sizewise.config import TrackingConfig
from sizewise.tracking.store import open_store
from tests.lab import sizewise


@pytest.mark.parametrize("start", ["sqlite:///", "sqlite+pysqlite:///"])
@pytest.mark.parametrize("query", ["", "?timeout=60"])
def test_a_file_with_a_driver_and_a_query_is_found_and_locked(
    start: str,
    query: str,
    migrated: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    uri = f"{start}my%20{tmp_path.name}/x.db{query}"
    assert sizewise("runs", "--uri", uri) == 2
    assert f"there are no runs in {uri} yet; make one with" in capsys.readouterr().err

    folder = tmp_path / f"my {tmp_path.name}"
    folder.mkdir()
    shutil.copy(migrated, folder / "x.db")
    assert sizewise("runs", "--uri", uri, "--experiment", "unused") == 0
    open_store(TrackingConfig(uri=uri, experiment="new", artifacts=None))
    assert {path.name for path in folder.iterdir()} == {"x.db", "x.lock"}


@pytest.mark.parametrize("place", ["argument", "environment"])
def test_an_empty_uri_means_the_usual_store(
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "" if place == "environment" else "http://h:1")
    typed = ["--uri", ""] if place == "argument" else []
    assert sizewise("runs", *typed) == 2
    assert "there are no runs in sqlite:///mlruns/mlflow.db yet" in capsys.readouterr().err


def test_help_shows_no_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://u:hunter%402pw@h/my%20db")
    assert sizewise("runs", "--help") == 0
    said = "".join(capsys.readouterr().out.split())
    assert "postgresql://u:***@h/my%20db" in said
    assert "2pw" not in said
