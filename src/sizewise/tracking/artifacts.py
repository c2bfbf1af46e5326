"""What the store has kept of runs: their records, configs and networks."""

import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sizewise.errors import UserError, first_line
from sizewise.records import RunRecord, read_records
from sizewise.run.folder import RunFolder
from sizewise.tracking.probe import check_store
from sizewise.tracking.queries import StoredRun, search
from sizewise.tracking.store import STORE_ERRORS, Store


@contextmanager
def artifact(store: Store, run: StoredRun, name: str) -> Iterator[Path]:
    """Yield an artifact of a run as a file, which is only to be read.

    Raises:
        UserError: the store has not got it, or sends something else in its place.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = _at_hand(store, run, name, Path(folder).resolve())
            path.open("rb").close()
        except STORE_ERRORS as error:
            raise _unreadable(run, name, error) from error
        yield path


def _unreadable(run: StoredRun, name: str, error: Exception) -> UserError:
    return UserError(
        f"the artifact {name} of run {run.name} ({run.run_id}) can't be read "
        f"({first_line(error)}); train it again with rerun=true"
    )


def _at_hand(store: Store, run: StoredRun, name: str, folder: Path) -> Path:
    if run.artifacts.startswith("file:"):  # MLflow would take 10 ms, for each of thousands
        return Path(url2pathname(urlsplit(run.artifacts).path), name)
    path = Path(store.client.download_artifacts(run.run_id, name, str(folder))).resolve()
    if not (path.is_relative_to(folder) and path.is_file()):
        raise UserError("the store has no such file")
    return path


def model_file(store: Store, run: StoredRun) -> AbstractContextManager[Path]:
    """Yield the file that holds a run's trained network, as `artifact` does."""
    return artifact(store, run, RunFolder.MODEL)


def read_config(store: Store, run: StoredRun) -> str:
    """Return the config that a run recorded, as YAML.

    Raises:
        UserError: the store has not got it.
    """
    with artifact(store, run, RunFolder.CONFIG) as path:
        return path.read_text()


def read_record(store: Store, run: StoredRun) -> RunRecord:
    """Return the record of a finished run, from its artifacts.

    Raises:
        UserError: it has none, or none that can be read.
    """
    with artifact(store, run, RunFolder.RECORD) as path:
        try:
            (record,) = read_records(path)
        except ValueError as error:
            raise _unreadable(run, RunFolder.RECORD, error) from error
        return record


class Readable(NamedTuple):
    """Finished runs with their records by run key, and a line for each key without a readable one.

    The lines name the run and say why.
    """

    by_key: dict[str, tuple[StoredRun, RunRecord]]
    left_out: list[str]


def readable(store: Store, runs: Iterable[StoredRun]) -> Readable:
    """Return the first of finished `runs` with each run key that can be read, with its record.

    One whose artifacts are gone counts as not done.

    Raises:
        UserError: it can't be told whether they are gone, as when the store is away.
    """
    found: dict[str, tuple[StoredRun, RunRecord]] = {}
    unread: dict[str, str] = {}
    for run in runs:
        key = run.tags.get("run_key", run.run_id)
        if key in found:
            continue
        try:
            found[key] = run, read_record(store, run)
        except UserError as error:
            _check_that_it_is_gone(store, run, error)
            reason = first_line(error.__cause__ or error)
            unread[key] = f"{run.name} ({run.run_id}): {reason}"
    return Readable(found, [line for key, line in unread.items() if key not in found])


def finished_records(store: Store, keys: Collection[str]) -> Readable:
    """Return the newest finished run with each of these keys that can be read.

    Raises:
        UserError: it can't be told whether one can be.
    """
    has_key = f"= '{next(iter(keys))}'" if len(keys) == 1 else "LIKE '%'"
    finished = search(store, f"tags.run_key {has_key} AND attributes.status = 'FINISHED'")
    return readable(store, (run for run in finished if run.tags["run_key"] in keys))


def _check_that_it_is_gone(store: Store, run: StoredRun, error: UserError) -> None:
    """Raise `error` if a record that can't be read may be there all the same."""
    if run.artifacts.startswith("file:") or isinstance(error.__cause__, ValueError):
        return
    check_store(store.uri)
    try:
        names = {item.path for item in store.client.list_artifacts(run.run_id)}
    except STORE_ERRORS:
        raise error from None
    if RunFolder.RECORD in names:
        raise error
