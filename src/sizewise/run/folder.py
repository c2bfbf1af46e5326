"""The folder of a run or a sweep: its files' names, whose it is, and who is at work in it."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from filelock import BaseFileLock, FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from sizewise.errors import Interrupted, UserError
from sizewise.files import replacing
from sizewise.uri import sqlite_file

LOOK_SECONDS = 0.5  # between looks whether to stop waiting


@dataclass(frozen=True)
class RunFolder:
    """A run's folder. A sweep's has a key and a lock too."""

    path: Path

    CONFIG = "config.yaml"
    RECORD = "record.jsonl"
    METRICS = "metrics.jsonl"  # as they were logged: a line of JSON for each step
    MODEL = "model.pt"
    CODE = "code"  # a folder: what the network's class needs, where it is the user's own
    CHECKPOINT = "checkpoint.pt"
    RUN_ID = "mlflow_run_id"
    KEY = "run_key"
    LOCK = ".lock"
    UNSENT = "unsent.json"
    REDIRECT = "run_folder"  # in a job's folder, where the run that it took up has its own

    # What the store gets of a finished run, besides the model: these and tables of counts.
    ARTIFACTS = (CONFIG, RECORD, METRICS, MODEL, "*.csv")

    @classmethod
    def at(cls, path: Path) -> "RunFolder":
        """Return the folder of the run that `path` holds, or leads to.

        Raises:
            OSError, UnicodeDecodeError: where it leads can't be read.
        """
        redirect = path / cls.REDIRECT
        return cls(path / redirect.read_text().strip() if redirect.exists() else path)

    def lead_to(self, other: "RunFolder") -> None:
        """Leave word that the run of this folder has its own."""
        here, there = self.path.resolve(), other.path.resolve()
        if here != there:
            # Relative, so that it still leads there when both have been moved.
            (here / self.REDIRECT).write_text(f"{os.path.relpath(there, here)}\n")

    def belongs_to(self, key: str) -> bool:
        """Whether sizewise made this folder for the run or sweep with this key.

        A folder named by a store is written to only if it does: a store may be somebody else's.
        """
        try:
            return (self.path / self.KEY).read_text().strip() == key
        except (OSError, UnicodeDecodeError):
            return False

    def is_taken(self, *, by_other_than: str | None) -> bool:
        """Whether this folder holds a run, other than the one with this key."""
        taken = (self.path / self.METRICS).exists()
        return taken and (by_other_than is None or not self.belongs_to(by_other_than))

    def claim(self, key: str) -> BaseFileLock:
        """Make this folder that of the run or sweep with this key; return its lock, held.

        Raises:
            UserError: another is at work in it, or has left its numbers.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = self.lock()
        try:
            lock.acquire(blocking=self.belongs_to(key))
        except Timeout:
            raise self.refusal() from None
        if self.is_taken(by_other_than=key):
            lock.release()
            raise self.refusal()
        (self.path / self.KEY).write_text(f"{key}\n")
        return lock

    def refusal(self) -> UserError:
        """Return the error of who asks for a folder that another run has."""
        return UserError(
            f"the folder {self.path} already holds a run: expected one for each, as by "
            "hydra.run.dir=FOLDER or, in a sweep, hydra.sweep.subdir=FOLDER, or leave that out"
        )

    def lock(self) -> FileLock:
        """Return the lock that a process holds on its run's folder while it is at work there.

        The system lets go of it when the process ends, however that happens.
        """
        return FileLock(self.path / self.LOCK)

    def is_locked(self) -> bool:
        """Whether a process is at work here."""
        try:
            with self.lock().acquire(blocking=False):
                return False
        except Timeout:
            return True

    def read_run_id(self) -> str:
        """Return the id of the MLflow run.

        Raises:
            OSError, UnicodeDecodeError: there is none.
        """
        return (self.path / self.RUN_ID).read_text().strip()

    def write_run_id(self, run_id: str) -> None:
        """Keep the id of the MLflow run."""
        (self.path / self.RUN_ID).write_text(f"{run_id}\n")

    def add_metrics(self, *lines: dict[str, Any]) -> None:
        """Write lines to the run's metrics."""
        with (self.path / self.METRICS).open("a") as file:
            file.writelines(f"{json.dumps(line)}\n" for line in lines)

    def mend_metrics(self) -> list[dict[str, Any]]:
        """Return the lines of the run's metrics, and cut off a last one that a crash has torn."""
        path = self.path / self.METRICS
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):
            os.truncate(path, len(whole))
        return [json.loads(line) for line in whole.splitlines()]

    def is_unsent(self) -> bool:
        """Whether the run has ended, and its store has not got all of it."""
        return (self.path / self.UNSENT).exists()


@dataclass
class Outcome:
    """How a run ended. It lies in the run's folder until the store has all of the run.

    Args:
        uri, experiment_id: of the store, less its password, and of the experiment in it.
        database: of a store that is an SQLite file, its path as seen from the run's folder.
        status: MLflow's: FINISHED, FAILED or KILLED.
        ended_at: milliseconds since 1970.
        error: what went wrong, if anything.
        input_shape: of one sample, (C, *S), where model.pt is to be logged as a model.
        columns: that such a model of a table reads.
        prompts: whether such a model reads prompts.
        requirements: packages that the model needs to be served, beyond every model's.
    """

    uri: str
    experiment_id: str
    database: str | None = None
    status: str = "FINISHED"
    ended_at: int = 0
    error: str = ""
    input_shape: tuple[int, ...] | None = None
    columns: tuple[str, ...] = ()
    prompts: bool = False
    requirements: list[str] = field(default_factory=list)

    def write(self, folder: RunFolder) -> None:
        """Leave it in the run's folder."""
        database = sqlite_file(self.uri)
        if database is not None:
            self.database = os.path.relpath(database.resolve(), folder.path.resolve())
        with replacing(folder.path / folder.UNSENT) as file:
            file.write(json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, folder: RunFolder) -> "Outcome":
        """Return what `write` wrote; where the store's file was moved or copied along, its new URI.

        Raises:
            UserError: the file is something else.
            OSError: there is none.
        """
        path = folder.path / folder.UNSENT
        try:
            outcome = TypeAdapter(cls).validate_json(path.read_bytes())
        except ValidationError as error:
            raise UserError(f"{path} is not sizewise's: {error.errors()[0]['msg']}") from error
        if outcome.database is not None:
            beside = (folder.path / outcome.database).resolve()
            if beside.exists():
                start, _, rest = outcome.uri.partition(":///")
                _, mark, query = rest.partition("?")
                outcome.uri = f"{start}:///{quote(str(beside))}{mark}{query}"
        return outcome


def acquire(lock: BaseFileLock, stop: Callable[[], bool]) -> None:
    """Wait for a lock until it is had.

    Raises:
        Interrupted: `stop` says to wait no longer.
    """
    while True:
        try:
            lock.acquire(timeout=LOOK_SECONDS)
        except Timeout:
            if stop():
                raise Interrupted from None
        else:
            return
