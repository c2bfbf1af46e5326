"""Runs and sweeps in the store: started, taken up again, put right, and sent later."""

import functools
import getpass
import os
import platform
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from filelock import BaseFileLock, Timeout
from mlflow.entities import Metric, RunTag
from mlflow.exceptions import MlflowException

from sizewise.errors import UserError, first_line, say
from sizewise.records import RunRecord
from sizewise.run.folder import Outcome, RunFolder, acquire
from sizewise.tracking.artifacts import finished_records, read_record
from sizewise.tracking.queries import StoredRun, search
from sizewise.tracking.store import MODEL_TRAINING, STORE_ERRORS, Store, reopen_store
from sizewise.tracking.tracker import Tracker, deliver
from sizewise.uri import hide_password, is_hidden, store_uri

PACKAGE = Path(__file__).parents[1]
SENT = "sent"
GONE = "its process ended without a word, as by kill -9 or a power cut"


def start_run(store: Store, key: str, name: str, folder: Path, tags: Mapping[str, str]) -> Tracker:
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
    run_id = _create(store, name, folder, {"run_key": key, **tags})
    own.write_run_id(run_id)
    return Tracker(store, run_id, own, lock)


def start_sweep(
    store: Store, key: str, name: str, folder: Path, tags: Mapping[str, str]
) -> tuple[str, BaseFileLock]:
    """Return the id of a sweep's parent run, and the lock of its folder, held.

    The run is that of the same sweep before, or a new one. By the lock others see that the sweep is
    at work, so it is held before the store says so.

    Args:
        store: where.
        key: tells sweeps apart; the same command gives the same key.
        name: as shown in the UI.
        folder: the sweep's.
        tags: to set on it.

    Raises:
        UserError: the same sweep is running.
    """
    before = next(search(store, f"tags.sweep_key = '{key}' AND tags.kind = 'sweep'"), None)
    tags = {**tags, "kind": "sweep", "sweep": name, "sweep_key": key}
    if before and before.status == "RUNNING" and _is_abandoned(before) is False:
        raise UserError(
            f"the sweep {name} is running already, in {before.tags['folder']}; wait for it, "
            "or stop it with Ctrl-C, and type the command again"
        )
    lock = RunFolder(folder).claim(key)
    if before is None:
        return _create(store, name, folder, tags), lock
    _resume(store, before, {**tags, "folder": str(folder.resolve())})
    return before.run_id, lock


def log_answer(store: Store, run_id: str, text: str, recommended: RunRecord | None) -> None:
    """Put a sweep's answer on its parent run as a note, with the numbers of the run it recommends.

    The tag `enough` tells which run that is.
    """
    page = f"#/experiments/{store.experiment_id}/runs/{run_id}/artifacts/report/report.html"
    text += f"\n\n[The whole report]({page}?{MODEL_TRAINING})"
    enough = recommended.run_id if recommended else ""
    tags = [RunTag("mlflow.note.content", text), RunTag("enough", enough)]
    now = time.time_ns() // 1_000_000
    found = recommended.metrics if recommended else {}
    metrics = [Metric(key, value, now, 0) for key, value in found.items()]
    store.client.log_batch(run_id, metrics, tags=tags)


def _create(store: Store, name: str, folder: Path, tags: Mapping[str, str]) -> str:
    """Create an MLflow run with `tags` and those that say where and by what it was made."""
    of_all = {f"version.{package}": version(package) for package in ("sizewise", "torch", "mlflow")}
    of_all |= {"version.python": platform.python_version(), "host": socket.gethostname()}
    of_all |= {"folder": str(folder.resolve())}
    of_all |= {"mlflow.source.name": "train.py", "mlflow.source.type": "LOCAL"}
    with suppress(ImportError, KeyError, OSError):  # as in a container whose user has no name
        of_all["mlflow.user"] = getpass.getuser()
    if commit := git_commit():
        dirty = str(commit.endswith("+")).lower()
        of_all |= {"mlflow.source.git.commit": commit.rstrip("+"), "git.dirty": dirty}
    own = {tag: hide_password(value) for tag, value in tags.items()}
    run = store.client.create_run(store.experiment_id, run_name=name, tags=of_all | own)
    return str(run.info.run_id)


def _resume(store: Store, run: StoredRun, tags: Mapping[str, str]) -> None:
    """Mark a run or sweep as RUNNING again, on this machine."""
    _set_tags(store, run, {**tags, "host": socket.gethostname()})
    with suppress(MlflowException):  # there is none
        store.client.delete_tag(run.run_id, "error")
    store.client.update_run(run.run_id, status="RUNNING")  # last: its folder may be another now


def _set_tags(store: Store, run: StoredRun, tags: Mapping[str, str]) -> None:
    entities = [RunTag(tag, hide_password(value)) for tag, value in tags.items()]
    store.client.log_batch(run.run_id, tags=entities)


