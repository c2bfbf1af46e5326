"""A store's password is in no file, tag, param or word that comes of a run."""

import dataclasses
import re
from pathlib import Path

import pytest
import sqlalchemy

from sizewise.errors import UserError
from sizewise.run.folder import Outcome, RunFolder
from sizewise.tracking import artifacts, lifecycle, tracker
from sizewise.tracking.lifecycle import send, start_run, start_sweep, take_up
from sizewise.tracking.store import Store
from tests.postgres import OWNER, PostgreSQL
from tests.processes import command, train
from tests.tracking.test_recovery import abandon
from tests.tracking.test_tracker import KEY

SECRET = "hunter2pw"
URI = f"postgresql://u:{SECRET}@h/db"
SHOWN = "postgresql://u:***@h/db"


@pytest.fixture
def secret_store(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store whose URI has a password in it."""
    for module in (tracker, artifacts):
        monkeypatch.setattr(module, "check_store", lambda _: None)
    return dataclasses.replace(store, uri=URI)


def everything_in(uri: str) -> str:
    """Return all rows of all tables of a database as one text."""
    engine = sqlalchemy.create_engine(uri)
    metadata = sqlalchemy.MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        tables = metadata.tables.values()
        text = "\n".join(str(connection.execute(table.select()).fetchall()) for table in tables)
    engine.dispose()
    return text


def files_with(secret: str, folder: Path) -> list[Path]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    assert found
    return [path for path in found if secret.encode() in path.read_bytes() or secret in path.name]


def test_tags_and_errors_show_no_password(
    secret_store: Store, store: Store, tmp_path: Path
) -> None:
    tags = {"overrides": f"tracking.uri={URI}"}
    run = start_run(secret_store, KEY, "run", tmp_path / "run", tags)
    with pytest.raises(UserError), run:
        raise UserError(f"{URI} fails")
    start_sweep(secret_store, KEY, "sweep", tmp_path / "sweep", {"command": f"train.py {URI}"})
    interrupted = abandon(secret_store, tmp_path / "left", "left")
    taken = take_up(secret_store, "left", {"overrides": URI}, unfinished=True)
    assert isinstance(taken, tracker.Tracker)
    assert store.client.get_run(interrupted).data.tags["overrides"] == SHOWN
    taken._lock.release()

    found = store.client.get_run(run.run_id).data
    assert found.tags["overrides"] == f"tracking.uri={SHOWN}"
    assert found.tags["error"] == f"UserError: {SHOWN} fails"
    assert SECRET not in everything_in(store.uri)
    assert files_with(SECRET, tmp_path) == []


def test_a_run_that_was_not_sent_keeps_no_password_and_asks_for_it(
    secret_store: Store, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    run_id = abandon(secret_store, folder)
    Outcome(secret_store.shown, store.experiment_id).write(RunFolder(folder))
    assert files_with(SECRET, folder) == []

    opened: list[str] = []

    def reopen(uri: str, _: str) -> Store:
        opened.append(uri)
        return store

    monkeypatch.setattr(lifecycle, "reopen_store", reopen)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    asked = f"not sent: the password of {SHOWN} is not kept; set MLFLOW_TRACKING_URI"
    assert send(folder).startswith(asked)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://u:{SECRET}@elsewhere/db")
    assert send(folder).startswith(asked)
    assert opened == []
    monkeypatch.setenv("MLFLOW_TRACKING_URI", URI)
    assert send(folder) == "sent"
    assert opened == [URI]
    assert store.client.get_run(run_id).info.status == "FINISHED"


TINY = ("model=cnn", "size=1k", "data.num_samples=200", "threads=1")
SHORT = ("training.epochs=1", "training.max_steps=3")
FAILING = ("training.patience=1", "data.validation_fraction=0")


@pytest.mark.slow
def test_the_password_of_a_database_is_nowhere_after_runs_and_sweeps(tmp_path: Path) -> None:
    if not PostgreSQL.is_installed():
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with PostgreSQL(password=SECRET) as uri:
        uri = uri.replace(f"{OWNER}@", f"{OWNER}:{SECRET}@")
        sweep = ("seed=1,2", "hydra.sweep.dir=sweep", "hydra.launcher.n_jobs=1")
        commands = [
            train(tmp_path, *TINY, *SHORT, MLFLOW_TRACKING_URI=uri),
            train(tmp_path, *TINY, *FAILING, f"tracking.uri={uri}"),
            train(tmp_path, "-m", *TINY, *SHORT, *sweep, f"tracking.uri={uri}"),
        ]
        assert [done.returncode for done in commands] == [0, 2, 0]
        said = "".join(done.stdout + done.stderr for done in commands)
        shown = uri.replace(SECRET, "***")
        assert shown in said
        for arguments in (["runs"], ["report", "sweep", "--to", "report"]):
            done = command(tmp_path, *arguments, "--uri", uri)
            said += done.stdout + done.stderr
        (tmp_path / "sweep/report.txt").write_text(said)
        assert len(list(tmp_path.glob("sweep/*/record.jsonl"))) == 2
        assert files_with(SECRET, tmp_path) == []
        everything = everything_in(uri)
        assert shown in everything
        assert SECRET not in everything
        (folder,) = {path.parent for path in tmp_path.glob("outputs/*/*/record.jsonl")}
        run_id = (folder / "mlflow_run_id").read_text().strip()
        done = command(tmp_path, "where", run_id, "--uri", uri)
        assert re.search(rf"store +{re.escape(shown)}", done.stdout), done.stderr
        assert SECRET not in done.stdout + done.stderr
