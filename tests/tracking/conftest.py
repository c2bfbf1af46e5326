"""A store of a test's own."""

import shutil
from pathlib import Path

import pytest

from sizewise.config import TrackingConfig
from sizewise.tracking.store import Store, open_store


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite file with MLflow's tables, which take seconds to make."""
    path = tmp_path_factory.mktemp("migrated") / "mlflow.db"
    open_store(TrackingConfig(uri=f"sqlite:///{path}", experiment="unused", artifacts=None))
    return path


@pytest.fixture
def store(migrated: Path, tmp_path: Path) -> Store:
    shutil.copy(migrated, tmp_path / "mlflow.db")
    config = TrackingConfig(
        uri=f"sqlite:///{tmp_path}/mlflow.db",
        experiment="sizewise",
        artifacts=str(tmp_path / "artifacts"),
    )
    return open_store(config)
