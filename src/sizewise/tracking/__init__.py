"""Runs in MLflow. The only package that imports it."""

import os

# Read once, when mlflow is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
# A server that is away is waited for by the tracker, not within each request for minutes. And a
# request that is sent twice could make two runs.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")

from sizewise.tracking.folders import claim, is_taken
from sizewise.tracking.queries import (
    StoredRun,
    StoredSweep,
    find_sweep,
    list_runs,
    membership,
    read_record,
    runs_by_key,
)
from sizewise.tracking.recovery import SENT, put_right, send, take_up, unsent_folders
from sizewise.tracking.store import STORE_ERRORS, Store, open_store
from sizewise.tracking.tracker import Tracker, git_commit, say, start_run, start_sweep

__all__ = [
    "SENT",
    "STORE_ERRORS",
    "Store",
    "StoredRun",
    "StoredSweep",
    "Tracker",
    "claim",
    "find_sweep",
    "git_commit",
    "is_taken",
    "list_runs",
    "membership",
    "open_store",
    "put_right",
    "read_record",
    "runs_by_key",
    "say",
    "send",
    "start_run",
    "start_sweep",
    "take_up",
    "unsent_folders",
]
