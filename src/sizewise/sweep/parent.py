"""A sweep's parent run: planned before its jobs start, reported after they have ended."""

import atexit
import os
import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import BaseFileLock
from omegaconf import DictConfig, OmegaConf

from sizewise import tracking
from sizewise.config import parse
from sizewise.errors import UserError, first_line
from sizewise.interrupts import stop_softly
from sizewise.records import RunRecord, write_records
from sizewise.report import write_report
from sizewise.sweep.job import ERROR, RECORD, STOP_ALL, SWEEP, Sweep, jobs_at_once, threads_per_job
from sizewise.sweep.plan import PlannedRun, is_grid, plan_sweep, sweep_key, without_hydra
from sizewise.sweep.progress import Progress
from sizewise.uri import hide_password

# These run jobs in processes of their own making, or in this one; the others' live elsewhere.
LOCAL_LAUNCHERS = (".JoblibLauncher", ".BasicLauncher")
EXIT_FAILURES = 1
EXIT_INTERRUPTED = 130  # what shells expect after Ctrl-C


@dataclass
class Parent:
    """A sweep that has started. A lock on its folder shows others that it is at work."""

    store: tracking.Store
    run_id: str
    name: str
    folder: Path
    command: str
    planned: list[PlannedRun]
    progress: Progress
    lock: BaseFileLock

    @classmethod
    def start(cls, composed: DictConfig) -> "Parent":
        """Check every run, open the parent run, say what is to be done, and follow the jobs.

        Ends the process, after reporting, where every run is finished already.

        Args:
            composed: in Hydra's multirun mode, the hydra node included.

        Raises:
            UserError: a run can't be made, the store can't be opened, or the folder is taken.
        """
        folder = Path(composed.hydra.sweep.dir)
        if (folder / SWEEP).exists():
            raise UserError(
                f"the folder {folder} already holds a sweep; choose another with "
                "hydra.sweep.dir=FOLDER, or leave that out"
            )
        config = parse(without_hydra(composed))
        planned = plan_sweep(composed) if is_grid(composed) else []
        store = tracking.open_store(config.tracking)
        for line in tracking.put_right(store):
            print(line)
        overrides = list(composed.hydra.overrides.task)
        key = sweep_key(planned, overrides)
        name = composed.hydra.runtime.choices.get("experiment") or f"sweep-{key[:6]}"
        typed = shlex.join(["-m", *overrides, *_of_hydra(composed)])
        command = hide_password(f"python train.py {typed}")
        run_id = tracking.start_sweep(store, key, name, folder, {"command": command})
        lock = tracking.claim(folder, key)
        sweep = Sweep(name, run_id, None, None)
        if str(composed.hydra.launcher._target_).endswith(LOCAL_LAUNCHERS):
            sweep = Sweep(name, run_id, threads_per_job(jobs_at_once(composed)), os.getpid())
        sweep.write(folder)
        to_run = _announce(store, run_id, name, folder, planned, config.rerun)
        progress = _progress(composed, planned)
        parent = cls(store, run_id, name, folder, command, planned, progress, lock)
        if planned and not to_run:
            sys.exit(parent.finish())
        atexit.register(parent._leave)
        stop_softly(folder / STOP_ALL)
        parent.progress.start()
        return parent

    def finish(self) -> int:
        """Write the report, log it to the parent run, list the failures; return the exit code."""
        atexit.unregister(self._leave)
        self.progress.stop()
        states = self.progress.states()
        records = [state.record for state in states if state.record is not None]
        failures = [job for job, state in enumerate(states) if state.status == "failed"]
        interrupted = (self.folder / STOP_ALL).exists()
        if records and not interrupted:
            self._report(records)
        for job in failures:
            error = (self.folder / str(job) / ERROR).read_text()
            print(f"failed: {self._named(job)}: {error}\n  again: {self._retry(job)}")
        counts = Counter(state.status for state in states)
        left = counts.total() - counts["done"] - counts["failed"]
        if interrupted:
            print(f"interrupted with {left} runs to go; it goes on with:\n  {self.command}")
        elif counts["waiting"]:
            print(f"not started: {counts['waiting']} runs, since sweep.on_failure=stop")
        elif left:
            print(f"interrupted: {left} runs; they go on with:\n  {self.command}")
        status = "KILLED" if interrupted else "FAILED" if failures or left else "FINISHED"
        self._end(status)
        codes = {"KILLED": EXIT_INTERRUPTED, "FAILED": EXIT_FAILURES, "FINISHED": 0}
        return codes[status]

    def _leave(self) -> None:
        """End the parent run where the launcher has given up, as it does when a worker dies."""
        self.progress.stop()
        self._end("FAILED")

    def _end(self, status: str) -> None:
        try:
            self.store.client.set_terminated(self.run_id, status)
        except tracking.STORE_ERRORS as error:
            print(
                f"{self.store.shown} does not answer ({first_line(error)}); when it does, this "
                f"tells it what it has missed:\n  sizewise sync; {self.command}"
            )
        self.lock.release()

    def _report(self, records: Sequence[RunRecord]) -> None:
        folder = self.folder / "report"
        try:
            report = write_report(records, folder, name=self.name, command=self.command)
        except UserError as error:
            print(f"no report: {error}")
            return
        print(report)
        try:
            self.store.client.log_artifacts(self.run_id, str(folder), "report")
        except tracking.STORE_ERRORS as error:
            print(f"the report is not in {self.store.shown}: {first_line(error)}")

    def _named(self, job: int) -> str:
        return self.planned[job].identity.name if self.planned else f"trial {job}"

    def _retry(self, job: int) -> str:
        return self.planned[job].command if self.planned else self.command


