"""A store that is an SQLite file: one process at a time opens it, and it may have been moved.

MLflow keeps paths whole, and has no call that changes them. So that a store knows when it is no
longer where it was, each of its experiments has a tag with its place.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from filelock import FileLock

from sizewise.errors import UserError, say
from sizewise.uri import sqlite_file

PLACE = "sizewise.place"
USUAL_FOLDER = "mlruns"

# Where MLflow's tables hold paths: the table, the column, which rows, and which of them say where
# something will yet be written.
UNFINISHED = "status <> 'FINISHED'"
PATHS = (
    ("experiments", "artifact_location", "TRUE", "TRUE"),
    ("runs", "artifact_uri", "TRUE", UNFINISHED),
    (
        *("tags", "value", "key = 'folder'"),
        f"run_uuid IN (SELECT run_uuid FROM runs WHERE {UNFINISHED})",
    ),
    ("logged_models", "artifact_location", "TRUE", "FALSE"),
    ("model_versions", "source", "TRUE", "FALSE"),
    ("model_versions", "storage_location", "TRUE", "FALSE"),
    ("trace_tags", "value", "key = 'mlflow.artifactLocation'", "FALSE"),
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
def only_one_opens(uri: str, *, make: bool = True) -> Iterator[None]:
    """Keep processes that open an SQLite file from migrating it, or mending it, together.

    Raises:
        UserError: there is no such file, and it is not to be made.
    """
    database = sqlite_file(uri)
    if database is None:
        yield
        return
    if not make and not database.exists():
        raise UserError(f"there is no store {uri}; say where it is now with --uri")
    database.parent.mkdir(parents=True, exist_ok=True)
    lock = database.with_suffix(".lock")
    lock.touch()  # where it can't be made, FileLock would wait for it for ever
    with FileLock(lock):
        put_paths_right(database)
        yield


def put_paths_right(database: Path) -> None:
    """See whether the store in this file was moved or copied, and put the paths in it right.

    Paths below the project's former folder now lead below its present one. What is only read, as
    the artifacts of finished runs, stays where it is if it did not come along; of a copy all that
    will be written goes to the copy.

    Raises:
        UserError: it was, and can't be written to.
    """
    if not database.is_file():
        return
    here = place_of(database)
    with closing(sqlite3.connect(here.store, timeout=60, isolation_level=None)) as connection:
        try:
            noted = _noted(connection)
            before = noted or _inferred(connection, here.store)
        except sqlite3.DatabaseError:  # not a store of MLflow's yet; that is for MLflow to say
            return
        if noted is not None and (noted.store == here.store or _is_same(noted.store, here.store)):
            return
        try:
            connection.execute("BEGIN IMMEDIATE")
            changed = 0 if before is None else _change_paths(connection, before, here.store)
            connection.execute("DELETE FROM experiment_tags WHERE key = ?", [PLACE])
            connection.execute(
                "INSERT INTO experiment_tags (key, value, experiment_id) "
                "SELECT ?, ?, experiment_id FROM experiments",
                [PLACE, here.to_tag()],
            )
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if before is None:  # a store that is only read need not know its place
                return
            raise UserError(
                f"{here.store} was moved or copied from {before.store}, and the paths in it can't "
                f"be put right ({error}); make it writable"
            ) from error
    if before is not None and changed:
        how = "copied" if before.store.exists() else "moved"
        say(
            f"{here.store} was {how} from {before.store}: {changed} paths in it, of all its "
            f"experiments, now lead to {_folders(before, here.store)[1]}"
        )


def _noted(connection: sqlite3.Connection) -> Place | None:
    row = connection.execute(
        "SELECT value FROM experiment_tags WHERE key = ? LIMIT 1", [PLACE]
    ).fetchone()
    return None if row is None else Place(**{k: Path(v) for k, v in json.loads(row[0]).items()})


def _inferred(connection: sqlite3.Connection, store: Path) -> Place | None:
    """Return the former place of a store from before places were noted, if it was another.

    An experiment's artifacts lay beside the store, in a folder that is beside it now too. That they
    have come along is believed where the former folder is gone, or the former store is still there,
    or a run's artifacts are here.
    """
    for experiment, location in connection.execute(
        "SELECT experiment_id, artifact_location FROM experiments WHERE artifact_location NOT NULL"
    ).fetchall():
        former = _path(location)
        beside = store.parent / former.name
        if former.parent == store.parent or not beside.is_dir() or _is_same(former, beside):
            continue
        first = former.parent / store.name
        runs = connection.execute(
            "SELECT run_uuid FROM runs WHERE experiment_id = ?", [experiment]
        ).fetchall()
        came_along = any((beside / run_id).exists() for (run_id,) in runs)
        if came_along or not former.exists() or (first.exists() and not _is_same(first, store)):
            return place_of(first)
    return None


def _change_paths(connection: sqlite3.Connection, before: Place, store: Path) -> int:
    """Change the paths in the store, and return how many there were to change."""
    old, new = _folders(before, store)
    if old == new:
        return 0
    copied = before.store.exists()
    changed = 0
    for table, column, rows, written in PATHS:
        known = connection.execute("SELECT name FROM pragma_table_info(?)", [table]).fetchall()
        if (column,) not in known:  # of another version of MLflow
            continue
        for row, value, is_written in connection.execute(
            f"SELECT rowid, {column}, {written} FROM {table} WHERE {rows} AND {column} NOT NULL"
        ).fetchall():
            moved = _below(value, old, new)
            if moved is None:
                continue
            came_along = _path(moved).exists() or not _path(value).exists()
            if came_along or (copied and is_written):
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", [moved, row])
                changed += 1
    return changed


def _folders(before: Place, store: Path) -> tuple[Path, Path]:
    """Return the project's former and present folder; the store's, if it moved by itself."""
    within = before.store.relative_to(before.project).parts
    if store.parts[-len(within) :] == within:
        return before.project, store.parents[len(within) - 1]
    return before.store.parent, store.parent


def _below(value: str, old: Path, new: Path) -> str | None:
    """Return a path or a file's URI below `old` as it is below `new`; None if it is elsewhere."""
    for before, after in ((str(old), str(new)), (old.as_uri(), new.as_uri())):
        if value == before or value.startswith(f"{before}/"):
            return after + value[len(before) :]
    return None


def _path(value: str) -> Path:
    is_uri = value.startswith("file:")
    return Path(url2pathname(urlsplit(value).path) if is_uri else value)


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
