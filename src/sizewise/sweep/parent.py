"""A sweep's parent run: planned before its jobs start, reported after they have ended."""

import atexit
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from filelock import BaseFileLock
from omegaconf import DictConfig, OmegaConf

from sizewise.config import parse_shared
from sizewise.config.compose import Grid, command, is_grid, typed, without_hydra
from sizewise.errors import UserError, first_line
from sizewise.interrupts import stop_softly
from sizewise.records import RunRecord
from sizewise.report import write_report
from sizewise.run.folder import RunFolder
from sizewise.sweep.job import START_NO_MORE, STOP_ALL, SWEEP, Sweep, jobs_at_once, threads_per_job
from sizewise.sweep.plan import PlannedRun, plan_sweep, sweep_key
from sizewise.sweep.progress import Expected, Progress
from sizewise.sweep.states import RunState, read_states
from sizewise.tracking.artifacts import finished_records
from sizewise.tracking.lifecycle import put_right, start_sweep
from sizewise.tracking.queries import membership, runs_by_key
from sizewise.tracking.store import STORE_ERRORS, Store, open_store

# These run jobs in processes of their own making, or in this one; the others' live elsewhere.
LOCAL_LAUNCHERS = (".JoblibLauncher", ".BasicLauncher")
EXIT_FAILURES = 1
EXIT_INTERRUPTED = 130  # what shells expect after Ctrl-C


