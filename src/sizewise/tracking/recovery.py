"""Runs that were left unfinished: found, put right, and taken up again."""

import time
from pathlib import Path

from filelock import Timeout

from sizewise.errors import UserError, first_line, say
from sizewise.records import RunRecord
from sizewise.run.folder import Outcome, RunFolder
from sizewise.tracking.queries import StoredRun, finished_records, read_record, search
from sizewise.tracking.starting import is_abandoned, resume_run
from sizewise.tracking.store import STORE_ERRORS, Store, reopen_store
from sizewise.tracking.tracker import Tracker, deliver
from sizewise.uri import hide_password, is_hidden, store_uri

SENT = "sent"
GONE = "its process ended without a word, as by kill -9 or a power cut"


def take_up(
    store: Store, key: str, tags: dict[str, str], *, unfinished: bool
) -> RunRecord | Tracker | None:
    """Return the record of the finished run with this key, or take up the unfinished one.

    A run that another process is training is waited for.

    Args:
        store: where to look.
        key: the run's.
        tags: to set on the run.
        unfinished: whether an unfinished one counts.

    Returns:
        None if there is no such run, its folder can't be reached from here, or what it left can't
        be read any more.
    """
    found = finished_records(store, [key])
    for finished, record in found.runs:
        for tag in tags.keys() - finished.tags.keys():
            store.client.set_tag(finished.run_id, tag, hide_password(tags[tag]))
        return record
    for line in found.left_out:
        say(f"trained again, since it can't be read: {line}")
    run = next(search(store, f"tags.run_key = '{key}'"), None)
    if run is None or run.status == "FINISHED" or not unfinished:
        return None
    if not run.folder.belongs_to(key):
        return None
    for tag, value in tags.items():
        store.client.set_tag(run.run_id, tag, hide_password(value))
    lock = run.folder.lock()
    try:
        lock.acquire(blocking=False)
    except Timeout:
        say(f"waiting for the run {run.name}, which another process trains in {run.folder.path}")
        lock.acquire()
    if run.folder.is_unsent():
        deliver(store, run.folder, lock)
    if store.client.get_run(run.run_id).info.status == "FINISHED":  # by then
        lock.release()
        return read_record(store, run)
    return resume_run(store, run.run_id, run.folder, lock)


def put_right(store: Store) -> list[str]:
    """Mark the runs and sweeps as KILLED that are RUNNING in the store while their process is gone.

    A run that had ended while the store was away is sent to it.

    Returns:
        What was done or can't be told from here, in a line each.
    """
    lines = []
    for run in search(store, "attributes.status = 'RUNNING'"):
        abandoned = is_abandoned(run.tags)
        named = f"{run.name} ({run.run_id})"
        if abandoned is None:
            host = run.tags.get("host", "another machine")
            lines.append(f"{named} is RUNNING on {host}, and can't be seen from here")
        elif abandoned and run.folder.is_unsent():
            lines.append(f"{named}: {send(run.folder.path, store.uri)}")
        elif abandoned:
            _mark_killed(store, run)
            lines.append(f"{named} was RUNNING: {GONE}; now KILLED")
    return lines


def _mark_killed(store: Store, run: StoredRun) -> None:
    store.client.set_tag(run.run_id, "error", GONE)
    store.client.set_terminated(run.run_id, "KILLED", time.time_ns() // 1_000_000)


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
    except (*STORE_ERRORS, ValueError) as error:  # the latter of a journal that is damaged
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
