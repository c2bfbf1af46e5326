"""A tracker that is made late closes its run all the same."""

from pathlib import Path

import pytest

from sizewise.errors import Interrupted, UserError
from sizewise.tracking import Opening, Store, Tracker, start_run
from tests.tracking.test_tracker import KEY


class Made:
    """Makes trackers, and notes what it was asked for."""

    def __init__(self, store: Store, folder: Path, error: Exception | None = None) -> None:
        self.times = 0
        self._store = store
        self._folder = folder
        self._error = error

    def __call__(self) -> Tracker:
        self.times += 1
        if self._error is not None:
            raise self._error
        return start_run(self._store, KEY, "run", self._folder, {})


def begin(tracker: Tracker) -> None:
    tracker.log_config({"seed": 1})


def fail(_: Tracker) -> None:
    raise OSError("no room")


def only_run(store: Store) -> tuple[str, dict[str, str], dict[str, str]]:
    (run,) = store.client.search_runs([store.experiment_id])
    return run.info.status, run.data.tags, run.data.params


def test_nothing_is_made_before_it_is_asked_for_and_then_once(store: Store, tmp_path: Path) -> None:
    made = Made(store, tmp_path / "run")
    with Opening(made, begin) as opening:
        assert made.times == 0
        assert opening.tracker() is opening.tracker()
        opening.tracker().log(1, {"loss": 0.5})
    status, _, params = only_run(store)
    assert (made.times, status, params) == (1, "FINISHED", {"seed": "1"})


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("bad"), "FAILED"), (Interrupted("stop"), "KILLED")]
)
def test_a_run_that_ends_before_it_was_asked_for_is_recorded(
    store: Store, tmp_path: Path, error: BaseException, status: str
) -> None:
    with pytest.raises(type(error)), Opening(Made(store, tmp_path / "run"), begin):
        raise error
    found, tags, params = only_run(store)
    assert (found, params) == (status, {"seed": "1"})
    assert str(error) in tags["error"]


def test_what_can_not_be_made_is_not_tried_again(store: Store, tmp_path: Path) -> None:
    made = Made(store, tmp_path / "run", UserError("no such store"))
    with pytest.raises(UserError, match="no such store"), Opening(made, begin) as opening:
        opening.tracker()
    assert made.times == 1
    assert store.client.search_runs([store.experiment_id]) == []


def test_a_run_that_fails_by_its_first_words_is_closed(store: Store, tmp_path: Path) -> None:
    made = Made(store, tmp_path / "run")
    with pytest.raises(OSError, match="no room"), Opening(made, fail) as opening:
        opening.tracker()
    assert made.times == 1
    assert only_run(store)[0] == "FAILED"
