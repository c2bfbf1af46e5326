"""One run of a sweep, in whichever process and on whichever machine its launcher put it."""

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from sizewise import tracking
from sizewise.config import Config, parse
from sizewise.entry import end_at_once
from sizewise.errors import Interrupted, UserError, first_line, say
from sizewise.interrupts import SECONDS, end_with_parent, held_back
from sizewise.records import RunRecord, read_records, write_records
from sizewise.run import run
from sizewise.threads import available_cores, share_of_cores

SWEEP = "sweep.json"
# What the parent or a job leaves in the sweep's folder, for all jobs:
START_NO_MORE = "start_no_more"
STOP_ALL = "stop_all"
# What a job leaves in its own, for the parent:
ERROR = "error.txt"
RECORD = "record.jsonl"
NOT_STARTED = "not_started"
INTERRUPTED = "interrupted"


def jobs_at_once(composed: DictConfig) -> int:
    """Return how many runs share this machine's cores: joblib's `n_jobs`, 1 for other launchers."""
    jobs = int(OmegaConf.select(composed, "hydra.launcher.n_jobs", default=1))
    return jobs if jobs > 0 else max(1, available_cores() + 1 + jobs)


def threads_per_job(jobs: int) -> int:
    """Return each run's share of the cores."""
    return share_of_cores(jobs)


@dataclass(frozen=True)
class Sweep:
    """What a job must know of the sweep that it belongs to.

    Args:
        name: the sweep's.
        parent_run_id: of its MLflow run.
        threads: each run's share of this machine's cores; None where the launcher gives it its own.
        parent_process: the id of the process that was started by hand, where jobs are to end with
            it; None where they are on their own, as on a cluster.
    """

    name: str
    parent_run_id: str
    threads: int | None
    parent_process: int | None

    @property
    def in_worker(self) -> bool:
        """Whether this process is one that the parent process has started."""
        return self.parent_process not in (None, os.getpid())

    @property
    def is_orphaned(self) -> bool:
        """Whether this process should have ended with the parent process, which is gone."""
        return self.in_worker and os.getppid() != self.parent_process

    def write(self, folder: Path) -> None:
        """Put it where the sweep's jobs look for it."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SWEEP).write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> "Sweep":
        """Return what `write` wrote."""
        return cls(**json.loads((folder / SWEEP).read_text()))


def run_in_sweep(
    composed: DictConfig, sweep_folder: Path, folder: Path, overrides: list[str]
) -> float:
    """Train a run of the sweep, or take it from the store if it is finished there.

    Returns:
        Its validation accuracy, for sweepers that optimise; NaN if it failed, was interrupted or
        not started. The failure is in the job's folder, for the parent to report: raising it here
        would have Hydra give up the whole sweep.
    """
    sweep = Sweep.read(sweep_folder)
    if sweep.in_worker:
        end_at_once()
        end_with_parent(sweep.parent_process)
    try:
        return _run_or_tell_why_not(composed, sweep, sweep_folder, folder, overrides)
    finally:
        if sweep.is_orphaned:
            os._exit(1)  # before the next job is fetched from a queue that nobody reads any more


def _run_or_tell_why_not(
    composed: DictConfig, sweep: Sweep, sweep_folder: Path, folder: Path, overrides: list[str]
) -> float:
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / RECORD).exists():  # the parent has found it finished
        return read_records(folder / RECORD)[0].best_validation_accuracy
    for name in (ERROR, INTERRUPTED):  # of the same job, before its scheduler queued it again
        (folder / name).unlink(missing_ok=True)
    if any((sweep_folder / name).exists() for name in (START_NO_MORE, STOP_ALL)):
        (folder / NOT_STARTED).touch()
        return math.nan
    stop_file = StopFile(sweep_folder / STOP_ALL)
    with held_back() as signalled:
        try:
            record = _run(
                parse(composed),
                sweep,
                folder,
                overrides,
                lambda: signalled() or sweep.is_orphaned or stop_file.is_there(),
            )
        except Interrupted:
            _leave(folder / INTERRUPTED)
            if sweep.parent_process == os.getpid():  # one process runs all jobs in turn
                (sweep_folder / STOP_ALL).touch()
            return math.nan
        except Exception as error:
            known = isinstance(error, UserError)
            text = str(error) if known else f"{type(error).__name__}: {first_line(error)}"
            _leave(folder / ERROR, text)
            if composed.sweep.on_failure == "stop":
                (sweep_folder / START_NO_MORE).touch()
            return math.nan
    return record.best_validation_accuracy


def _leave(path: Path, text: str = "") -> None:
    """Leave word for the parent, also where the job's folder is gone or the disk is full."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError as error:
        say(f"{path} can't be written ({error.strerror}): {text}")


def _run(
    config: Config,
    sweep: Sweep,
    folder: Path,
    overrides: list[str],
    asked_to_stop: Callable[[], bool],
) -> RunRecord:
    record = run(
        config,
        folder,
        overrides,
        tags={
            "mlflow.parentRunId": sweep.parent_run_id,
            "sweep": sweep.name,
            tracking.membership(sweep.parent_run_id): "true",
        },
        quiet=True,
        take_up=not config.rerun,
        share=sweep.threads,
        asked_to_stop=asked_to_stop,
    )
    if not (folder / RECORD).exists():  # the run has another folder, from before
        write_records(folder / RECORD, [record])
    return record


class StopFile:
    """A file that says to stop, looked for not more often than is good for a shared disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked_at = time.monotonic()
        self._there = False

    def is_there(self) -> bool:
        """Whether it is there, or was some tenths of a second ago."""
        if time.monotonic() - self._looked_at > SECONDS:
            self._looked_at = time.monotonic()
            self._there = self._path.exists()
        return self._there
