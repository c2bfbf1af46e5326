"""Runs in MLflow. The only module that imports it."""

import json
import logging
import os
import platform
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read once, when mlflow is imported

import mlflow
import numpy as np
from filelock import FileLock
from mlflow.entities import Dataset as DatasetEntity
from mlflow.entities import DatasetInput, InputTag, Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import Schema, TensorSpec
from mlflow.utils.validation import (
    MAX_METRICS_PER_BATCH,
    MAX_PARAM_VAL_LENGTH,
    MAX_PARAMS_TAGS_PER_BATCH,
)
from sqlalchemy.exc import SQLAlchemyError

from sizewise.config import TrackingConfig
from sizewise.errors import UserError, first_line, nearest
from sizewise.records import RunRecord, RunSummary, read_records

FLUSH_SECONDS = 5.0
MODEL_REQUIREMENTS = ("torch", "numpy", "mlflow")
PACKAGE = Path(__file__).parent

# The columns that MLflow's UI shows first. Which view it opens with is a setting of the visitor's
# browser, not of the experiment, so the link to it has to ask for both: see `Store.link`.
VIEW = "sizewise"
COLUMNS = [
    "metrics.`test/accuracy`",
    "metrics.`cost/parameters`",
    "metrics.`cost/train_seconds`",
    "metrics.`cost/latency_ms_p50`",
    "params.`model.family`",
    "params.`data.name`",
    "params.`seed`",
]


@dataclass(frozen=True)
class Store:
    """An opened MLflow store with the experiment that runs go to."""

    client: mlflow.MlflowClient
    experiment_id: str
    uri: str

    def link(self, server: str) -> str:
        """Return the page of MLflow's UI at `server` that shows the runs as a table."""
        return (
            f"{server.rstrip('/')}/#/experiments/{self.experiment_id}/runs"
            f"?workflowType=machine_learning&viewStateShareKey={VIEW}"
        )


def open_store(config: TrackingConfig) -> Store:
    """Open the store, making its schema and its experiment where they are not there yet.

    Raises:
        UserError: it can't be opened.
    """
    for name in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent"):
        logging.getLogger(name).setLevel(logging.WARNING)
    if config.uri.startswith(("http://", "https://")):
        _check_server(config.uri)
    try:
        with _only_one_opens(config.uri):
            client = mlflow.MlflowClient(config.uri)
            experiment_id = _find_or_create_experiment(client, config)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise UserError(
            f"the MLflow store {config.uri} can't be opened ({first_line(error)}); expected one "
            "like sqlite:///mlruns/mlflow.db or http://127.0.0.1:5000, given by tracking.uri"
        ) from error
    # Model.log has no other way to know where its model belongs.
    mlflow.set_tracking_uri(config.uri)
    mlflow.set_experiment(experiment_id=experiment_id)
    return Store(client, experiment_id, config.uri)


def _check_server(uri: str) -> None:
    """Ask the server once, since MLflow's own client would go on asking for minutes."""
    try:
        urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=5).close()
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise UserError(
            f"no MLflow server answers at {uri} ({first_line(error)}); start it, or log to a file "
            "with tracking.uri=sqlite:///mlruns/mlflow.db"
        ) from error


@contextmanager
def _only_one_opens(uri: str) -> Iterator[None]:
    """Keep processes that meet an empty SQLite file from running its migrations together."""
    if not uri.startswith("sqlite:///"):
        yield
        return
    database = Path(uri.removeprefix("sqlite:///"))
    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(database.with_suffix(".lock")):
        yield


