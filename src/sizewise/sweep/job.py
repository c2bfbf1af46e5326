"""One run of a sweep, in whichever process and on whichever machine its launcher put it."""

import json
import math
import os
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from sizewise.config import Config, parse
from sizewise.errors import Interrupted, UserError, first_line, heard_before, say
from sizewise.interrupts import SECONDS, held_back
from sizewise.records import RunRecord, write_records
from sizewise.run.folder import RunFolder
from sizewise.run.identity import Identity
from sizewise.run.run import run
from sizewise.screen import Course
from sizewise.sweep.states import (
    Kind,
    RunState,
    alone,
    read_states,
    waiting,
    write_state,
    write_step,
)
from sizewise.threads import available_cores
from sizewise.tracking.queries import membership

SWEEP = "sweep.json"
COSTS = "costs"  # a folder: what it costs to use each network of the sweep
STOP_ALL = "stop_all"  # where it is in the sweep's folder, no job begins, and those at work stop


def jobs_at_once(composed: DictConfig) -> int:
    """Return how many runs share this machine's cores: `hydra.launcher.n_jobs`, or else 1."""
    jobs = int(OmegaConf.select(composed, "hydra.launcher.n_jobs", default=1))
    if jobs == 0:
        raise UserError(
            "hydra.launcher.n_jobs=0 runs nothing: expected 1 or more, or -1 for all cores"
        )
    return jobs if jobs > 0 else max(1, available_cores() + 1 + jobs)


@dataclass(frozen=True)
class Sweep:
    """What a job must know of the sweep that it belongs to.

    Args:
        name: the sweep's.
        parent_run_id: of its MLflow run.
        parent_process: the id of the process that was started by hand, where jobs may run in it;
            None where they are elsewhere, as on a cluster.
        threads: each run's share of this machine's cores; None where the launcher gives it its own.
        keys: of the runs that are planned; None where they are not known beforehand.
        optimises: whether its runs are chosen by the results of those before.
        looked_at: whether the answer is looked at as it goes on, by until=told.
    """

    name: str
    parent_run_id: str
    parent_process: int | None
    threads: int | None
    keys: list[str] | None
    optimises: bool
    looked_at: bool = False

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


def run_in_sweep(
    composed: DictConfig, sweep_folder: Path, subfolder: str, overrides: Sequence[str], command: str
) -> float:
    """Train a run of the sweep, or take it from the store if it is finished there.

    Args:
        composed: the job's config, without Hydra's own part.
        sweep_folder: the sweep's.
        subfolder: the job's own, in that. (Hydra's output_dir is wherever Ray was started.)
        overrides: the job's.
        command: what trains the run alone.

    Returns:
        Its validation error, for sweepers that optimise; in a grid NaN if it failed, was
        interrupted or not started. How it ended is in the sweep's folder, for the parent to report:
        raising it here would have Hydra give up the whole grid.

    Raises:
        TrialFailed: the same, where an optimiser asks: it is to know that this trial failed.
        Interrupted: an optimiser asks for a trial after the sweep was stopped.
    """
    state = waiting(sweep_folder / subfolder, overrides, command)
    job = Job(Sweep.read(sweep_folder), sweep_folder, overrides, state)
    result = job.result(composed)
    if math.isnan(result) and job.sweep.optimises:
        if job.state.status == "waiting" and (sweep_folder / STOP_ALL).exists():
            raise Interrupted("no more trials are started")  # else it would ask for all of them
        raise TrialFailed(job.state.error or f"the run is {job.state.status}")
    return result


@dataclass
class Job:
    """One job of a sweep.

    Args:
        sweep: that it belongs to.
        sweep_folder: the sweep's.
        overrides: the job's.
        state: what is known of it so far.
    """

    sweep: Sweep
    sweep_folder: Path
    overrides: Sequence[str]
    state: RunState

    def result(self, composed: DictConfig) -> float:
        """Train, leave word of how it ended, and return the validation error, or else NaN."""
        states = read_states(self.sweep_folder) if composed.sweep.on_failure == "stop" else {}
        failed = any(state.status == "failed" for state in states.values())
        if failed or (self.sweep_folder / STOP_ALL).exists():
            return math.nan
        in_parent = self.sweep.parent_process == os.getpid()  # which makes the stop file itself
        stop_file = StopFile(self.sweep_folder / STOP_ALL)
        with nullcontext(stop_file.is_there) if in_parent else held_back() as signalled:
            try:
                record = self._train(parse(composed), lambda: signalled() or stop_file.is_there())
            except Interrupted:
                self._leave("interrupted")
                return math.nan
            except Exception as error:
                self._failed(error)
                return math.nan
        self._leave("done")
        return record.error("val")

    def _train(self, config: Config, asked_to_stop: Callable[[], bool]) -> RunRecord:
        parent = self.sweep.parent_run_id
        with heard_before(self.sweep.keys is not None):  # by who planned, from the same data
            record = run(
                config,
                Path(self.state.folder),
                self.overrides,
                command=self.state.command,
                tags={
                    "mlflow.parentRunId": parent,
                    "sweep": self.sweep.name,
                    membership(parent): "true",
                    **({"looked_at": "true"} if self.sweep.looked_at else {}),
                },
                quiet=True,
                take_up=not config.rerun,
                share=self.sweep.threads,
                shared_costs=self.sweep_folder / COSTS,
                asked_to_stop=asked_to_stop,
                around=partial(self._begun, config),
            )
        if not Path(
            self.state.folder, RunFolder.RECORD
        ).exists():  # the run has another folder, from before
            write_records(Path(self.state.folder, RunFolder.RECORD), [record])
        return record

    @contextmanager
    def _begun(
        self, config: Config, identity: Identity, course: Course
    ) -> Iterator[Callable[[int], None]]:
        """Leave word that the run has begun. The same run in another job is waited for."""
        if self.sweep.keys is not None and identity.key not in self.sweep.keys:
            raise UserError(
                f"{identity.name} is not what was planned: expected the same data and the same "
                "commit of sizewise wherever the sweep's runs are trained, and precision=bfloat16 "
                "(or float32) where they have GPUs and the machine that planned has none"
            )
        with alone(self.sweep_folder, identity.key):
            kind = Kind.of(config, identity.parameters)
            self.state = replace(
                self.state, key=identity.key, name=identity.name, kind=kind, course=course
            )
            self._leave("running")
            yield partial(write_step, self.sweep_folder, identity.key)

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
            write_state(self.sweep_folder, self.state)
        except OSError as reason:
            say(f"{self.sweep_folder} can't be written ({reason.strerror}): {status} {error}")


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
