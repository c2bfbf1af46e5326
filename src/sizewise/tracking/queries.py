"""What an MLflow store holds of runs and sweeps."""

import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mlflow.exceptions import MlflowException

from sizewise.errors import UserError, first_line, nearest
from sizewise.records import RunRecord, read_records
from sizewise.run.folder import RunFolder
from sizewise.tracking.probe import check_store
from sizewise.tracking.store import STORE_ERRORS, Store


class StoredRun(NamedTuple):
    """A run as the store has it. `status` is MLflow's: RUNNING, FINISHED, FAILED, KILLED."""

    run_id: str
    name: str
    status: str
    tags: dict[str, str]
    artifacts: str

    @property
    def folder(self) -> RunFolder:
        """The run's output folder, which may be on another machine."""
        return RunFolder(Path(self.tags.get("folder", "")))


def runs_by_key(store: Store, key: str | None = None) -> dict[str, StoredRun]:
    """Return the run with each run key, or with `key` alone: the finished one, else the newest."""
    condition = f"tags.run_key = '{key}'" if key else "tags.run_key LIKE '%'"
    found: dict[str, StoredRun] = {}
    for run in search(store, condition):
        before = found.get(run.tags["run_key"])
        if before is None or (run.status == "FINISHED" != before.status):
            found[run.tags["run_key"]] = run
    return found


def search(store: Store, condition: str) -> Iterator[StoredRun]:
    """Yield the runs that fulfil a condition of MLflow's search, newest first."""
    token = None
    while True:
        page = store.client.search_runs(
            [store.experiment_id], condition, max_results=5000, page_token=token
        )
        for run in page:
            info = run.info
            yield StoredRun(
                info.run_id, info.run_name, info.status, run.data.tags, info.artifact_uri
            )
        token = page.token
        if not token:
            return


@contextmanager
def artifact(store: Store, run: StoredRun, name: str) -> Iterator[Path]:
    """Yield an artifact of a run as a file, which is only to be read.

    Raises:
        STORE_ERRORS: it is not there, or the store sends something else in its place.
    """
    if run.artifacts.startswith("file:"):  # MLflow would take 10 ms, for each of thousands
        yield Path(url2pathname(urlsplit(run.artifacts).path), name)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(store.client.download_artifacts(run.run_id, name, folder)).resolve()
        if not (path.is_relative_to(Path(folder).resolve()) and path.is_file()):
            raise UserError(f"the store has no file {name} of run {run.run_id}")
        yield path


def read_record(store: Store, run: StoredRun) -> RunRecord:
    """Return the record of a finished run, from its artifacts.

    Raises:
        UserError: it has none, or none that can be read.
    """
    try:
        with artifact(store, run, RunFolder.RECORD) as path:
            (record,) = read_records(path)
            return record
    except (MlflowException, OSError, ValueError) as error:
        raise UserError(
            f"the record of run {run.run_id} can't be read ({first_line(error)}); run it again "
            "with rerun=true"
        ) from error


class Readable(NamedTuple):
    """Finished runs with their records, and a line for each that is left out and why.

    A run with the same key as one that can be read is not missed, and has no line.
    """

    runs: list[tuple[StoredRun, RunRecord]]
    left_out: list[str]

    @property
    def by_key(self) -> dict[str, tuple[StoredRun, RunRecord]]:
        """The runs by their run keys."""
        return {run.tags["run_key"]: (run, record) for run, record in self.runs}


