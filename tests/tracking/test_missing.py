"""Runs whose artifacts are gone count as not done, and the others as before."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from sizewise.errors import UserError
from sizewise.records import RunRecord, write_records
from sizewise.run.folder import Outcome, RunFolder
from sizewise.tracking.artifacts import finished_records, read_record, readable
from sizewise.tracking.lifecycle import put_right, start_run, start_sweep, take_up
from sizewise.tracking.queries import membership, search
from sizewise.tracking.resolve import find_run, find_sweep
from sizewise.tracking.store import Store
from sizewise.tracking.tracker import Tracker
from tests.report.synthetic import record
from tests.tracking.test_recovery import abandon

KEYS = ("1" * 16, "2" * 16, "3" * 16)


def finish(store: Store, folder: Path, key: str, **tags: str) -> str:
    with start_run(store, key, f"run-{key[:4]}", folder, tags) as run:
        validation_error = int(key[0]) / 10
        made = record(parameters=int(key[0]), validation_error=validation_error)
        write_records(folder / "record.jsonl", [made])
    return run.run_id


def lose(store: Store, run_id: str) -> None:
    shutil.rmtree(store.client.get_run(run_id).info.artifact_uri.removeprefix("file://"))


def damage(store: Store, run_id: str) -> None:
    folder = Path(store.client.get_run(run_id).info.artifact_uri.removeprefix("file://"))
    (folder / "record.jsonl").write_text("{torn")


@pytest.fixture
def study(store: Store, tmp_path: Path) -> tuple[str, list[str]]:
    """A sweep of three finished runs; the first is best."""
    command = {"command": "python train.py -m"}
    parent, _ = start_sweep(store, "sweep key", "study", tmp_path / "sweep", command)
    member = {membership(parent): "true"}
    return parent, [finish(store, tmp_path / key, key, **member) for key in KEYS]


@pytest.mark.parametrize("spoil", [lose, damage])
def test_a_report_and_the_best_leave_out_a_run_whose_artifacts_are_gone(
    store: Store,
    study: tuple[str, list[str]],
    spoil: Callable[[Store, str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, runs = study
    spoil(store, runs[0])
    found = find_sweep(store, "study")
    assert [record.parameters for _, record in found.runs] == [3, 2]
    line = f"sizewise: left out, since it can't be read: run-1111 ({runs[0]}): "
    assert capsys.readouterr().err.startswith(line)
    assert find_run(store, "best:study").run_id == runs[1]
    assert f"left out, since it can't be read: run-1111 ({runs[0]})" in capsys.readouterr().err
    with pytest.raises(UserError, match=rf"record.* of run run-1111 \({runs[0]}\) can't be read"):
        read_record(store, find_run(store, runs[0]))


def test_what_a_sweep_finds_finished_can_be_read(
    store: Store, study: tuple[str, list[str]]
) -> None:
    _, runs = study
    lose(store, runs[1])
    found = finished_records(store, [*KEYS, "not trained"])
    assert {key: run.run_id for key, (run, _) in found.by_key.items()} == {
        KEYS[0]: runs[0],
        KEYS[2]: runs[2],
    }
    assert [line[:8] for line in found.left_out] == ["run-2222"]


def test_a_sweep_none_of_whose_runs_can_be_read_is_told_in_one_line(
    store: Store, study: tuple[str, list[str]]
) -> None:
    for run_id in study[1]:
        lose(store, run_id)
    with pytest.raises(UserError, match=r"no finished run of the sweep study can be read \(run-"):
        find_sweep(store, "study")


def test_a_run_whose_artifacts_are_gone_is_trained_anew_and_then_counts(
    store: Store,
    study: tuple[str, list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parent, runs = study
    lose(store, runs[0])
    assert take_up(store, KEYS[0], {}, unfinished=True) is None
    assert f"trained again, since it can't be read: run-1111 ({runs[0]})" in (
        capsys.readouterr().err
    )
    again = finish(store, tmp_path / "again", KEYS[0], **{membership(parent): "true"})
    assert isinstance(take_up(store, KEYS[0], {}, unfinished=True), RunRecord)
    assert len(find_sweep(store, "study").runs) == len(KEYS)
    assert capsys.readouterr().err == ""
    assert find_run(store, "best:study").run_id == again
    # an older one that can be read counts where the newest can't
    newest = finish(store, tmp_path / "newest", KEYS[0])
    lose(store, newest)
    found = finished_records(store, [KEYS[0]])
    assert (found.by_key[KEYS[0]][0].run_id, found.left_out) == (again, [])


def test_a_second_training_that_was_interrupted_is_taken_up(
    store: Store, study: tuple[str, list[str]], tmp_path: Path
) -> None:
    lose(store, study[1][0])
    second = abandon(store, tmp_path / "second", KEYS[0])
    taken = take_up(store, KEYS[0], {}, unfinished=True)
    assert isinstance(taken, Tracker)
    assert taken.run_id == second
    taken._lock.release()


def test_a_store_that_is_away_does_not_make_runs_undone(
    store: Store, study: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [
        run._replace(artifacts="mlflow-artifacts:/1")
        for run in search(store, "tags.run_key LIKE '%'")
    ]

    def refuse(*_: object) -> None:
        raise MlflowException("connection reset")

    monkeypatch.setattr(type(store.client), "download_artifacts", refuse)
    with pytest.raises(UserError, match="can't be read"):
        readable(store, runs)
    monkeypatch.setattr(type(store.client), "list_artifacts", refuse)
    with pytest.raises(UserError, match="can't be read"):
        readable(store, runs)
    monkeypatch.setattr(type(store.client), "list_artifacts", lambda *_: [])
    found = readable(store, runs)
    assert (found.by_key, len(found.left_out)) == ({}, 3)


def test_one_leftover_that_cant_be_sent_keeps_no_other_from_being_put_right(
    store: Store, tmp_path: Path
) -> None:
    broken, good = tmp_path / "broken", tmp_path / "good"
    abandon(store, broken)
    abandon(store, good, KEYS[0])
    for folder in (broken, good):
        Outcome(store.uri, store.experiment_id).write(RunFolder(folder))
    (broken / RunFolder.METRICS).write_text("not JSON\n")
    lines = put_right(store)
    assert any(line.endswith(": sent") for line in lines)
    assert any("not sent: " in line for line in lines)
