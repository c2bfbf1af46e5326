"""Runs and sweeps in the store, from where they begin or are taken up again."""

import os
import platform
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from filelock import BaseFileLock
from mlflow.exceptions import MlflowException

from sizewise.errors import UserError
from sizewise.run.folder import RunFolder
from sizewise.tracking.store import Store
from sizewise.tracking.tracker import Tracker
from sizewise.uri import hide_password

PACKAGE = Path(__file__).parents[1]


def start_run(store: Store, key: str, name: str, folder: Path, tags: dict[str, str]) -> Tracker:
    """Create an MLflow run and return its tracker.

    Args:
        store: where.
        key: the run's.
        name: as shown in the UI.
        folder: the run's output folder; a file in it will hold the run's id.
        tags: in addition to those for the key, the folder, the code's commit, the versions and the
            host.
    """
    own = RunFolder(folder)
    lock = own.claim(key)
    tags = _environment() | {"run_key": key, "folder": str(folder.resolve())} | _shown(tags)
    run = store.client.create_run(store.experiment_id, run_name=name, tags=tags)
    own.write_run_id(run.info.run_id)
    return Tracker(store, str(run.info.run_id), own, lock)


def resume_run(store: Store, run_id: str, folder: RunFolder, lock: BaseFileLock) -> Tracker:
    """Take up an unfinished run where it was left, and return its tracker.

    Args:
        store: where.
        run_id: of the run.
        folder: the run's.
        lock: on the folder, held.
    """
    folder.write_run_id(run_id)
    store.client.update_run(run_id, status="RUNNING")
    with suppress(MlflowException):  # there is none
        store.client.delete_tag(run_id, "error")
    store.client.set_tag(run_id, "host", socket.gethostname())
    return Tracker(store, run_id, folder, lock)


def is_abandoned(tags: Mapping[str, str]) -> bool | None:
    """Whether the process of an unfinished run or sweep is gone; None if that can't be seen here.

    Args:
        tags: of its MLflow run.
    """
    folder = RunFolder(Path(tags.get("folder", "")))
    if folder.belongs_to(tags.get("run_key") or tags.get("sweep_key") or ""):
        return not folder.is_locked()
    return True if tags.get("host") == socket.gethostname() else None


def start_sweep(store: Store, key: str, name: str, folder: Path, tags: dict[str, str]) -> str:
    """Return the id of the sweep's parent run: that of the same sweep before, or a new one.

    Args:
        store: where.
        key: tells sweeps apart; the same command gives the same key.
        name: as shown in the UI.
        folder: the sweep's.
        tags: to set on it.

    Raises:
        UserError: the same sweep is running.
    """
    before = store.client.search_runs(
        [store.experiment_id], f"tags.sweep_key = '{key}' AND tags.kind = 'sweep'", max_results=1
    )
    for run in before:
        if run.info.status == "RUNNING" and is_abandoned(run.data.tags) is False:
            raise UserError(
                f"the sweep {name} is running already, in {run.data.tags['folder']}; wait for it, "
                "or stop it with Ctrl-C, and type the command again"
            )
    tags = _shown(tags) | {
        "kind": "sweep",
        "sweep": name,
        "sweep_key": key,
        "host": socket.gethostname(),
    }
    tags["folder"] = str(folder.resolve())
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


def _shown(tags: dict[str, str]) -> dict[str, str]:
    return {name: hide_password(value) for name, value in tags.items()}


def git_commit() -> str | None:
    """Return the commit of the code that runs, with `+` where files differ from it.

    Returns:
        None where the code is not in a repository's care: outside git, or in a folder of a
        repository that does not track it, such as a virtual environment.
    """
    elsewhere = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}  # of the repository whose hook calls
    environment = {name: value for name, value in os.environ.items() if name not in elsewhere}

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(PACKAGE), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        return done.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", "__init__.py")
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
