"""What MLflow's UI is told of the experiment."""

import dataclasses

import pytest

from sizewise.config import TrackingConfig
from sizewise.tracking.store import SHOWN, Store, open_store

NOTE = "mlflow.note.content"


def tags_after_opening(store: Store) -> dict[str, str]:
    open_store(TrackingConfig(uri=store.uri, experiment="sizewise", artifacts=None))
    return dict(store.client.get_experiment(store.experiment_id).tags)


def test_an_experiment_is_described_where_nobody_has(store: Store) -> None:
    assert store.client.get_experiment(store.experiment_id).tags[NOTE] == SHOWN[NOTE]
    store.client.set_experiment_tag(store.experiment_id, NOTE, "Ours.")
    assert tags_after_opening(store)[NOTE] == "Ours."

    store.client.create_experiment("theirs")
    theirs = store.client.get_experiment_by_name("theirs")
    assert theirs is not None
    open_store(TrackingConfig(uri=store.uri, experiment="theirs", artifacts=None))
    assert store.client.get_experiment(theirs.experiment_id).tags[NOTE] == SHOWN[NOTE]


@pytest.mark.parametrize(
    ("uri", "server"),
    [
        ("http://h:5000/", "http://h:5000"),
        ("https://ada:hunter2@h/mlflow", "https://h/mlflow"),
        ("sqlite:///mlruns/mlflow.db", None),
        ("databricks", None),
    ],
)
def test_a_server_is_linked_to_without_a_password(
    store: Store, uri: str, server: str | None
) -> None:
    found = dataclasses.replace(store, uri=uri)
    assert found.server == server
    at = f"{server}/#/experiments/{store.experiment_id}/runs/abc?workflowType=machine_learning"
    assert found.page("abc") == (at if server else None)
