"""What a run's tracker sends, keeps while the store is away, and makes up for."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from sizewise.errors import Interrupted
from sizewise.run.folder import RunFolder
from sizewise.tracking import tracker
from sizewise.tracking.lifecycle import SENT, send, start_run, take_up
from sizewise.tracking.store import Store
from sizewise.tracking.tracker import Tracker

KEY = "0123456789abcdef"


def begin(store: Store, folder: Path) -> Tracker:
    return start_run(store, KEY, "cnn-1k-mnist1d-s0", folder, {})


def fail(run: Tracker, error: BaseException, metrics: dict[str, float]) -> None:
    """Log an epoch, and then end as a run does that an error ends."""
    with run:
        run.log(1, metrics)
        raise error


def history(store: Store, run_id: str, name: str = "train/loss") -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in store.client.get_metric_history(run_id, name)]


@contextmanager
def away(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the store refuse everything, as a server that is down."""

    def refuse(*_: Any, **__: Any) -> None:
        raise MlflowException("connection refused")

    with monkeypatch.context() as patch:
        for name in ("log_batch", "log_artifact", "set_tag", "set_terminated"):
            patch.setattr(type(store.client), name, refuse)
        yield


def test_metrics_are_in_the_folder_at_once_and_in_the_store_at_the_end(
    store: Store, tmp_path: Path
) -> None:
    with begin(store, tmp_path / "run") as run:
        for step in (1, 2, 3):
            run.log(step, {"train/loss": 1 / step, "val/loss": 2.0})
            lines = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
            assert json.loads(lines[-1])["train/loss"] == 1 / step
    assert history(store, run.run_id) == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    assert store.client.get_run(run.run_id).info.status == "FINISHED"
    assert not (tmp_path / "run" / RunFolder.UNSENT).exists()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("no good"), "FAILED"),
        (Interrupted(), "KILLED"),
        (SystemExit(1), "KILLED"),  # as a scheduler's signal handler raises it
    ],
)
def test_a_run_that_ends_in_an_error_is_marked_so(
    store: Store, tmp_path: Path, error: BaseException, status: str
) -> None:
    run = begin(store, tmp_path / "run")
    with pytest.raises(type(error)):
        fail(run, error, {"train/loss": 1.0})
    found = store.client.get_run(run.run_id)
    assert found.info.status == status
    assert found.data.tags["error"].startswith(type(error).__name__)
    assert history(store, run.run_id) == [(1, 1.0)]


def test_what_a_store_misses_arrives_when_it_is_back_in_order_and_once(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(tracker, "FLUSH_SECONDS", 0.01)
    deliver = Tracker.send
    calls = iter(range(1000))

    def unsteady(self: Tracker) -> None:
        if next(calls) % 3 == 1:  # after it has taken the batch: the answer is what is lost
            deliver(self)
        if next(calls) % 3 < 2:
            raise MlflowException("connection reset")
        deliver(self)

    with monkeypatch.context() as patch, begin(store, tmp_path / "run") as run:
        patch.setattr(Tracker, "send", unsteady)
        for step in range(200):
            run.log(step, {"train/loss": step / 8})
        patch.undo()
    assert history(store, run.run_id) == [(step, step / 8) for step in range(200)]


def test_a_batch_whose_answer_was_lost_is_not_there_twice(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_batch = type(store.client).log_batch

    def deaf(*arguments: Any, **named: Any) -> None:
        log_batch(*arguments, **named)
        raise MlflowException("read timed out")

    with begin(store, tmp_path / "run") as run:
        run.log(1, {"train/loss": 1.0})
        with monkeypatch.context() as patch:
            patch.setattr(type(store.client), "log_batch", deaf)
            with pytest.raises(MlflowException):
                run.send()
        run.log(2, {"train/loss": 0.5})
    assert history(store, run.run_id) == [(1, 1.0), (2, 0.5)]


def test_a_run_that_ends_while_the_store_is_away_is_kept_and_sent_later(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "run"
    with away(store, monkeypatch):
        with begin(store, folder) as run:
            run.log(1, {"train/loss": 1.0})
            run.log(2, {"train/loss": 0.5})
            (folder / "config.yaml").write_text("seed: 0\n")
        assert f"send it later with: sizewise sync {folder}" in capsys.readouterr().err
        assert send(folder) == "not sent: connection refused"
    assert store.client.get_run(run.run_id).info.status == "RUNNING"

    assert send(folder) == SENT
    found = store.client.get_run(run.run_id)
    assert found.info.status == "FINISHED"
    assert found.info.end_time < found.info.start_time + 60_000
    assert history(store, run.run_id) == [(1, 1.0), (2, 0.5)]
    assert {item.path for item in store.client.list_artifacts(run.run_id)} == {
        "config.yaml",
        "metrics.jsonl",
    }
    assert not (folder / RunFolder.UNSENT).exists()


def test_a_run_that_is_taken_up_keeps_what_was_logged_and_sends_what_was_not(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    first = begin(store, folder)
    with away(store, monkeypatch), pytest.raises(Interrupted):
        fail(first, Interrupted(), {"train/loss": 1.0, "samples_per_second": 100.0})
    with (folder / "metrics.jsonl").open("a") as journal:
        journal.write('{"step": 2, "train/lo')  # a crash tears the last line

    second = take_up(store, KEY, {"sweep": "study"}, unfinished=True)
    assert isinstance(second, Tracker)
    assert second.run_id == first.run_id
    with second:
        again = second.log(1, {"train/loss": 1.0, "samples_per_second": 90.0})
        assert again == {"train/loss": 1.0, "samples_per_second": 100.0}
        second.log(2, {"train/loss": 0.5})
    assert history(store, first.run_id) == [(1, 1.0), (2, 0.5)]
    assert history(store, first.run_id, "samples_per_second") == [(1, 100.0)]
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2]
    found = store.client.get_run(first.run_id)
    assert (found.info.status, found.data.tags["sweep"]) == ("FINISHED", "study")
    assert "error" not in found.data.tags


def test_a_full_disk_ends_the_run_as_failed_and_keeps_what_was_logged(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    run = begin(store, tmp_path / "run")
    run.log(1, {"train/loss": 1.0})
    monkeypatch.setattr(Path, "open", full_disk)
    with pytest.raises(OSError, match="No space"):
        fail(run, AssertionError("the metric could not be written"), {"val/loss": 1.0})
    monkeypatch.undo()
    assert store.client.get_run(run.run_id).info.status == "FAILED"
    assert history(store, run.run_id) == [(1, 1.0)]


def test_runs_that_begin_at_once_log_the_same_data_set(store: Store, tmp_path: Path) -> None:
    with ExitStack() as stack:
        runs = [stack.enter_context(begin(store, tmp_path / str(number))) for number in range(6)]
        start = Barrier(len(runs))

        def log(run: Tracker, digest: str) -> None:
            start.wait()
            run.log_datasets("digits", {"training": (digest, {}), "testing": ("all the same", {})})

        with ThreadPoolExecutor(len(runs)) as pool:
            for digest in ("one", "another"):
                list(pool.map(log, runs, [digest] * len(runs)))
    for run in runs:
        inputs = store.client.get_run(run.run_id).inputs
        assert inputs is not None
        digests = {each.dataset.digest for each in inputs.dataset_inputs}
        assert digests == {"one", "another", "all the same"}
