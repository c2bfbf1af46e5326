"""Which run is meant."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sizewise.config import TrackingConfig
from sizewise.errors import UserError
from sizewise.records import RunRecord, write_records
from sizewise.tracking.artifacts import artifact
from sizewise.tracking.lifecycle import start_sweep
from sizewise.tracking.queries import list_runs, membership
from sizewise.tracking.resolve import find_run
from sizewise.tracking.store import open_store
from tests.report.synthetic import record


class Shelf:
    """A store of runs that were never trained."""

    def __init__(self, folder: Path) -> None:
        where = TrackingConfig(
            uri=f"sqlite:///{folder}/mlflow.db",
            experiment="shelf",
            artifacts=str(folder / "artifacts"),
        )
        self.store = open_store(where)
        self._folder = folder

    def add(self, made: RunRecord, name: str, status: str = "FINISHED", **tags: str) -> str:
        client = self.store.client
        run = client.create_run(self.store.experiment_id, run_name=name, tags=tags)
        write_records(self._folder / "record.jsonl", [made])
        client.log_artifact(run.info.run_id, str(self._folder / "record.jsonl"))
        client.log_metric(run.info.run_id, "test/accuracy", made.metrics["test/accuracy"])
        client.log_metric(run.info.run_id, "test/error", made.error())
        client.log_metric(run.info.run_id, "cost/parameters", made.parameters or 0)
        client.set_terminated(run.info.run_id, status)
        return str(run.info.run_id)

    def add_sweep(self, name: str) -> str:
        folder = self._folder / name
        folder.mkdir()
        return start_sweep(self.store, name, name, folder, {"command": "train.py -m"})[0]


@pytest.fixture(scope="module")
def shelf(store_folder: Path) -> Shelf:
    return Shelf(store_folder)


@pytest.fixture(scope="module")
def ids(shelf: Shelf) -> dict[str, str]:
    first, second = shelf.add_sweep("study"), shelf.add_sweep("study2")
    mixed = shelf.add_sweep("mixed")
    member = {membership(first): "true"}
    return {
        "only": shelf.add(record(parameters=7), "only"),
        "old": shelf.add(record(), "twice"),
        "new": shelf.add(record(), "twice"),
        "newest": shelf.add(record(), "twice", "FAILED"),
        "failed": shelf.add(record(), "broken", "FAILED", error="the loss became nan\nat step 3"),
        "quoted": shelf.add(record(), "it's mine"),
        # the test set favours another run than validation does
        "good": shelf.add(record(parameters=900, validation_error=0.1), "good", **member),
        "same": shelf.add(record(parameters=500, validation_error=0.1), "same", **member),
        "lucky": shelf.add(
            record(parameters=100, test_error=0.01, validation_error=0.3, data__label_noise=0.1),
            "lucky",
            **member,
        ),
        "else": shelf.add(record(data__num_samples=100), "else", **{membership(mixed): "true"}),
        "also": shelf.add(record(), "also", **{membership(mixed): "true"}),
        "sweep": first,
        "empty sweep": second,
    }


@pytest.fixture(autouse=True)
def quiet(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    capsys.readouterr()


def test_by_id_its_start_and_its_name(shelf: Shelf, ids: dict[str, str]) -> None:
    for wanted in (ids["only"], ids["only"][:14], "only"):
        assert find_run(shelf.store, wanted).run_id == ids["only"]
    assert find_run(shelf.store, "it's mine").run_id == ids["quoted"]


def test_the_newest_finished_of_a_name_is_taken_and_named(
    shelf: Shelf, ids: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert find_run(shelf.store, "twice").run_id == ids["new"]
    assert capsys.readouterr().err == (
        f"sizewise: 2 finished runs are called twice; taking the newest, {ids['new']}\n"
    )


def test_the_best_of_a_study_is_so_by_validation_and_of_equals_the_smallest(
    shelf: Shelf, ids: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert find_run(shelf.store, "best:study").run_id == ids["same"]
    assert f"({ids['same']}), with error 10.00% on validation" in capsys.readouterr().err


def test_a_study_scored_again_on_more_test_samples_has_a_best(
    shelf: Shelf, ids: dict[str, str]
) -> None:
    member = {membership(shelf.add_sweep("scored")): "true"}
    runs = [record(validation_error=0.2), record(validation_error=0.1, data__test_samples=20_000)]
    _, best = (shelf.add(made, "scored", **member) for made in runs)
    assert find_run(shelf.store, "best:scored").run_id == best


def test_an_unfinished_run_is_found_where_that_will_do(shelf: Shelf, ids: dict[str, str]) -> None:
    assert find_run(shelf.store, "broken", finished=False).run_id == ids["failed"]


WRONG = {
    "onyl": "there is no run onyl in .*: did you mean only?",
    "xyz": "there is no run xyz in sqlite:///",
    "'\"": "there is no run '\"",
    "f" * 32: "there is no run ffff",
    "broken": r"the run broken \([0-9a-f]{8}\) is failed \(the loss became nan\); expected",
    "best:nope": "there is no sweep nope",
    "best:mixed": "the runs of mixed are on different data .mnist1d data.num_samples=100; mnist1d",
    "best:study2": "no run of the sweep study2 is finished yet",
    "study": "study is a sweep, not a run; .* best:study$",
    "x' OR name = 'y": "there is no run x' OR",
}


@pytest.mark.parametrize("wanted", WRONG)
def test_a_run_that_cant_be_had_is_told_in_one_line(
    shelf: Shelf, ids: dict[str, str], wanted: str
) -> None:
    with pytest.raises(UserError, match=WRONG[wanted]) as caught:
        find_run(shelf.store, wanted)
    assert "\n" not in str(caught.value)


def test_a_start_that_fits_several_ids_is_told(shelf: Shelf, ids: dict[str, str]) -> None:
    starts = [run_id[0] for name, run_id in ids.items() if "sweep" not in name]
    wanted = max(starts, key=starts.count)  # nine ids, sixteen letters
    if starts.count(wanted) < 2:
        pytest.skip("all ids start differently")
    with pytest.raises(UserError, match=rf"ids start with {wanted}: .*; type more of one"):
        find_run(shelf.store, wanted)


def test_metrics_go_by_their_common_names(shelf: Shelf, ids: dict[str, str]) -> None:
    for sort in ("test/accuracy", "test_accuracy", "accuracy"):
        assert list_runs(shelf.store, sort, 1)[0].run_id == ids["lucky"]
    assert list_runs(shelf.store, "parameters", 1, "study")[0].run_id == ids["good"]
    with pytest.raises(UserError, match="no run has a metric tset_accuracy: did you mean test/"):
        list_runs(shelf.store, "tset_accuracy")


def test_of_errors_the_lowest_are_listed_first(shelf: Shelf, ids: dict[str, str]) -> None:
    for study in (None, "study"):
        found = list_runs(shelf.store, "test_error", study=study)
        assert found[0].run_id == ids["lucky"]
        errors = [run.metrics["test/error"] for run in found if run.metrics]
        assert errors == sorted(errors)
        assert not any(run.metrics for run in found[len(errors) :])  # sweeps come last


def test_a_studys_runs_are_listed_alone(shelf: Shelf, ids: dict[str, str]) -> None:
    found = {run.run_id for run in list_runs(shelf.store, study="study")}
    assert found == {ids["good"], ids["same"], ids["lucky"]}
    with pytest.raises(UserError, match=r"there is no sweep sutdy in .*: did you mean study"):
        list_runs(shelf.store, study="sutdy")


def test_a_store_that_sends_a_file_from_elsewhere_is_not_believed(
    shelf: Shelf, ids: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.pt").write_text("elsewhere")
    run = find_run(shelf.store, "only")._replace(artifacts="mlflow-artifacts:/1")
    monkeypatch.setattr(
        shelf.store.client, "download_artifacts", lambda *_: str(tmp_path / "model.pt")
    )
    with (
        pytest.raises(UserError, match=r"model\.pt of run only .*the store has no such file"),
        artifact(shelf.store, run, "model.pt"),
    ):
        pass
