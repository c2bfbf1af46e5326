"""What the folder of a run or sweep says of it: whose it is, and whether somebody is at work."""

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from filelock import BaseFileLock, FileLock, Timeout

from sizewise.errors import UserError, first_line
from sizewise.files import replacing
from sizewise.uri import sqlite_file

RUN_ID = "mlflow_run_id"
KEY = "run_key"
LOCK = ".lock"
JOURNAL = "metrics.jsonl"
UNSENT = "unsent.json"


def belongs(folder: Path, key: str) -> bool:
    """Whether sizewise made `folder` for the run or sweep with this key.

    A folder named by a store is written to only if it does: a store may be somebody else's.
    """
    try:
        return (folder / KEY).read_text().strip() == key
    except (OSError, UnicodeDecodeError):
        return False


def is_taken(folder: Path, *, by_other_than: str | None) -> bool:
    """Whether `folder` holds a run, other than the one with this key."""
    taken = (folder / JOURNAL).exists()
    return taken and (by_other_than is None or not belongs(folder, by_other_than))


def lock(folder: Path) -> FileLock:
    """Return the lock that a process holds on its run's folder while it is at work there.

    The system lets go of it when the process ends, however that happens.
    """
    return FileLock(folder / LOCK)


def claim(folder: Path, key: str) -> BaseFileLock:
    """Make `folder` that of the run or sweep with this key, and return the lock on it, held."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / KEY).write_text(f"{key}\n")
    held = lock(folder)
    held.acquire()
    return held


def is_abandoned(tags: Mapping[str, str]) -> bool | None:
    """Whether the process of an unfinished run or sweep is gone; None if that can't be seen here.

    Args:
        tags: of its MLflow run.
    """
    folder = Path(tags.get("folder", ""))
    key = tags.get("run_key") or tags.get("sweep_key") or ""
    if not belongs(folder, key):
        return True if tags.get("host") == socket.gethostname() else None
    try:
        with lock(folder).acquire(blocking=False):
            return True
    except Timeout:
        return False


def mend_journal(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's metrics, and cut off a last one that a crash has left torn."""
    path = folder / JOURNAL
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) < len(text):
        os.truncate(path, len(whole))
    return [json.loads(line) for line in whole.splitlines()]


@dataclass
class Outcome:
    """How a run ended, and which of its files the store is to get. It is kept until it has them.

    Args:
        uri, experiment_id: of the store, less its password, and of the experiment in it.
        status: MLflow's: FINISHED, FAILED or KILLED.
        ended_at: milliseconds since 1970.
        error: what went wrong, if anything.
        artifacts: names of files in the run's folder.
        input_shape: of one sample, (C, *S), where model.pt is to be logged as a model.
        code: files that hold classes of the user's own.
        requirements: packages that the model needs to be served, beyond every model's.
        folder: where this was written: paths below the same project are found after a move.
    """

    uri: str
    experiment_id: str
    status: str = "FINISHED"
    ended_at: int = 0
    error: str = ""
    artifacts: list[str] = field(default_factory=list)
    input_shape: list[int] | None = None
    code: list[str] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)
    folder: str = ""

    def write(self, folder: Path) -> None:
        """Leave it in the run's folder."""
        self.folder = str(folder.resolve())
        with replacing(folder / UNSENT) as file:
            file.write(json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, folder: Path) -> "Outcome":
        """Return what `write` wrote.

        Raises:
            UserError: the file is something else.
        """
        try:
            outcome = cls(**json.loads((folder / UNSENT).read_text()))
            # Files of the folder and a network's source are sent, and nothing else of the user's.
            if any(Path(name).name != name for name in outcome.artifacts):
                raise ValueError(f"it names files elsewhere: {outcome.artifacts}")
            if any(Path(path).suffix != ".py" for path in outcome.code):
                raise ValueError(f"it names more than Python files: {outcome.code}")
        except (TypeError, ValueError) as error:
            raise UserError(f"{folder / UNSENT} is not sizewise's: {first_line(error)}") from error
        outcome._come_along(folder.resolve())
        return outcome

    def _come_along(self, folder: Path) -> None:
        """Change paths that are now below another project's folder, as the run's own is."""
        before = Path(self.folder)
        while before.name and before.name == folder.name:
            before, folder = before.parent, folder.parent
        if before == folder or not self.folder:
            return
        self.code = [str(_moved(Path(path), before, folder)) for path in self.code]
        database = sqlite_file(self.uri)
        if database is not None and database.is_absolute():
            start, _, rest = self.uri.partition(":///")
            _, mark, query = rest.partition("?")
            moved = quote(str(_moved(database, before, folder)))
            self.uri = f"{start}:///{moved}{mark}{query}"


def _moved(path: Path, old: Path, new: Path) -> Path:
    """Return `path` as it is below `new`, if it is there and was below `old`."""
    moved = new / path.relative_to(old) if path.is_relative_to(old) else path
    return moved if moved.exists() else path
