"""The list of runs."""

import json
import math

from mlflow.entities import ViewType

from sizewise.errors import UserError, nearest
from sizewise.records import ERROR, Measure, RunSummary
from sizewise.tracking.queries import membership, sweeps_named
from sizewise.tracking.store import Store

ERROR_JSON = json.dumps(ERROR._asdict())  # of runs from before there were other measures
LOOKED_AT = 1000  # runs, to know which metrics there are


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
    order = "attributes.start_time DESC" if metric is None else f"metrics.`{metric}` DESC"
    if study is None:
        return _search(store, "", order, most)
    parts = [
        _search(store, f"tags.`{membership(sweep.run_id)}` = 'true'", order, most)
        for sweep in sweeps_named(store, study)
    ]
    found = list({run.run_id: run for part in parts for run in part}.values())
    if metric is not None:
        found.sort(key=lambda run: run.metrics.get(metric, -math.inf), reverse=True)
    return found[:most]


def _metric(store: Store, wanted: str) -> str:
    names = {name for run in _search(store, "", "", LOOKED_AT) for name in run.metrics}
    if wanted in names or not names:
        return wanted
    spelt = [name for name in names if name.replace("/", "_") == wanted.replace("/", "_")]
    ends = [name for name in names if name.rpartition("/")[2] == wanted]
    for found in (spelt, ends):
        if len(found) == 1:
            return found[0]
    raise UserError(f"no run has a metric {wanted}: {nearest(wanted, names)}")


def _search(store: Store, condition: str, order: str, most: int) -> list[RunSummary]:
    found = store.client.search_runs(
        [store.experiment_id],
        condition,
        ViewType.ACTIVE_ONLY,
        order_by=[order] if order else None,
        max_results=most,
    )
    return [
        RunSummary(
            run.info.run_id,
            run.info.run_name,
            run.info.status,
            run.data.metrics,
            Measure(**json.loads(run.data.tags.get("measure", ERROR_JSON))),
        )
        for run in found
    ]
