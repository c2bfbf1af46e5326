"""What has become of each run of a sweep: in the sweep's folder, a file for each, by run key.

Jobs write them, in whichever process and on whichever machine; the parent reads them.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from filelock import FileLock

from sizewise.files import replacing
from sizewise.records import RunRecord, read_records
from sizewise.run.folder import RunFolder

FOLDER = "runs"
ENDED = ("done", "failed", "interrupted")


@dataclass(frozen=True)
class RunState:
    """What has become of one run.

    Args:
        key: the run's; of a job that failed before it was known, a hash of its overrides.
        name: the run's, or the job's overrides.
        status: waiting, running, or one of `ENDED`.
        folder: the job's.
        command: what trains it alone.
        epochs: the most that it trains; of a classical family, the settings it tries.
        error: of a failed run, why.
        process_id: of the process that trains it.
        started: seconds since 1970.
    """

    key: str
    name: str
    status: str
    folder: str
    command: str
    epochs: int = 1
    error: str = ""
    process_id: int = field(default_factory=os.getpid)
    started: float = field(default_factory=time.time)

    @property
    def record(self) -> RunRecord:
        """The record of a run that is done."""
        return read_records(Path(self.folder, RunFolder.RECORD))[0]

    @property
    def share(self) -> float:
        """The share of its epochs that a run has done, 0..1."""
        if self.status != "running":
            return float(self.status in ("done", "failed"))
        try:
            folder = RunFolder.at(Path(self.folder)).path
            lines = (folder / RunFolder.METRICS).read_text().splitlines()
            return float(json.loads(lines[-1])["step"] / self.epochs)
        except (OSError, ValueError, IndexError):  # not there yet, or being written
            return 0.0


def waiting(folder: Path, overrides: Sequence[str], command: str) -> RunState:
    """Return the state of a job whose run is not known yet.

    Args:
        folder: the job's.
        overrides: the job's.
        command: what trains its run alone.
    """
    key = "job-" + hashlib.sha256(json.dumps(list(overrides)).encode()).hexdigest()[:16]
    return RunState(key, " ".join(overrides), "waiting", str(folder.absolute()), command)


def write_state(sweep: Path, state: RunState) -> None:
    """Put a run's state into the folder of its sweep."""
    path = _path(sweep, state.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(json.dumps(asdict(state)).encode())


def read_states(sweep: Path, known: Mapping[str, RunState] | None = None) -> dict[str, RunState]:
    """Return the state of each run that has started, by run key, in the order they did.

    Args:
        sweep: the sweep's folder.
        known: states from a look before: a run that is done stays so, and is not read again.
    """
    done = {key: each for key, each in (known or {}).items() if each.status == "done"}
    states = [
        done.get(path.stem) or RunState(**json.loads(path.read_text()))
        for path in (sweep / FOLDER).glob("*.json")
    ]
    return {state.key: state for state in sorted(states, key=lambda each: each.started)}


def mark_lost(sweep: Path, process_id: int, error: str) -> bool:
    """Mark the run as failed that a process of this machine was at when it died; whether it was."""
    for state in read_states(sweep).values():
        if state.status == "running" and state.process_id == process_id:
            write_state(sweep, replace(state, status="failed", error=error))
            return True
    return False


def alone(sweep: Path, key: str) -> FileLock:
    """Return the lock that keeps two jobs of one sweep from training the same run at once."""
    path = _path(sweep, key).with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path)


def _path(sweep: Path, key: str) -> Path:
    return sweep / FOLDER / f"{key}.json"