def take_up(
    store: Store,
    key: str,
    tags: Mapping[str, str],
    *,
    unfinished: bool,
    stop: Callable[[], bool] = lambda: False,
) -> RunRecord | Tracker | None:
    """Return the record of the finished run with this key, or take up the unfinished one.

    A run that another process is training is waited for.

    Args:
        store: where to look.
        key: the run's.
        tags: to set on the run; a finished one keeps those that it has.
        unfinished: whether an unfinished one counts.
        stop: whether to wait no longer.

    Raises:
        Interrupted: it was asked to stop.

    Returns:
        None if there is no such run, its folder can't be reached from here, or what it left can't
        be read any more.
    """
    found = finished_records(store, [key])
    for finished, record in found.by_key.values():
        _set_tags(store, finished, {tag: tags[tag] for tag in tags.keys() - finished.tags.keys()})
        return record
    for line in found.left_out:
        say(f"trained again, since it can't be read: {line}")
    run = next(search(store, f"tags.run_key = '{key}'"), None)
    if run is None or run.status == "FINISHED" or not unfinished:
        return None
    if not run.folder.belongs_to(key):
        return None
    lock = run.folder.lock()
    if run.folder.is_locked():
        say(f"waiting for the run {run.name}, which another process trains in {run.folder.path}")
    acquire(lock, stop)
    if run.folder.is_unsent():
        deliver(store, run.folder, lock)
    if store.client.get_run(run.run_id).info.status == "FINISHED":  # by then
        lock.release()
        _set_tags(store, run, tags)
        return read_record(store, run)
    _resume(store, run, tags)
    run.folder.write_run_id(run.run_id)  # a crash may have come before it was written
    return Tracker(store, run.run_id, run.folder, lock)


def check_data_unchanged(store: Store, asked: str, fingerprint: str) -> None:
    """Check that no run was interrupted that would be this one, had its data not changed since.

    Args:
        store: where to look.
        asked: the run's tag: what was asked for, whatever the data.
        fingerprint: of the data as they are.

    Raises:
        UserError: one was.
    """
    run = next(search(store, f"tags.asked = '{asked}' AND attributes.status != 'FINISHED'"), None)
    if run is not None:
        raise UserError(
            f"{run.name} ({run.run_id}) was interrupted, and its data have changed since "
            f"(fingerprint {run.tags['fingerprint']}, now {fingerprint}): bring back what it "
            "learnt from, or leave out resume=true to train anew"
        )


def put_right(store: Store) -> list[str]:
    """Mark the runs and sweeps as KILLED that are RUNNING in the store while their process is gone.

    A run that had ended while the store was away is sent to it.

    Returns:
        What was done or can't be told from here, in a line each.
    """
    lines = []
    for run in search(store, "attributes.status = 'RUNNING'"):
        abandoned = _is_abandoned(run)
        named = f"{run.name} ({run.run_id})"
        if abandoned is None:
            host = run.tags.get("host", "another machine")
            lines.append(f"{named} is RUNNING on {host}, and can't be seen from here")
        elif abandoned and run.folder.is_unsent():
            lines.append(f"{named}: {send(run.folder.path, store.uri)}")
        elif abandoned:
            store.client.set_tag(run.run_id, "error", GONE)
            store.client.set_terminated(run.run_id, "KILLED", time.time_ns() // 1_000_000)
            lines.append(f"{named} was RUNNING: {GONE}; now KILLED")
    return lines


def _is_abandoned(run: StoredRun) -> bool | None:
    """Whether the process of an unfinished run is gone; None if that can't be seen here."""
    if run.folder.belongs_to(run.tags.get("run_key") or run.tags.get("sweep_key") or ""):
        return not run.folder.is_locked()
    return True if run.tags.get("host") == socket.gethostname() else None


def unsent_folders(roots: list[Path]) -> list[Path]:
    """Return the folders at or below `roots` of runs that the store has not got all of."""
    return sorted(path.parent for root in roots for path in root.rglob(RunFolder.UNSENT))


def send(folder: Path, uri: str | None = None) -> str:
    """Send what a store has not got of the run in `folder`, and return what came of it.

    Args:
        folder: the run's.
        uri: of the store, where it is another than when the run was made.
    """
    own = RunFolder(folder)
    try:
        outcome = Outcome.read(own)
        store = reopen_store(uri or _whole(outcome.uri), outcome.experiment_id)
        lock = own.lock()
        with lock.acquire(blocking=False):
            deliver(store, own, lock)
    except Timeout:
        return "its process is at work; nothing sent"
    except (*STORE_ERRORS, ValueError) as error:  # the latter of metrics that are damaged
        return f"not sent: {first_line(error)}"
    return SENT


def _whole(uri: str) -> str:
    """Return a store's URI with its password, which is not kept.

    Raises:
        UserError: MLFLOW_TRACKING_URI does not tell it.
    """
    if not is_hidden(uri):
        return uri
    given = store_uri("")
    if hide_password(given, given) != uri:
        raise UserError(
            f"the password of {uri} is not kept; set MLFLOW_TRACKING_URI to the whole URI, or give "
            "it with --uri"
        )
    return given


@functools.cache
def git_commit() -> str | None:
    """Return the commit of the code that runs, with `+` where files differ from it.

    It is that of when this process first asked: what it has imported stays as it was.

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