def _find_or_create_experiment(client: mlflow.MlflowClient, config: TrackingConfig) -> str:
    found = client.get_experiment_by_name(config.experiment)
    if found is not None:
        if found.lifecycle_stage == "deleted":
            raise UserError(
                f"the MLflow experiment {config.experiment} is deleted; restore it with `mlflow "
                f"experiments restore -x {found.experiment_id}`, or choose another with "
                "tracking.experiment=NAME"
            )
        return str(found.experiment_id)
    artifacts = None if config.artifacts is None else Path(config.artifacts).resolve().as_uri()
    return str(
        client.create_experiment(
            config.experiment,
            artifact_location=artifacts,
            tags={
                "mlflow.experimentKind": "custom_model_development",
                "mlflow.experiment.primaryMetric.name": "test/accuracy",
                "mlflow.experiment.primaryMetric.greaterIsBetter": "True",
                f"mlflow.sharedViewState.{VIEW}": json.dumps(
                    {"selectedColumns": COLUMNS, "columnOrder": COLUMNS}
                ),
            },
        )
    )


@dataclass
class Tracker:
    """One MLflow run, from its start to its end.

    Metrics are gathered and sent in batches, so that tracking costs training next to nothing;
    each is also written to `metrics.jsonl` in the run's folder at once. As a context manager it
    closes the run: FINISHED, KILLED by Ctrl-C, or FAILED with the error as a tag.
    """

    store: Store
    run_id: str
    folder: Path
    _unsent: list[Metric] = field(default_factory=list)
    _sent_at: float = field(default_factory=time.monotonic)

    def log(self, step: int, metrics: dict[str, float]) -> None:
        """Log `metrics` by name at `step`."""
        now = time.time_ns() // 1_000_000
        with (self.folder / "metrics.jsonl").open("a") as file:
            file.write(json.dumps({"step": step, "timestamp": now} | metrics) + "\n")
        self._unsent += [Metric(name, value, now, step) for name, value in metrics.items()]
        if time.monotonic() - self._sent_at > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send what has gathered."""
        while self._unsent:
            batch = self._unsent[:MAX_METRICS_PER_BATCH]
            self.store.client.log_batch(self.run_id, metrics=batch)
            del self._unsent[: len(batch)]
        self._sent_at = time.monotonic()

    def log_config(self, params: dict[str, Any]) -> None:
        """Log `params`; a value longer than MLflow takes is cut, with an ellipsis."""
        entities = [Param(name, _shortened(value)) for name, value in params.items()]
        for start in range(0, len(entities), MAX_PARAMS_TAGS_PER_BATCH):
            batch = entities[start : start + MAX_PARAMS_TAGS_PER_BATCH]
            self.store.client.log_batch(self.run_id, params=batch)

    def log_dataset(self, name: str, fingerprint: str, profile: dict[str, Any]) -> None:
        """Log what the run is trained on, with its sizes and shapes as `profile`."""
        dataset = DatasetEntity(
            name=name,
            digest=fingerprint,
            source_type="sizewise",
            source=json.dumps({"data": name}),
            profile=json.dumps(profile),
        )
        use = InputTag("mlflow.data.context", "training")
        self.store.client.log_inputs(self.run_id, datasets=[DatasetInput(dataset, [use])])

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Copy the file `path` to the run's artifacts."""
        self.store.client.log_artifact(self.run_id, str(path), folder)

    def log_model(self, path: Path, input_shape: tuple[int, ...], code: list[Path]) -> None:
        """Log a saved network as a model that MLflow can serve.

        It is rebuilt from its weights by `sizewise.predict`, nothing is pickled; the package's own
        code goes with it, so that serving needs only PyTorch.

        Args:
            path: what `checkpoint.save_model` wrote.
            input_shape: of one sample, (C, *S).
            code: files or folders that hold classes of the user's own.
        """
        inputs = TensorSpec(np.dtype("float32"), (-1, *input_shape))
        probabilities = TensorSpec(np.dtype("float32"), (-1, -1))
        with warnings.catch_warnings():
            # An example would only repeat the signature, and costs the first run a second.
            warnings.filterwarnings("ignore", message=".*input example was not provided")
            Model.log(
                artifact_path=None,
                name="model",
                flavor=mlflow.pyfunc,
                run_id=self.run_id,
                loader_module="sizewise.predict",
                data_path=str(path),
                code_paths=[str(PACKAGE), *map(str, code)],
                signature=ModelSignature(Schema([inputs]), Schema([probabilities])),
                pip_requirements=[f"{name}=={version(name)}" for name in MODEL_REQUIREMENTS],
            )

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        status = "FINISHED"
        if error is not None:
            status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            tag = f"{type(error).__name__}: {error}"[:MAX_PARAM_VAL_LENGTH]
            self.store.client.set_tag(self.run_id, "error", tag)
        self.flush()
        self.store.client.set_terminated(self.run_id, status)


