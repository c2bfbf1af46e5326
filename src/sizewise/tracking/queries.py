"""What an MLflow store holds of runs and sweeps."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sizewise.errors import UserError, nearest
from sizewise.records import ERROR, Measure, error_in
from sizewise.run.folder import RunFolder
from sizewise.tracking.store import Store

PAGE = 5000  # runs at a time


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

    @property
    def error(self) -> str:
        """The test error, by the run's own measure, as text; a dash where there is none yet."""
        if not {"test/error", "test/accuracy"} & self.metrics.keys():
            return "–"
        known = self.tags.get("measure")  # not of runs from before there were others
        measure = Measure(**json.loads(known)) if known else ERROR
        return measure.shown(error_in(self.metrics, "test"))


def runs_by_key(store: Store) -> dict[str, StoredRun]:
    """Return the run with each run key: the finished one, else the newest."""
    runs = list(search(store, "tags.run_key LIKE '%'"))
    newest_last = sorted(reversed(runs), key=lambda run: run.status == "FINISHED")
    return {run.tags["run_key"]: run for run in newest_last}


def search(store: Store, condition: str, most: int | None = None) -> Iterator[StoredRun]:
    """Yield the runs, or the first `most`, that fulfil a condition of MLflow's, newest first."""
    token: str | None = ""
    while token is not None:
        page = store.client.search_runs(
            [store.experiment_id],
            condition,
            max_results=most or PAGE,
            order_by=["attributes.start_time DESC"],
            page_token=token or None,
        )
        for run in page:
            info, data = run.info, run.data
            yield StoredRun(
                *(info.run_id, info.run_name, info.status, data.tags, info.artifact_uri),
                data.metrics,
            )
        token = None if most else page.token or None


def list_runs(
    store: Store, sort: str | None = None, most: int = 1000, study: str | None = None
) -> list[StoredRun]:
    """Return the newest runs, or with `sort` the first by a metric.

    Args:
        store: where.
        sort: a metric, the highest first, but of errors and losses the lowest; `test_error` and
            `error` stand for `test/error` where no other metric is called so.
        most: how many runs.
        study: the name of a sweep, to list its runs only.

    Raises:
        UserError: there is no such metric or sweep.
    """
    if study is not None:
        runs = members(store, sweeps_named(store, study), None)
    else:
        runs = list(search(store, "", None if sort else most))
    if sort is not None:
        metric = _metric(runs, sort)

        def place(run: StoredRun) -> tuple[bool, float]:
            value = run.metrics.get(metric, math.nan)
            return math.isnan(value), value if metric.endswith(("error", "loss")) else -value

        runs.sort(key=place)
    return runs[:most]


def _metric(runs: Sequence[StoredRun], wanted: str) -> str:
    names = {name for run in runs for name in run.metrics}
    spelt = [name for name in names if name.replace("/", "_") == wanted.replace("/", "_")]
    ends = [name for name in names if name.rpartition("/")[2] == wanted]
    for found in ([wanted] if wanted in names or not names else [], spelt, ends):
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
        known = nearest(name, {run.tags["sweep"] for run in sweeps})
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