def _announce(
    store: tracking.Store,
    sweep_run_id: str,
    name: str,
    folder: Path,
    planned: list[PlannedRun],
    rerun: bool,
) -> int:
    """Print what is done and what is to run, and return the number of runs to do.

    The finished runs are made members of this sweep, and their records are put into the folders of
    their jobs.
    """
    known = {} if rerun else tracking.runs_by_key(store)
    member = tracking.membership(sweep_run_id)
    counts = Counter[str]()
    skips = []
    for job, run in enumerate(planned):
        found = known.get(run.identity.key)
        counts[found.status if found else "new"] += 1
        if found is None or found.status != "FINISHED":
            continue
        if member not in found.tags:  # another sweep may own it
            store.client.set_tag(found.run_id, member, "true")
        (folder / str(job)).mkdir(parents=True)
        write_records(folder / str(job) / RECORD, [tracking.read_record(store, found)])
        skips.append(f"  skip {run.identity.name}: finished as {found.run_id}")
    if planned:
        interrupted = counts["KILLED"] + counts["RUNNING"]
        stopped = f"{interrupted} interrupted, " if interrupted else ""
        print(
            f"{name}: {counts['FINISHED']} done, {counts['FAILED']} failed, {stopped}"
            f"{counts['new']} to run",
            *skips,
            sep="\n",
            flush=True,
        )
    return len(planned) - counts["FINISHED"]


def _of_hydra(composed: DictConfig) -> list[str]:
    """Return what was said of Hydra itself, but for what a sweep can't be started with again."""
    decided = ("hydra.mode", "hydra.sweep.dir", "hydra.sweep.subdir")
    return [
        each
        for each in composed.hydra.overrides.hydra
        if each.lstrip("+").partition("=")[0] not in decided
    ]


def _progress(composed: DictConfig, planned: list[PlannedRun]) -> Progress:
    if planned:
        names = [run.identity.name for run in planned]
        return Progress(Path(composed.hydra.sweep.dir), names, [run.epochs for run in planned])
    trials = int(OmegaConf.select(composed, "hydra.sweeper.n_trials", default=1))
    names = [f"trial-{number}" for number in range(trials)]
    return Progress(Path(composed.hydra.sweep.dir), names, [composed.training.epochs] * trials)
