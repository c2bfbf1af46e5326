"""An MLflow store, opened."""

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import mlflow
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from sizewise.config import TrackingConfig
from sizewise.errors import UserError, first_line, nearest
from sizewise.tracking.local import PLACE, only_one_opens, place_of
from sizewise.tracking.probe import check_store
from sizewise.uri import hide_password, is_opened_here, sqlite_file

# What a store raises that is away, full or broken; requests' errors are OSErrors.
STORE_ERRORS = (MlflowException, SQLAlchemyError, OSError, UserError)

# Which view MLflow's UI opens with is a setting of the visitor's browser, not of the experiment, so
# a link has to ask for it, and that to the table of runs for the columns: see `Store.table`.
MODEL_TRAINING = "workflowType=machine_learning"
VIEW = "sizewise"
COLUMNS = [
    "params.`model.family`",
    "metrics.`cost/parameters`",
    "metrics.`test/error`",
    "metrics.`cost/train_seconds`",
    "metrics.`cost/latency_ms_p50`",
    "metrics.`cost/model_bytes`",  # stands in where a classical model has no parameters
    "params.`data.name`",
    "params.`data.train_samples`",
    "params.`seed`",
]
SHOWN = {  # how MLflow's UI shows the experiment
    "mlflow.experimentKind": "custom_model_development",
    "mlflow.experiment.primaryMetric.name": "test/error",
    "mlflow.experiment.primaryMetric.greaterIsBetter": "False",
    f"mlflow.sharedViewState.{VIEW}": json.dumps(
        {"selectedColumns": COLUMNS, "columnOrder": COLUMNS}
    ),
    "mlflow.note.content": resources.files("sizewise.tracking").joinpath("note.md").read_text(),
}


@dataclass(frozen=True)
class Store:
    """An opened MLflow store with the experiment that runs go to."""

    client: mlflow.MlflowClient
    experiment_id: str
    uri: str

    @property
    def shown(self) -> str:
        """The URI as it may be seen: without a password."""
        return hide_password(self.uri, self.uri)

    @property
    def server(self) -> str | None:
        """Where MLflow's UI is, if the store is a server, without what the URI says of a user."""
        at = urlsplit(self.uri)
        if at.scheme not in ("http", "https"):
            return None
        return f"{at.scheme}://{at.netloc.rpartition('@')[2]}{at.path.rstrip('/')}"

    def table(self, server: str) -> str:
        """Return the page of MLflow's UI at `server` that shows the runs as a table."""
        at = f"{server}/#/experiments/{self.experiment_id}/runs"
        return f"{at}?{MODEL_TRAINING}&viewStateShareKey={VIEW}"

    def page(self, run_id: str) -> str | None:
        """Return the page of a run in MLflow's UI, if the store is a server."""
        at = f"/#/experiments/{self.experiment_id}/runs/{run_id}?{MODEL_TRAINING}"
        return self.server and self.server + at


def open_store(config: TrackingConfig) -> Store:
    """Open the store, making its schema and its experiment where they are not there yet.

    Raises:
        UserError: it can't be opened.
    """
    with _opening(config.uri) as client:
        found = _find_experiment(client, config.experiment)
        if found is None:
            return Store(client, _create_experiment(client, config), config.uri)
        for tag in SHOWN.keys() - found.tags.keys():  # what a person has written stays
            client.set_experiment_tag(found.experiment_id, tag, SHOWN[tag])
    return Store(client, found.experiment_id, config.uri)


def open_existing(uri: str, experiment: str) -> Store:
    """Open a store to look at it: no experiment is made.

    Raises:
        UserError: it can't be opened, or has no such experiment.
    """
    with _opening(uri) as client:
        found = _find_experiment(client, experiment)
        if found is None:
            names = [each.name for each in client.search_experiments()]
            raise UserError(
                f"there is no MLflow experiment {experiment or 'without a name'} in {uri}: "
                f"{nearest(experiment, names)}"
            )
    return Store(client, found.experiment_id, uri)


def reopen_store(uri: str, experiment_id: str) -> Store:
    """Open a store that a run was logged to before.

    Raises:
        UserError: it does not answer, or is gone.
    """
    database = sqlite_file(uri)
    if database is not None and not database.exists():
        raise UserError(f"there is no store {uri}; say where it is now with --uri")
    with _opening(uri) as client:
        return Store(client, experiment_id, uri)


@contextmanager
def _opening(uri: str) -> Iterator[mlflow.MlflowClient]:
    for name in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.WARNING)
    check_store(uri)
    try:
        with only_one_opens(uri):
            yield mlflow.MlflowClient(uri)
    except (MlflowException, SQLAlchemyError, OSError, sqlite3.Error) as error:
        reason = hide_password(first_line(error), uri)
        raise UserError(
            f"the MLflow store {uri} can't be opened ({reason}); expected one "
            "like sqlite:///mlruns/mlflow.db or http://127.0.0.1:5000, given by tracking.uri"
        ) from error


def _find_experiment(client: mlflow.MlflowClient, name: str) -> Experiment | None:
    found = client.get_experiment_by_name(name) if name else None
    if found is None:
        return None
    if found.lifecycle_stage == "deleted":
        raise UserError(
            f"the MLflow experiment {name} is deleted; restore it with `mlflow experiments restore "
            f"-x {found.experiment_id}`, or choose another with tracking.experiment=NAME"
        )
    return found


def _create_experiment(client: mlflow.MlflowClient, config: TrackingConfig) -> str:
    database = sqlite_file(config.uri)
    place = {} if database is None else {PLACE: place_of(database).to_tag()}
    return str(
        client.create_experiment(
            config.experiment,
            artifact_location=_artifacts(config),
            tags=SHOWN | place,
        )
    )


def _artifacts(config: TrackingConfig) -> str | None:
    """Return where a new experiment's artifacts go; None leaves it to the store.

    A path of this machine means nothing to a server, which would keep it for ever.
    """
    given = config.artifacts
    if given is None or ("://" in given and not given.startswith("file:")):
        return given
    if not is_opened_here(config.uri):
        return None
    path = url2pathname(urlsplit(given).path) if given.startswith("file:") else given
    return Path(path).expanduser().resolve().as_uri()
