"""One run of a sweep, in whichever process and on whichever machine its launcher put it."""

import json
import math
import os
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from hydra.conf import HydraConf
from omegaconf import DictConfig, OmegaConf

from sizewise.config import Config, parse
from sizewise.config.compose import command, typed
from sizewise.entry import end_at_once
from sizewise.errors import Interrupted, UserError, first_line, say
from sizewise.interrupts import SECONDS, end_with_parent, held_back
from sizewise.records import RunRecord, write_records
from sizewise.run.folder import RunFolder
from sizewise.run.identity import Identity
from sizewise.run.run import run
from sizewise.sweep.states import RunState, alone, key_of, write_state
from sizewise.threads import available_cores, share_of_cores
from sizewise.tracking.queries import membership

SWEEP = "sweep.json"
# What the parent or a job leaves in the sweep's folder, for all jobs:
START_NO_MORE = "start_no_more"
STOP_ALL = "stop_all"


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
        optimises: whether its runs are chosen by the results of those before.
    """

    name: str
    parent_run_id: str
    threads: int | None
    parent_process: int | None
    optimises: bool

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


class TrialFailed(Exception):
    """Tells an optimiser that its trial has no result. The parent has been told why."""


def run_in_sweep(composed: DictConfig, hydra: HydraConf) -> float:
    """Train a run of the sweep, or take it from the store if it is finished there.

    Args:
        composed: the job's config, without Hydra's own part.
        hydra: that part.

    Returns:
        Its validation error, for sweepers that optimise; in a grid NaN if it failed, was
        interrupted or not started. How it ended is in the sweep's folder, for the parent to report:
        raising it here would have Hydra give up the whole grid.

    Raises:
        TrialFailed: the same, where an optimiser asks: it is to know that this trial failed.
        Interrupted: an optimiser asks for a trial after the sweep was stopped.
    """
    folder = Path(hydra.sweep.dir)
    sweep = Sweep.read(folder)
    if sweep.in_worker:
        end_at_once()
        end_with_parent(sweep.parent_process)
    own = (folder / hydra.sweep.subdir).absolute()  # Hydra's output_dir is where Ray was started
    job = Job(sweep, folder, own, typed(hydra), hydra)
    try:
        result = job.result(composed)
    finally:
        if sweep.is_orphaned:
            os._exit(1)  # before the next job is fetched from a queue that nobody reads any more
    if math.isnan(result) and sweep.optimises:
        if job.state.status == "waiting" and (folder / STOP_ALL).exists():
            raise Interrupted("no more trials are started")  # else it would ask for all of them
        raise TrialFailed(job.state.error or f"the run is {job.state.status}")
    return result


class Job:
    """One job of a sweep.

    Args:
        sweep: that it belongs to.
        sweep_folder: the sweep's.
        folder: the job's own.
        overrides: the job's.
        hydra: the hydra node of its config.
    """

    def __init__(
        self,
        sweep: Sweep,
        sweep_folder: Path,
        folder: Path,
        overrides: list[str],
        hydra: HydraConf,
    ) -> None:
        self._sweep = sweep
        self._sweep_folder = sweep_folder
        self._overrides = overrides
        self.state = RunState(
            key=key_of(overrides),
            name=" ".join(overrides),
            status="waiting",
            folder=str(folder),
            epochs=1,
            command=command(hydra, overrides),
        )

    def result(self, composed: DictConfig) -> float:
        """Train, leave word of how it ended, and return the validation error, or else NaN."""
        if any((self._sweep_folder / name).exists() for name in (START_NO_MORE, STOP_ALL)):
            return math.nan
        stop_file = StopFile(self._sweep_folder / STOP_ALL)
        with held_back() as signalled:
            try:
                record = self._train(
                    parse(composed),
                    lambda: signalled() or self._sweep.is_orphaned or stop_file.is_there(),
                )
            except Interrupted:
                self._leave("interrupted")
                if self._sweep.parent_process == os.getpid():  # one process runs all jobs in turn
                    (self._sweep_folder / STOP_ALL).touch()
                return math.nan
            except Exception as error:
                self._failed(error)
                if composed.sweep.on_failure == "stop":
                    (self._sweep_folder / START_NO_MORE).touch()
                return math.nan
        self._leave("done")
        return record.error("val")

    def _train(self, config: Config, asked_to_stop: Callable[[], bool]) -> RunRecord:
        parent = self._sweep.parent_run_id
        record = run(
            config,
            Path(self.state.folder),
            self._overrides,
            command=self.state.command,
            tags={
                "mlflow.parentRunId": parent,
                "sweep": self._sweep.name,
                membership(parent): "true",
            },
            quiet=True,
            take_up=not config.rerun,
            share=self._sweep.threads,
            asked_to_stop=asked_to_stop,
            around=self._begun,
        )
        path = Path(self.state.folder, RunFolder.RECORD)
        if not path.exists():  # the run has another folder, from before
            write_records(path, [record])
        return record

    @contextmanager
    def _begun(self, identity: Identity, epochs: int) -> Iterator[None]:
        """Leave word that the run has begun. The same run in another job is waited for."""
        with alone(self._sweep_folder, identity.key):
            self.state = replace(self.state, key=identity.key, name=identity.name, epochs=epochs)
            self._leave("running")
            yield

    def _failed(self, error: Exception) -> None:
        known = isinstance(error, UserError)
        text = str(error) if known else f"{type(error).__name__}: {first_line(error)}"
        self._leave("failed", text)
        if not known:
            with suppress(OSError):  # the folder may be what the run has failed by
                Path(self.state.folder, "traceback.txt").write_text(traceback.format_exc())

    def _leave(self, status: str, error: str = "") -> None:
        """Leave word for the parent, if the sweep's folder can still be written to."""
        self.state = replace(self.state, status=status, error=error)
        try:
            write_state(self._sweep_folder, self.state)
        except OSError as reason:
            say(f"{self._sweep_folder} can't be written ({reason.strerror}): {status} {error}")


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
