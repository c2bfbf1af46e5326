"""Leftovers: which runs are put right, which are taken up, and what a store is not trusted with."""

import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from sizewise.errors import UserError
from sizewise.records import RunRecord
from sizewise.run.folder import RunFolder
from sizewise.tracking import lifecycle
from sizewise.tracking.lifecycle import (
    put_right,
    send,
    start_run,
    start_sweep,
    take_up,
    unsent_folders,
)
from sizewise.tracking.store import Store
from sizewise.tracking.tracker import Tracker
from tests.tracking.test_tracker import KEY


def abandon(store: Store, folder: Path, key: str = KEY, **tags: str) -> str:
    """Leave a run as a process does that is killed."""
    run = start_run(store, key, f"run-{key[:4]}", folder, tags)
    run.log(1, {"train/loss": 1.0})
    run._lock.release()
    return run.run_id


def status(store: Store, run_id: str) -> str:
    return str(store.client.get_run(run_id).info.status)


def test_only_runs_without_a_process_are_put_right(store: Store, tmp_path: Path) -> None:
    gone = abandon(store, tmp_path / "gone")
    with start_run(store, "fedcba9876543210", "at-work", tmp_path / "at-work", {}) as at_work:
        (line,) = put_right(store)
        assert line.startswith(f"run-0123 ({gone}) was RUNNING: its process ended without a word")
        assert status(store, gone) == "KILLED"
        assert "kill -9" in store.client.get_run(gone).data.tags["error"]
        assert status(store, at_work.run_id) == "RUNNING"
    assert put_right(store) == []


def test_a_run_whose_folder_is_gone_is_put_right_on_its_own_machine_only(
    store: Store, tmp_path: Path
) -> None:
    here = abandon(store, tmp_path / "here")
    there = abandon(store, tmp_path / "there", host="another")
    for name in ("here", "there"):
        for path in (tmp_path / name).iterdir():
            path.unlink()
    assert socket.gethostname() != "another"
    lines = put_right(store)
    assert (status(store, here), status(store, there)) == ("KILLED", "RUNNING")
    assert any("is RUNNING on another, and can't be seen from here" in line for line in lines)


def test_nothing_is_taken_up_that_is_not_there_or_not_wanted(store: Store, tmp_path: Path) -> None:
    assert take_up(store, KEY, {}, unfinished=True) is None
    abandon(store, tmp_path / "run")
    assert take_up(store, KEY, {}, unfinished=False) is None
    assert take_up(store, "another key", {}, unfinished=True) is None


def test_a_finished_run_is_returned_and_not_written_to(store: Store, tmp_path: Path) -> None:
    record = json.loads(Path("experiments/article/runs.jsonl").read_text().splitlines()[0])
    with start_run(store, KEY, "run", tmp_path / "run", {"sweep": "first"}) as run:
        (tmp_path / "run/record.jsonl").write_text(json.dumps(record) + "\n")
    found = take_up(store, KEY, {"sweep": "second", "sweep.x": "true"}, unfinished=True)
    assert isinstance(found, RunRecord)
    assert found == RunRecord.from_json(json.dumps(record))
    tags = store.client.get_run(run.run_id).data.tags
    assert (tags["sweep"], tags["sweep.x"]) == ("first", "true")


@pytest.mark.parametrize("folder", ["/etc", "../../..", "", "/nowhere/at/all"])
def test_a_folder_that_a_store_names_is_left_alone_unless_sizewise_made_it(
    store: Store, tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tags = {"run_key": KEY, "folder": folder, "host": "another"}
    evil = store.client.create_run(store.experiment_id, run_name="../../evil", tags=tags)
    assert take_up(store, KEY, {}, unfinished=True) is None
    (line,) = put_right(store)
    assert "can't be seen from here" in line
    assert status(store, evil.info.run_id) == "RUNNING"
    assert not Path(folder or ".", RunFolder.LOCK).exists()


def test_files_outside_the_runs_folder_are_not_sent(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run_id = abandon(store, folder)
    (tmp_path / "secret").write_text("secret")
    (folder / "private.txt").write_text("secret")
    outcome = {"uri": store.uri, "experiment_id": store.experiment_id}
    more = {"artifacts": ["../secret", "private.txt"], "code": ["../secret"]}
    (folder / RunFolder.UNSENT).write_text(json.dumps(outcome | more))
    assert send(folder) == "sent"
    assert [item.path for item in store.client.list_artifacts(run_id)] == [RunFolder.METRICS]


def test_a_file_that_is_not_of_a_run_is_told(tmp_path: Path) -> None:
    for content in ("", "{}", "[]", '{"evil": 1}'):
        (tmp_path / RunFolder.UNSENT).write_text(content)
        assert "is not sizewise's" in send(tmp_path)
    assert unsent_folders([tmp_path]) == [tmp_path]


def test_a_run_that_another_process_trains_is_waited_for(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    abandon(store, tmp_path / "run")
    held, waited_for = threading.Event(), threading.Event()
    said: list[str] = []

    def be_at_work() -> None:
        with RunFolder(tmp_path / "run").lock():
            held.set()
            waited_for.wait(60)

    def say(text: str) -> None:
        said.append(text)
        waited_for.set()

    monkeypatch.setattr(lifecycle, "say", say)
    threading.Thread(target=be_at_work).start()
    held.wait()
    second = take_up(store, KEY, {}, unfinished=True)
    assert isinstance(second, Tracker)
    assert said[0].startswith("waiting for the run run-0123, which another process trains")


@pytest.mark.parametrize("before", [False, True])
def test_a_sweep_that_begins_is_never_taken_for_abandoned(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    """Whatever another command looks for, right after the store has been told anything."""
    command = {"command": "python train.py"}
    if before:
        run_id, lock = start_sweep(store, KEY, "study", tmp_path / "first", command)
        store.client.set_terminated(run_id, "KILLED")
        lock.release()
    for told in ("create_run", "update_run", "log_batch", "delete_tag"):
        tell = getattr(store.client, told)

        def told_and_looked_at(*given: Any, tell: Any = tell, **more: Any) -> Any:
            said = tell(*given, **more)
            assert put_right(store) == []
            return said

        monkeypatch.setattr(store.client, told, told_and_looked_at)
    run_id, lock = start_sweep(store, KEY, "study", tmp_path / "sweep", command)
    assert store.client.get_run(run_id).info.status == "RUNNING"
    lock.release()


def test_the_same_sweep_does_not_run_twice_at_once(store: Store, tmp_path: Path) -> None:
    command = {"command": "python train.py"}
    run_id, lock = start_sweep(store, KEY, "study", tmp_path / "first", command)
    with pytest.raises(UserError, match="the sweep study is running already, in "):
        start_sweep(store, KEY, "study", tmp_path / "second", command)
    lock.release()
    again, _ = start_sweep(store, KEY, "study", tmp_path / "second", command)
    assert again == run_id
    tags = store.client.get_run(run_id).data.tags
    assert tags["folder"] == str(tmp_path / "second")
