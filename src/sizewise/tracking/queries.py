"""What an MLflow store holds of runs and sweeps."""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from sizewise.errors import UserError, nearest
from sizewise.records import ERROR, Measure, RunSummary
from sizewise.run.folder import RunFolder
from sizewise.tracking.store import Store

ERROR_JSON = json.dumps(ERROR._asdict())  # of runs from before there were other measures
NEWEST = "attributes.start_time DESC"
PAGE = 5000  # runs at a time
LOOKED_AT = 1000  # runs, to know which metrics there are


class StoredRun(NamedTuple):
    """A run as the store has it. `status` is MLflow's: RUNNING, FINISHED, FAILED, KILLED."""

    run_id: str
    name: str
    status: str
    tags: dict[str, str]
    artifacts: str
    metrics: dict[str, float]

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


def search(
    store: Store, condition: str, order: str = NEWEST, most: int | None = None
) -> Iterator[StoredRun]:
    """Yield the runs, or the first `most`, that fulfil a condition of MLflow's search."""
    token = None
    while True:
        page = store.client.search_runs(
            [store.experiment_id],
            condition,
            max_results=most or PAGE,
            order_by=[order],
            page_token=token,
        )
        for run in page:
            info, data = run.info, run.data
            yield StoredRun(
                *(info.run_id, info.run_name, info.status, data.tags, info.artifact_uri),
                data.metrics,
            )
        token = page.token
        if not token or most:
            return


def list_runs(
    store: Store, sort: str | None = None, most: int = 1000, study: str | None = None
) -> list[RunSummary]:
    """Return the newest runs, or with `sort` those of the highest such metric, highest first.

    Args:
        store: where.
        sort: a metric; `test_accuracy` and `accuracy` stand for `test/accuracy` where no other
            metric is called so.
        most: how many runs.
        study: the name of a sweep, to list its runs only.

    Raises:
        UserError: there is no such metric or sweep.
    """
    metric = None if sort is None else _metric(store, sort)
    order = NEWEST if metric is None else f"metrics.`{metric}` DESC"
    if study is None:
        found = list(search(store, "", order, most))
    else:
        found = members(store, sweeps_named(store, study), None, order)
        if metric is not None:
            found.sort(key=lambda run: run.metrics.get(metric, -math.inf), reverse=True)
    return [
        RunSummary(
            *(run.run_id, run.name, run.status, run.metrics),
            Measure(**json.loads(run.tags.get("measure", ERROR_JSON))),
        )
        for run in found[:most]
    ]


def _metric(store: Store, wanted: str) -> str:
    names = {name for run in search(store, "", most=LOOKED_AT) for name in run.metrics}
    if wanted in names or not names:
        return wanted
    spelt = [name for name in names if name.replace("/", "_") == wanted.replace("/", "_")]
    ends = [name for name in names if name.rpartition("/")[2] == wanted]
    for found in (spelt, ends):
        if len(found) == 1:
            return found[0]
    raise UserError(f"no run has a metric {wanted}: {nearest(wanted, names)}")


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
    store: Store,
    sweeps: Iterable[StoredRun],
    status: str | None = "FINISHED",
    order: str = NEWEST,
) -> list[StoredRun]:
    """Return the runs of any of `sweeps`, finished ones by default, newest first."""
    condition = f" AND attributes.status = '{status}'" if status else ""
    found: dict[str, StoredRun] = {}
    for sweep in sweeps:
        member = f"tags.`{membership(sweep.run_id)}` = 'true'"
        found |= {run.run_id: run for run in search(store, member + condition, order)}
    return list(found.values())


def membership(parent_run_id: str) -> str:
    """Return the tag that says a run belongs to a sweep; a run can belong to several."""
    return f"sweep.{parent_run_id}"
