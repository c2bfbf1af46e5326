"""What an MLflow store holds of runs and sweeps."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mlflow.exceptions import MlflowException

from sizewise.errors import UserError, first_line, nearest
from sizewise.records import RunRecord, RunSummary, read_records
from sizewise.tracking.store import Store


class StoredRun(NamedTuple):
    """A run as the store has it. `status` is MLflow's: RUNNING, FINISHED, FAILED, KILLED."""

    run_id: str
    name: str
    status: str
    tags: dict[str, str]
    artifacts: str

    @property
    def folder(self) -> Path:
        """The run's output folder, which may be on another machine."""
        return Path(self.tags.get("folder", ""))


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


def read_record(store: Store, run: StoredRun) -> RunRecord:
    """Return the record of a finished run, from its artifacts.

    Raises:
        UserError: it has none, or none that can be read.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            if run.artifacts.startswith("file:"):  # MLflow would take 10 ms, for each of thousands
                path = Path(url2pathname(urlsplit(run.artifacts).path), "record.jsonl")
            else:
                path = Path(store.client.download_artifacts(run.run_id, "record.jsonl", folder))
            (record,) = read_records(path)
            return record
    except (MlflowException, OSError, ValueError) as error:
        raise UserError(
            f"the record of run {run.run_id} can't be read ({first_line(error)}); run it again "
            "with rerun=true"
        ) from error


class StoredSweep(NamedTuple):
    """A sweep in the store: the command that started it, and its finished runs, oldest first."""

    command: str
    records: list[RunRecord]


def find_sweep(store: Store, name: str) -> StoredSweep:
    """Return all sweeps called `name` as one, so that runs added later count with the first.

    Raises:
        UserError: there is no such sweep, or none of its runs is finished.
    """
    sweeps = list(search(store, "tags.kind = 'sweep'"))
    named = [run for run in sweeps if run.tags["sweep"] == name]
    if not named:
        names = {run.tags["sweep"] for run in sweeps}
        known = nearest(name, names) if names else "(there are none yet)"
        raise UserError(f"there is no sweep {name} in {store.uri}: {known}")
    finished: dict[str, StoredRun] = {}  # newest first
    for sweep in named:
        member = f"tags.`{membership(sweep.run_id)}` = 'true'"
        for run in search(store, f"{member} AND attributes.status = 'FINISHED'"):
            finished[run.run_id] = run
    if not finished:
        raise UserError(f"no run of the sweep {name} is finished yet")
    records = [read_record(store, run) for run in reversed(finished.values())]
    return StoredSweep(named[-1].tags["command"], records)


def membership(parent_run_id: str) -> str:
    """Return the tag that says a run belongs to a sweep; a run can belong to several."""
    return f"sweep.{parent_run_id}"


def list_runs(store: Store, sort: str | None = None, most: int = 1000) -> list[RunSummary]:
    """Return the newest runs, or with `sort` those of the highest such metric, best first."""
    order = "attributes.start_time DESC" if sort is None else f"metrics.`{sort}` DESC"
    found = store.client.search_runs([store.experiment_id], order_by=[order], max_results=most)
    return [
        RunSummary(
            run.info.run_id,
            run.info.run_name,
            run.info.status,
            run.data.metrics,
        )
        for run in found
    ]