def readable(store: Store, runs: Iterable[StoredRun], *, one_of_each: bool = False) -> Readable:
    """Read the records of finished `runs`; one whose artifacts are gone counts as not done.

    Args:
        store: where.
        runs: newest first.
        one_of_each: whether to read only the newest that can be read with each run key.

    Raises:
        UserError: it can't be told whether they are gone, as when the store is away.
    """
    found: list[tuple[StoredRun, RunRecord]] = []
    unread: list[tuple[str | None, str]] = []
    known: set[str | None] = set()
    for run in runs:
        key = run.tags.get("run_key")
        if one_of_each and key in known:
            continue
        try:
            found.append((run, read_record(store, run)))
            known.add(key)
        except UserError as error:
            _check_that_it_is_gone(store, run, error)
            reason = first_line(error.__cause__ or error)
            unread.append((key, f"{run.name} ({run.run_id}): {reason}"))
    return Readable(found, [line for key, line in unread if key is None or key not in known])


def finished_records(store: Store, keys: Collection[str]) -> Readable:
    """Return the newest finished run with each of these keys that can be read.

    Raises:
        UserError: it can't be told whether one can be.
    """
    has_key = f"= '{next(iter(keys))}'" if len(keys) == 1 else "LIKE '%'"
    finished = search(store, f"tags.run_key {has_key} AND attributes.status = 'FINISHED'")
    wanted = (run for run in finished if run.tags["run_key"] in keys)
    return readable(store, wanted, one_of_each=True)


def _check_that_it_is_gone(store: Store, run: StoredRun, error: UserError) -> None:
    """Raise `error` if a record that can't be read may be there all the same."""
    if run.artifacts.startswith("file:") or isinstance(error.__cause__, ValueError):
        return
    check_store(store.uri)
    try:
        names = {item.path for item in store.client.list_artifacts(run.run_id)}
    except STORE_ERRORS:
        raise error from None
    if RunFolder.RECORD in names:
        raise error


class StoredSweep(NamedTuple):
    """A sweep in the store: the command that started it, and its finished runs, oldest first.

    `left_out` has a line for each finished run that can't be read.
    """

    command: str
    records: list[RunRecord]
    left_out: list[str]


def find_sweep(store: Store, name: str) -> StoredSweep:
    """Return all sweeps called `name` as one, so that runs added later count with the first.

    Raises:
        UserError: there is no such sweep, or none of its runs is finished and can be read.
    """
    sweeps = sweeps_named(store, name)
    found = finished_members(store, name, sweeps)
    records = [record for _, record in reversed(found.runs)]
    return StoredSweep(sweeps[-1].tags["command"], records, found.left_out)


def finished_members(store: Store, name: str, sweeps: Iterable[StoredRun]) -> Readable:
    """Return the finished runs of any of `sweeps`, which are called `name`, newest first.

    Raises:
        UserError: there is none that can be read.
    """
    found = readable(store, members(store, sweeps))
    if found.runs:
        return found
    if found.left_out:
        raise UserError(
            f"no finished run of the sweep {name} can be read ({found.left_out[0]}); its command "
            "trains them again"
        )
    raise UserError(f"no run of the sweep {name} is finished yet")


def sweeps_named(store: Store, name: str) -> list[StoredRun]:
    """Return the sweeps called `name`, newest first.

    Raises:
        UserError: there is none.
    """
    sweeps = list(search(store, "tags.kind = 'sweep'"))
    named = [run for run in sweeps if run.tags["sweep"] == name]
    if not named:
        names = {run.tags["sweep"] for run in sweeps}
        known = nearest(name, names) if names else "(there are none yet)"
        raise UserError(f"there is no sweep {name} in {store.shown}: {known}")
    return named


def members(
    store: Store, sweeps: Iterable[StoredRun], status: str | None = "FINISHED"
) -> list[StoredRun]:
    """Return the runs of any of `sweeps`, finished ones by default, newest first."""
    condition = f" AND attributes.status = '{status}'" if status else ""
    found: dict[str, StoredRun] = {}
    for sweep in sweeps:
        member = f"tags.`{membership(sweep.run_id)}` = 'true'"
        found |= {run.run_id: run for run in search(store, member + condition)}
    return list(found.values())


def membership(parent_run_id: str) -> str:
    """Return the tag that says a run belongs to a sweep; a run can belong to several."""
    return f"sweep.{parent_run_id}"