def start_run(store: Store, name: str, folder: Path, tags: dict[str, str]) -> Tracker:
    """Create an MLflow run and return its tracker.

    Args:
        store: where.
        name: as shown in the UI.
        folder: the run's output folder; a file in it will hold the run's id.
        tags: in addition to those for the code's commit, the versions and the host.
    """
    run = store.client.create_run(store.experiment_id, run_name=name, tags=_environment() | tags)
    (folder / "mlflow_run_id").write_text(f"{run.info.run_id}\n")
    return Tracker(store, str(run.info.run_id), folder)


def start_sweep(store: Store, key: str, name: str, tags: dict[str, str]) -> str:
    """Return the id of the sweep's parent run: that of the same sweep before, or a new one.

    Args:
        store: where.
        key: tells sweeps apart; the same command gives the same key.
        name: as shown in the UI.
        tags: to set on it.
    """
    tags = tags | {"kind": "sweep", "sweep": name, "sweep_key": key}
    before = store.client.search_runs(
        [store.experiment_id], f"tags.sweep_key = '{key}' AND tags.kind = 'sweep'", max_results=1
    )
    if not before:
        run = store.client.create_run(
            store.experiment_id, run_name=name, tags=_environment() | tags
        )
        return str(run.info.run_id)
    run_id = str(before[0].info.run_id)
    store.client.update_run(run_id, status="RUNNING")
    for tag, value in tags.items():
        store.client.set_tag(run_id, tag, value)
    return run_id


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


def find_sweep(store: Store, name: str) -> list[RunRecord]:
    """Return the records of the finished runs of the newest sweep called `name`.

    Raises:
        UserError: there is no such sweep, or none of its runs is finished.
    """
    sweeps = store.client.search_runs([store.experiment_id], "tags.kind = 'sweep'")
    names = [run.data.tags["sweep"] for run in sweeps]
    if name not in names:
        known = nearest(name, set(names)) if names else "(there are none yet)"
        raise UserError(f"there is no sweep {name} in {store.uri}: {known}")
    parent = sweeps[names.index(name)].info.run_id
    runs = store.client.search_runs(
        [store.experiment_id],
        f"tags.`{membership(parent)}` = 'true' AND attributes.status = 'FINISHED'",
        max_results=50_000,
    )
    if not runs:
        raise UserError(f"no run of the sweep {name} is finished yet")
    return [read_record(store, run.info.run_id) for run in runs]


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


def _shortened(value: Any) -> str:
    text = str(value)
    return text if len(text) <= MAX_PARAM_VAL_LENGTH else text[: MAX_PARAM_VAL_LENGTH - 1] + "…"


def git_commit() -> str | None:
    """Return the commit of the code that runs, with `+` where files differ from it."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(PACKAGE), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _environment() -> dict[str, str]:
    commit = git_commit()
    tags = {
        "host": socket.gethostname(),
        "version.python": platform.python_version(),
        **{f"version.{name}": version(name) for name in ("sizewise", "torch", "mlflow")},
    }
    if commit is not None:
        tags |= {
            "mlflow.source.git.commit": commit.rstrip("+"),
            "git.dirty": str(commit.endswith("+")).lower(),
        }
    return tags
