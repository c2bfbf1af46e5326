"""An MLflow store, opened."""

import json
import logging
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import mlflow
from filelock import FileLock
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from sizewise.config import TrackingConfig
from sizewise.errors import UserError, first_line

# What a store raises that is away, full or broken; requests' errors are OSErrors.
STORE_ERRORS = (MlflowException, SQLAlchemyError, OSError, UserError)

# The columns that MLflow's UI shows first. Which view it opens with is a setting of the visitor's
# browser, not of the experiment, so the link to it has to ask for both: see `Store.link`.
VIEW = "sizewise"
COLUMNS = [
    "metrics.`test/accuracy`",
    "metrics.`cost/parameters`",
    "metrics.`cost/model_bytes`",  # stands in where a classical model has no parameters
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
    check_server(config.uri)
    try:
        with _only_one_opens(config.uri):
            client = mlflow.MlflowClient(config.uri)
            experiment_id = _find_or_create_experiment(client, config)
    except ImportError as error:
        raise UserError(
            f"the MLflow store {config.uri} needs a driver ({error}); for PostgreSQL it is the "
            "extra server: pip install --constraint constraints.txt --editable '.[server]'"
        ) from error
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise UserError(
            f"the MLflow store {config.uri} can't be opened ({first_line(error)}); expected one "
            "like sqlite:///mlruns/mlflow.db or http://127.0.0.1:5000, given by tracking.uri"
        ) from error
    return _used(Store(client, experiment_id, config.uri))


def reopen_store(uri: str, experiment_id: str) -> Store:
    """Open a store that a run was logged to before.

    Raises:
        UserError: it does not answer.
    """
    check_server(uri)
    return _used(Store(mlflow.MlflowClient(uri), experiment_id, uri))


def _used(store: Store) -> Store:
    """Return `store`, and have MLflow's own functions use it."""
    # Model.log has no other way to know where its model belongs.
    mlflow.set_tracking_uri(store.uri)
    mlflow.set_experiment(experiment_id=store.experiment_id)
    return store


def check_server(uri: str) -> None:
    """Ask the server, if the store is one, whether it is there: MLflow itself would take minutes.

    Raises:
        UserError: it is not.
    """
    if not uri.startswith(("http://", "https://")):
        return
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
    lock = database.with_suffix(".lock")
    lock.touch()  # where it can't be made, FileLock would wait for it for ever
    with FileLock(lock):
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
