"""What has become of each run of a sweep: in the sweep's folder, a file for each, by run key.

Jobs write them, in whichever process and on whichever machine; the parent reads them.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock
from pydantic import TypeAdapter

from sizewise.config import Config
from sizewise.files import replacing
from sizewise.records import RunRecord, read_records
from sizewise.run.folder import RunFolder
from sizewise.screen import Course

FOLDER = "runs"
ENDED = ("done", "failed", "interrupted")


class Kind(NamedTuple):
    """What a run is, but for its seed and its settings.

    Args:
        family: the architecture's name.
        size: asked for, or else the parameters; None for a classical family.
        data: the data set's name.
        samples: that it is to learn from, where not all are asked for.
    """

    family: str
    size: int | None
    data: str
    samples: int | None

    @classmethod
    def of(cls, config: Config, parameters: int | None) -> "Kind":
        """Return that of a run with this config, whose model has so many parameters."""
        size = parameters if parameters is None else config.size or parameters
        return cls(config.model.name, size, config.data.name, config.data.train_samples)


@dataclass(frozen=True)
class RunState:
    """What has become of one run.

    Args:
        key: the run's; of a job that failed before it was known, a hash of its overrides.
        name: the run's, or the job's overrides.
        status: waiting, running, or one of `ENDED`.
        folder: the job's.
        command: what trains it alone.
        kind: None where the job failed before it was known; so with `course`.
        course: what it goes through; None for a classical family's run that has not begun.
        error: of a failed run, why.
        process_id: of the process that trains it.
        started: seconds since 1970.
    """

    key: str
    name: str
    status: str
    folder: str
    command: str
    kind: Kind | None = None
    course: Course | None = None
    error: str = ""
    process_id: int = field(default_factory=os.getpid)
    started: float = field(default_factory=time.time)

    @property
    def record(self) -> RunRecord:
        """The record of a run that is done."""
        return read_records(Path(self.folder, RunFolder.RECORD))[0]


STATE = TypeAdapter(RunState)


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
        done.get(path.stem) or STATE.validate_json(path.read_bytes())
        for path in (sweep / FOLDER).glob("*.json")
    ]
    return {state.key: state for state in sorted(states, key=lambda each: each.started)}


def write_step(sweep: Path, key: str, step: int) -> None:
    """Leave word of how many steps a run has done, which may be lost."""
    with suppress(OSError):
        _path(sweep, key).with_suffix(".step").write_text(str(step))


def read_step(sweep: Path, key: str) -> int:
    """Return how many steps a run has done; 0 if that is not known, or is being written."""
    try:
        return int(_path(sweep, key).with_suffix(".step").read_text())
    except (OSError, ValueError):
        return 0


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
