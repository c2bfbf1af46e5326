"""What an MLflow store holds of runs and sweeps."""

import tempfile
from pathlib import Path
from typing import NamedTuple

from mlflow.exceptions import MlflowException

from sizewise.errors import UserError, first_line, nearest
from sizewise.records import RunRecord, RunSummary, read_records
from sizewise.tracking.store import Store


def finished_runs(store: Store, key: str | None = None) -> dict[str, str]:
    """Return the run id by run key of the runs that are finished, or of those with `key` alone."""
    return _ids_by_key(store, "FINISHED", key)


def failed_runs(store: Store) -> dict[str, str]:
    """Return the run id by run key of the runs that failed."""
    return _ids_by_key(store, "FAILED")


def _ids_by_key(store: Store, status: str, key: str | None = None) -> dict[str, str]:
    condition = f"attributes.status = '{status}'"
    condition += f" AND tags.run_key = '{key}'" if key else ""
    found: dict[str, str] = {}
    token = None
    while True:
        page = store.client.search_runs(
            [store.experiment_id], condition, max_results=5000, page_token=token
        )
        for run in page:
            if "run_key" in run.data.tags:
                found.setdefault(run.data.tags["run_key"], run.info.run_id)
        token = page.token
        if not token:
            return found


def read_record(store: Store, run_id: str) -> RunRecord:
    """Return the record of a finished run, from its artifacts.

    Raises:
        UserError: it has none, or none that can be read.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = store.client.download_artifacts(run_id, "record.jsonl", folder)
            (record,) = read_records(Path(path))
            return record
    except (MlflowException, OSError, ValueError) as error:
        raise UserError(
            f"the record of run {run_id} can't be read ({first_line(error)}); run it again with "
            "rerun=true"
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
    sweeps = store.client.search_runs([store.experiment_id], "tags.kind = 'sweep'")
    named = [run for run in sweeps if run.data.tags["sweep"] == name]
    if not named:
        names = {run.data.tags["sweep"] for run in sweeps}
        known = nearest(name, names) if names else "(there are none yet)"
        raise UserError(f"there is no sweep {name} in {store.uri}: {known}")
    finished: dict[str, int] = {}
    for sweep in named:
        member = f"tags.`{membership(sweep.info.run_id)}` = 'true'"
        for run in store.client.search_runs(
            [store.experiment_id],
            f"{member} AND attributes.status = 'FINISHED'",
            max_results=50_000,
        ):
            finished[run.info.run_id] = run.info.start_time
    if not finished:
        raise UserError(f"no run of the sweep {name} is finished yet")
    oldest_first = sorted(finished, key=lambda run_id: finished[run_id])
    records = [read_record(store, run_id) for run_id in oldest_first]
    return StoredSweep(named[-1].data.tags["command"], records)


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
