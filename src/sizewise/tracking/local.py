"""A store that is an SQLite file: one process at a time opens it, and it may have been moved.

MLflow keeps paths whole, and has no call that changes them. So that a store knows when it is no
longer where it was, each of its experiments has a tag with its place.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

import mlflow
from filelock import FileLock

from sizewise.errors import UserError, say
from sizewise.uri import sqlite_file

PLACE = "sizewise.place"
USUAL_FOLDER = "mlruns"

# Where MLflow's tables hold paths: the table, the column, which rows, and which of them say where
# something will yet be written.
UNFINISHED = "status <> 'FINISHED'"
OF_UNFINISHED = f"run_uuid IN (SELECT run_uuid FROM runs WHERE {UNFINISHED})"
PATHS = (
    ("experiments", "artifact_location", "TRUE", "TRUE"),
    ("runs", "artifact_uri", "TRUE", UNFINISHED),
    ("tags", "value", "key = 'folder'", OF_UNFINISHED),
    ("logged_models", "artifact_location", "TRUE", "FALSE"),
    ("model_versions", "source", "TRUE", "FALSE"),
    ("model_versions", "storage_location", "TRUE", "FALSE"),
)


class Place(NamedTuple):
    """Where a store's file is, and the folder of the project whose runs it holds; both resolved."""

    store: Path
    project: Path

    def to_tag(self) -> str:
        """Return it as the value of a tag."""
        return json.dumps({"store": str(self.store), "project": str(self.project)})


def place_of(database: Path) -> Place:
    """Return the place of a store whose file is named by `database`.

    A name relative to the project's folder, as train.py has it by default, tells that folder.
    """
    store = database.resolve()
    if not database.is_absolute() and store.is_relative_to(Path.cwd()):
        return Place(store, Path.cwd().resolve())
    folder = store.parent
    return Place(store, folder.parent if folder.name == USUAL_FOLDER else folder)


@contextmanager
def only_one_opens(uri: str) -> Iterator[None]:
    """Keep processes that open an SQLite file from migrating it, or mending it, together."""
    database = sqlite_file(uri)
    if database is None:
        yield
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    lock = database.with_suffix(".lock")
    lock.touch()  # where it can't be made, FileLock would wait for it for ever
    with FileLock(lock):
        if not database.is_file() or not database.stat().st_size:
            _make(database)
        put_paths_right(database)
        yield


def _make(database: Path) -> None:
    """Make a store under another name, and give it its own when it is whole.

    MLflow takes seconds to make its tables, and can't go on with a half of them.
    """
    part = database.with_suffix(".part")
    for left in (part, Path(f"{part}-journal")):  # by one that was cut off
        left.unlink(missing_ok=True)
    mlflow.MlflowClient(f"sqlite:///{quote(str(part))}").search_experiments(max_results=1)
    os.replace(part, database)


def put_paths_right(database: Path) -> None:
    """See whether the store in this file was moved or copied, and put the paths in it right.

    Paths below the project's former folder now lead below its present one. What is only read, as
    the artifacts of finished runs, stays where it is if it did not come along; of a copy all that
    will be written goes to the copy.

    Raises:
        UserError: it was, and can't be written to.
    """
    here = place_of(database)
    with closing(sqlite3.connect(here.store, timeout=60, isolation_level=None)) as connection:
        before = _noted(connection)
        if before is None or before.store == here.store:
            return
        copied = before.store.exists()
        if copied and before.store.samefile(here.store):
            return
        old, new = _folders(before, here.store)
        changed = 0
        try:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                for update, value, written in _paths(connection):
                    moved = _moved(value, old, new, may_stay=not (copied and written))
                    if moved is not None:
                        connection.execute(update, [moved])
                        changed += 1
                connection.execute(
                    "UPDATE experiment_tags SET value = ? WHERE key = ?", [here.to_tag(), PLACE]
                )
        except sqlite3.OperationalError as error:
            raise UserError(
                f"{here.store} was moved or copied from {before.store}, and the paths in it can't "
                f"be put right ({error}); make it writable"
            ) from error
    if changed:
        say(
            f"{here.store} was {'copied' if copied else 'moved'} from {before.store}: {changed} "
            f"paths in it, of all its experiments, now lead to {new}"
        )


def _noted(connection: sqlite3.Connection) -> Place | None:
    """Return the place of a store as it was when it was last opened, if it says so."""
    try:
        row = connection.execute(
            "SELECT value FROM experiment_tags WHERE key = ? LIMIT 1", [PLACE]
        ).fetchone()
    except sqlite3.DatabaseError:  # not a store of MLflow's yet; that is for MLflow to say
        return None
    return None if row is None else Place(**{k: Path(v) for k, v in json.loads(row[0]).items()})


def _paths(connection: sqlite3.Connection) -> Iterator[tuple[str, str, bool]]:
    """Yield for each path in the store: SQL that changes it, the path, whether it is written to."""
    for table, column, rows, written in PATHS:
        found = f"SELECT rowid, {column}, {written} FROM {table} WHERE {rows} AND {column} NOT NULL"
        for row, value, is_written in connection.execute(found).fetchall():
            yield f"UPDATE {table} SET {column} = ? WHERE rowid = {row}", value, bool(is_written)


def _moved(value: str, old: Path, new: Path, *, may_stay: bool) -> str | None:
    """Return a path or a file's URI below `old` as it is below `new`; None if it is to stay."""
    is_uri = value.startswith("file:")
    path = Path(url2pathname(urlsplit(value).path) if is_uri else value)
    if not path.is_relative_to(old):
        return None
    moved = new / path.relative_to(old)
    if may_stay and path.exists() and not moved.exists():
        return None
    return moved.as_uri() if is_uri else str(moved)


def _folders(before: Place, store: Path) -> tuple[Path, Path]:
    """Return the project's former and present folder; the store's, if it moved by itself."""
    within = before.store.relative_to(before.project).parts
    if store.parts[-len(within) :] == within:
        return before.project, store.parents[len(within) - 1]
    return before.store.parent, store.parent
