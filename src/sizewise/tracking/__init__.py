"""Runs in MLflow. The only package that imports it."""

import os

# Read once, when mlflow is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from sizewise.tracking.queries import (
    StoredSweep,
    failed_runs,
    find_sweep,
    finished_runs,
    list_runs,
    membership,
    read_record,
)
from sizewise.tracking.store import Store, open_store
from sizewise.tracking.tracker import Tracker, git_commit, start_run, start_sweep

__all__ = [
    "Store",
    "StoredSweep",
    "Tracker",
    "failed_runs",
    "find_sweep",
    "finished_runs",
    "git_commit",
    "list_runs",
    "membership",
    "open_store",
    "read_record",
    "start_run",
    "start_sweep",
]
