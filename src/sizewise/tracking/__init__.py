"""Runs in MLflow. The only package that imports it.

That takes seconds, which a run has better uses for when it starts: a module is imported when one of
its names is first asked for.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Read once, when mlflow is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
# A server that is away is waited for by the tracker, not within each request for minutes. And a
# request that is sent twice could make two runs.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")

if TYPE_CHECKING:
    from sizewise.tracking.flavour import save_flavour
    from sizewise.tracking.listing import list_runs
    from sizewise.tracking.opening import Opening
    from sizewise.tracking.queries import (
        Readable,
        StoredRun,
        StoredSweep,
        find_sweep,
        finished_records,
        membership,
        read_record,
        runs_by_key,
    )
    from sizewise.tracking.recovery import SENT, put_right, send, take_up, unsent_folders
    from sizewise.tracking.resolve import find_run, model_file, read_config
    from sizewise.tracking.starting import git_commit, start_run, start_sweep
    from sizewise.tracking.store import STORE_ERRORS, Store, open_existing, open_store
    from sizewise.tracking.tracker import Tracker

__all__ = [
    "SENT",
    "STORE_ERRORS",
    "Opening",
    "Readable",
    "Store",
    "StoredRun",
    "StoredSweep",
    "Tracker",
    "find_run",
    "find_sweep",
    "finished_records",
    "git_commit",
    "list_runs",
    "membership",
    "model_file",
    "open_existing",
    "open_store",
    "put_right",
    "read_config",
    "read_record",
    "runs_by_key",
    "save_flavour",
    "send",
    "start_run",
    "start_sweep",
    "take_up",
    "unsent_folders",
]

MODULES = (
    "opening",  # it does without MLflow
    *("flavour", "listing", "queries", "recovery", "resolve", "starting", "store", "tracker"),
)


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in MODULES:
            found = vars(import_module(f"{__name__}.{module}"))
            if name in found:
                return found[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