@dataclass
class Parent:
    """A sweep that has started. A lock on its folder shows others that it is at work.

    Args:
        store: that holds it.
        run_id: of its MLflow run.
        name: its own, or the study's.
        folder: the sweep's.
        command: what it is started again with.
        planned: its runs by key; None where they are not known beforehand.
        total: how many there will be.
        lock: on the folder.
        finished: the records of the runs that were finished before it, by key.
    """

    store: Store
    run_id: str
    name: str
    folder: Path
    command: str
    planned: dict[str, PlannedRun] | None
    total: int
    lock: BaseFileLock | None = None
    finished: dict[str, RunRecord] = field(default_factory=dict)

    @classmethod
    def start(cls, composed: DictConfig) -> "Parent":
        """Check every run, open the parent run, say what is to be done, and follow the jobs.

        Ends the process, after reporting, where every run is finished already.

        Args:
            composed: in Hydra's multirun mode, the hydra node included.

        Raises:
            UserError: a run can't be made, the store can't be opened, or the folder is taken.
        """
        hydra = composed.hydra
        folder = Path(hydra.sweep.dir)
        if (folder / SWEEP).exists():
            raise UserError(
                f"the folder {folder} already holds a sweep; choose another with "
                "hydra.sweep.dir=FOLDER, or leave that out"
            )
        shared = parse_shared(without_hydra(composed))
        planned = plan_sweep(composed)
        store = open_store(shared.tracking)
        for line in put_right(store):
            print(line)
        key = sweep_key(planned, typed(hydra))
        name = hydra.runtime.choices.get("experiment") or f"sweep-{key[:6]}"
        again = command(hydra, typed(hydra), sweep=True)
        run_id = start_sweep(store, key, name, folder, {"command": again})
        total = _total(composed) if planned is None else len(planned)
        parent = cls(store, run_id, name, folder, again, planned, total)
        try:
            parent.lock = RunFolder(folder).claim(key)
            parent._begin(composed, rerun=shared.rerun)
        except BaseException:
            parent._end("FAILED")
            raise
        if planned and len(parent.finished) == total:
            sys.exit(parent.finish())
        _let_trials_fail(composed)
        atexit.register(parent._give_up)
        stop_softly(folder / STOP_ALL)
        parent._progress.start()
        return parent

    def _begin(self, composed: DictConfig, *, rerun: bool) -> None:
        """Tell the jobs what they belong to, and the user what is done."""
        local = str(composed.hydra.launcher._target_).endswith(LOCAL_LAUNCHERS)
        Sweep(
            name=self.name,
            parent_run_id=self.run_id,
            threads=threads_per_job(jobs_at_once(composed)) if local else None,
            parent_process=os.getpid() if local else None,
            optimises=not is_grid(composed),
        ).write(self.folder)
        if self.planned is not None:
            self._announce(self.planned, rerun)
        expected = [
            Expected(key, run.identity.name, run.config.model.name)
            for key, run in (self.planned or {}).items()
        ]
        self._progress = Progress(self.folder, expected, self.total, self.finished)

    def _announce(self, planned: dict[str, PlannedRun], rerun: bool) -> None:
        """Print what is done and what is to run. Finished runs become members of this sweep."""
        known = {} if rerun else runs_by_key(self.store)
        found = finished_records(self.store, planned if not rerun else [])
        member = membership(self.run_id)
        lines = []
        readable = found.by_key
        for key in filter(readable.__contains__, planned):
            stored, self.finished[key] = readable[key]
            lines.append(f"  skip {stored.name}: finished as {stored.run_id}")
            if member not in stored.tags:  # another sweep may own it
                self.store.client.set_tag(stored.run_id, member, "true")
        lines += [f"  train again, since it can't be read: {line}" for line in found.left_out]
        left = [known[key].status for key in planned if key in known and key not in self.finished]
        counts = Counter(left)
        interrupted = counts["KILLED"] + counts["RUNNING"]
        stopped = f"{interrupted} interrupted, " if interrupted else ""
        new = len(planned) - len(self.finished) - counts["FAILED"] - interrupted
        print(
            f"{self.name}: {len(self.finished)} done, {counts['FAILED']} failed, {stopped}"
            f"{new} to run",
            *lines,
            sep="\n",
            flush=True,
        )

    def finish(self) -> int:
        """Write the report, log it to the parent run, list the failures; return the exit code."""
        atexit.unregister(self._give_up)
        self._progress.stop()
        states = read_states(self.folder)
        if not (self.folder / STOP_ALL).exists():
            records = self._records(states)
            if records:
                self._report(records)
        return self._conclude(states)

    def _records(self, states: dict[str, RunState]) -> list[RunRecord]:
        """Return the records of the sweep's finished runs, in the order of its jobs."""
        done = {key: state.record for key, state in states.items() if state.status == "done"}
        done = self.finished | done
        return [done[key] for key in (self.planned or done) if key in done]

    def _conclude(self, states: dict[str, RunState]) -> int:
        """Say what is missing and how to go on, end the parent run, and return the exit code."""
        failures = [state for state in states.values() if state.status == "failed"]
        for state in failures:
            print(f"failed: {state.name}: {state.error}\n  again: {state.command}")
        done = self.finished.keys() | {key for key, each in states.items() if each.status == "done"}
        left = max(0, self.total - len(done) - len(failures))
        stopped = sum(state.status == "interrupted" for state in states.values())
        if (self.folder / STOP_ALL).exists():
            print(f"interrupted with {left} runs to go; it goes on with:\n  {self.command}")
            self._end("KILLED")
            return EXIT_INTERRUPTED
        if stopped:
            print(f"interrupted: {stopped} runs; they go on with:\n  {self.command}")
        elif left and (self.folder / START_NO_MORE).exists():
            print(f"not started: {left} runs, since sweep.on_failure=stop")
        elif left and self.planned is not None:
            print(f"without a result: {left} runs; they are trained with:\n  {self.command}")
        incomplete = failures or stopped or (left and self.planned is not None)
        self._end("FAILED" if incomplete else "FINISHED")
        return EXIT_FAILURES if incomplete else 0

    def _give_up(self) -> None:
        """End the parent run where the launcher has given up, as it does when a worker dies."""
        self._progress.stop()
        self._conclude(read_states(self.folder))

    def _end(self, status: str) -> None:
        try:
            self.store.client.set_terminated(self.run_id, status)
        except STORE_ERRORS as error:
            print(
                f"{self.store.shown} does not answer ({first_line(error)}); when it does, this "
                f"tells it what it has missed:\n  sizewise sync; {self.command}"
            )
        if self.lock is not None:
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
        except STORE_ERRORS as error:
            print(f"the report is not in {self.store.shown}: {first_line(error)}")


def _total(composed: DictConfig) -> int:
    """Return how many runs a sweep has whose runs are not known beforehand."""
    if is_grid(composed):
        return len(Grid(composed).jobs)
    return int(OmegaConf.select(composed, "hydra.sweeper.n_trials", default=1))


def _let_trials_fail(composed: DictConfig) -> None:
    """Have an optimiser go on after failed trials, as a grid does: its default is to give up.

    `sweep.on_failure=stop` is heeded by the jobs, and a rate that is typed stays.
    """
    rate = "hydra.sweeper.max_failure_rate"
    is_typed = any(each.lstrip("+").startswith(rate) for each in typed(composed.hydra, "hydra"))
    if OmegaConf.select(composed, rate) == 0 and not is_typed:
        OmegaConf.update(composed, rate, 1.0)
