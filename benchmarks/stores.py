"""What the benchmarks of sweeps read from a store, and what of it can be compared."""

from collections.abc import Mapping
from typing import NamedTuple

import mlflow

# These a clock measures, or they are sampled from the machine: they differ from run to run.
MEASURED = (
    *("samples_per_second", "cost/train_seconds", "cost/peak_memory_mb"),
    *("cost/latency_ms_p50", "cost/latency_ms_p95", "cost/throughput"),
)
Points = dict[tuple[str, int], list[float]]


class Stored(NamedTuple):
    """A run as a store has it; `points` holds all values logged by (metric, step)."""

    run_id: str
    name: str
    status: str
    points: Points


def stored_runs(uri: str) -> Mapping[str, list[Stored]]:
    """Return the runs of a store, sweeps left out, by run key."""
    client = mlflow.MlflowClient(uri)
    found: dict[str, list[Stored]] = {}
    for run in client.search_runs(["1"], "tags.run_key LIKE '%'", max_results=5000):
        points: Points = {}
        for name in run.data.metrics:
            for point in client.get_metric_history(run.info.run_id, name):
                points.setdefault((name, point.step), []).append(point.value)
        stored = Stored(run.info.run_id, run.info.run_name, run.info.status, points)
        found.setdefault(run.data.tags["run_key"], []).append(stored)
    return found


def table(runs: Mapping[str, list[Stored]]) -> dict[tuple[str, str, int], list[float]]:
    """Return what was logged by (run key, metric, step), but for what a clock measured."""
    return {
        (key, metric, step): values
        for key, same in runs.items()
        for run in same
        for (metric, step), values in run.points.items()
        if metric not in MEASURED
    }
