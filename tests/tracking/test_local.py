"""A project that is moved, copied or reached by a link, with all that its store holds."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from sizewise.apply.runs import find
from sizewise.config import TrackingConfig
from sizewise.records import write_records
from sizewise.run.folder import Outcome, RunFolder
from sizewise.tracking.artifacts import artifact, read_record
from sizewise.tracking.lifecycle import send, start_run, take_up
from sizewise.tracking.resolve import find_run
from sizewise.tracking.store import Store, open_store
from sizewise.tracking.tracker import Tracker
from tests.processes import ROOT, wait_until
from tests.report.synthetic import record
from tests.tracking.test_recovery import abandon
from tests.tracking.test_tracker import KEY

OTHER_KEY = "fedcba9876543210"
Open = Callable[..., Store]


def opened(project: Path, experiment: str = "sizewise") -> Store:
    """Open the store of the project in this folder."""
    where = TrackingConfig(
        uri=f"sqlite:///{project}/mlruns/mlflow.db".replace("%", "%25"),
        experiment=experiment,
        artifacts=str(project / "mlruns/artifacts"),
    )
    return open_store(where)


def test_a_store_that_was_cut_off_as_it_was_made_is_made_anew(tmp_path: Path) -> None:
    """What a kill leaves is under another name, with its journal perhaps."""
    code = (
        "from pathlib import Path; from tests.tracking.test_local import opened;"
        f"opened(Path({str(tmp_path)!r}))"
    )
    part = tmp_path / "mlruns/mlflow.part"
    with Popen([sys.executable, "-c", code], cwd=ROOT, stderr=PIPE) as process:
        wait_until(lambda: part.exists() and part.stat().st_size > 100_000, 60)
        process.kill()
    assert not (tmp_path / "mlruns/mlflow.db").exists()
    Path(f"{part}-journal").write_text("of a write that was cut off")
    store = opened(tmp_path)
    assert store.client.get_experiment(store.experiment_id).name == "sizewise"
    assert not part.exists()


def finish(store: Store, folder: Path, name: str, key: str = KEY) -> str:
    """Leave a finished run with an artifact and a logged model."""
    with start_run(store, key, name, folder, {}) as run:
        write_records(folder / "record.jsonl", [record(parameters=len(name))])
    store.client.create_logged_model(store.experiment_id, "model", source_run_id=run.run_id)
    return run.run_id


def model_location(store: Store, run_id: str) -> str:
    (model,) = store.client.search_logged_models(
        [store.experiment_id], f"source_run_id = '{run_id}'"
    )
    return str(model.artifact_location)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below `folder`, but for locks."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


@pytest.fixture
def project(migrated: Path, tmp_path: Path) -> Path:
    """A project with a finished and an interrupted run."""
    folder = tmp_path / "first one, 100%"
    (folder / "mlruns").mkdir(parents=True)
    shutil.copy(migrated, folder / "mlruns/mlflow.db")
    store = opened(folder)
    finish(store, folder / "outputs/done", "done")
    abandon(store, folder / "outputs/interrupted", OTHER_KEY)
    return folder


def test_a_moved_project_finds_everything(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = project.rename(tmp_path / "second")
    capsys.readouterr()
    store = opened(there)
    assert f"{there}/mlruns/mlflow.db was moved from {project}/mlruns/mlflow.db: " in (
        capsys.readouterr().err
    )
    run = find_run(store, "done")
    assert read_record(store, run).parameters == len("done")
    assert run.folder.path == there / "outputs/done"
    assert [item.path for item in store.client.list_artifacts(run.run_id)] == ["record.jsonl"]
    assert model_location(store, run.run_id).startswith((there / "mlruns/artifacts").as_uri())
    assert store.client.get_experiment(store.experiment_id).artifact_location == (
        (there / "mlruns/artifacts").as_uri()
    )
    taken = take_up(store, OTHER_KEY, {}, unfinished=True)
    assert isinstance(taken, Tracker)
    assert taken.folder.path == there / "outputs/interrupted"
    with taken:
        pass
    opened(there)
    assert capsys.readouterr().err == ""


def test_a_copied_project_is_on_its_own(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    before = contents(project)
    store = opened(copy)
    new = finish(store, copy / "outputs/new", "new", "another key")
    assert store.client.get_run(new).info.artifact_uri.startswith(copy.as_uri())
    assert model_location(store, new).startswith(copy.as_uri())
    done = find_run(store, "done")
    assert done.artifacts.startswith(copy.as_uri())
    taken = take_up(store, OTHER_KEY, {}, unfinished=True)
    assert isinstance(taken, Tracker)
    assert taken.folder.path == copy / "outputs/interrupted"
    with taken:
        taken.log(2, {"train/loss": 0.5})
        (taken.folder.path / "config.yaml").write_text("seed: 0\n")
    assert (copy / "mlruns/artifacts" / taken.run_id / "artifacts/config.yaml").exists()
    assert contents(project) == before
    first = opened(project)
    assert find_run(first, "done").artifacts.startswith(project.as_uri())
    assert find_run(first, f"run-{OTHER_KEY[:4]}", finished=False).status == "RUNNING"


def test_a_project_reached_by_a_link_stays_as_it_is(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened(project)
    database = project / "mlruns/mlflow.db"
    before = database.read_bytes()
    link = tmp_path / "link"
    link.symlink_to(project)
    capsys.readouterr()
    store = opened(link)
    assert (capsys.readouterr().err, database.read_bytes()) == ("", before)
    assert read_record(store, find_run(store, "done")).parameters == len("done")


def test_all_experiments_of_a_moved_store_are_put_right(project: Path, tmp_path: Path) -> None:
    other = opened(project, "other")
    run_id = finish(other, project / "outputs/other", "other")
    there = project.rename(tmp_path / "second")
    opened(there)
    uri = opened(there, "other").client.get_run(run_id).info.artifact_uri
    assert uri.startswith(there.as_uri())


def test_a_project_that_moves_twice_is_followed_twice(project: Path, tmp_path: Path) -> None:
    opened(project.rename(tmp_path / "second"))
    (tmp_path / "deeper").mkdir()
    third = (tmp_path / "second").rename(tmp_path / "deeper/third")
    store = opened(third)
    assert read_record(store, find_run(store, "done")).folder
    assert find_run(store, "done").folder.path == third / "outputs/done"


def test_a_job_s_folder_leads_to_the_run_that_it_took_up_after_a_move(
    project: Path, tmp_path: Path
) -> None:
    job = project / "multirun/0"
    job.mkdir(parents=True)
    (job / RunFolder.REDIRECT).write_text("../../outputs/done\n")  # as sizewise.run leaves it
    there = project.rename(tmp_path / "second")
    store = opened(there)
    assert find(store, str(there / "multirun/0")).folder.path == there / "outputs/done"


def test_what_lies_outside_the_project_is_left_alone(project: Path, tmp_path: Path) -> None:
    store = opened(project)
    finish(store, tmp_path / "scratch/run", "scratch", "another key")
    there = project.rename(tmp_path / "second")
    assert find_run(opened(there), "scratch").folder.path == tmp_path / "scratch/run"


def test_artifacts_that_did_not_come_along_are_read_where_they_are(
    project: Path, tmp_path: Path
) -> None:
    opened(project)
    backup = tmp_path / "backup"
    (backup / "mlruns").mkdir(parents=True)
    shutil.copy(project / "mlruns/mlflow.db", backup / "mlruns")
    before = contents(project)
    store = opened(backup)
    assert read_record(store, find_run(store, "done")).parameters == len("done")
    finish(store, backup / "outputs/new", "new", "another key")
    assert take_up(store, OTHER_KEY, {}, unfinished=True) is None
    assert contents(project) == before


def test_a_run_that_was_not_sent_is_sent_from_the_copy_to_the_copy(
    project: Path, tmp_path: Path
) -> None:
    store = opened(project)
    folder = RunFolder(project / "outputs/interrupted")
    run_id = folder.read_run_id()
    Outcome(store.uri, store.experiment_id).write(folder)
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    assert send(copy / "outputs/interrupted") == "sent"
    assert opened(copy).client.get_run(run_id).info.status == "FINISHED"
    assert opened(project).client.get_run(run_id).info.status == "RUNNING"


def test_a_store_that_is_gone_is_not_made_anew_by_sending(project: Path, tmp_path: Path) -> None:
    store = opened(project)
    Outcome(store.uri, store.experiment_id).write(RunFolder(project / "outputs/interrupted"))
    folder = (project / "outputs/interrupted").rename(tmp_path / "interrupted")
    shutil.rmtree(project)
    assert "not sent: there is no store sqlite:///" in send(folder)
    assert not project.exists()


OPEN = """
import sys
from sizewise.tracking.local import only_one_opens
sys.stdin.readline()
with only_one_opens(sys.argv[1]):
    pass
"""


def test_two_processes_that_meet_a_moved_store_put_it_right_once(
    project: Path, tmp_path: Path
) -> None:
    there = project.rename(tmp_path / "second")
    uri = f"sqlite:///{there}/mlruns/mlflow.db"
    both = [
        Popen([sys.executable, "-c", OPEN, uri], stdin=PIPE, stderr=PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("was moved from" in text for text in said) == 1, said
    store = opened(there)
    with artifact(store, find_run(store, "done"), "record.jsonl") as path:
        assert path.is_relative_to(there)
        assert path.exists()
