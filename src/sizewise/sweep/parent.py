"""A sweep's parent run: planned before its jobs start, reported after they have ended."""

import atexit
import json
import os
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf

from sizewise import garbage
from sizewise.config import parse_shared
from sizewise.config.compose import Grid, command, is_grid, let_trials_fail, typed, without_hydra
from sizewise.errors import UserError, first_line, say
from sizewise.interrupts import stop_softly
from sizewise.records import RunRecord
from sizewise.sweep.job import STOP_ALL, SWEEP, Sweep, jobs_at_once
from sizewise.sweep.plan import PlannedRun, plan_sweep, sweep_key
from sizewise.sweep.progress import SweepProgress
from sizewise.sweep.states import RunState, read_states
from sizewise.threads import others_at_work, share_of_cores
from sizewise.tracking.artifacts import finished_records
from sizewise.tracking.lifecycle import log_answer, put_right, start_sweep
from sizewise.tracking.queries import membership, runs_by_key
from sizewise.tracking.store import STORE_ERRORS, open_store

if TYPE_CHECKING:  # the report, and what needs it, is imported while runs train: it takes a second
    from sizewise.sweep.until import Until

# These run jobs in processes that this one starts, or in this one; the others' live elsewhere.
LOCAL_LAUNCHERS = (".PoolLauncher", ".BasicLauncher")
EXIT_FAILURES = 1
EXIT_INTERRUPTED = 130  # what shells expect after Ctrl-C


class Parent:
    """A sweep that has started: its runs are planned, and its parent run is open in the store.

    The user has been told what is done, and the jobs find in the sweep's folder, from wherever they
    are launched, what they need. A lock on that shows others that the sweep is at work.

    Args:
        composed: in Hydra's multirun mode, the hydra node included.
        grid: its jobs; None where an optimiser will choose them.

    Raises:
        UserError: a run can't be made, the store can't be opened, or the folder is taken.
    """

    def __init__(self, composed: DictConfig, grid: Grid | None) -> None:
        hydra = composed.hydra
        self._composed, self._grid = composed, grid
        self._folder = Path(hydra.sweep.dir)
        if (self._folder / SWEEP).exists():
            raise UserError(
                f"the folder {self._folder} already holds a sweep; choose another with "
                "hydra.sweep.dir=FOLDER, or leave that out"
            )
        shared = parse_shared(without_hydra(composed))
        self._on_failure = shared.sweep.on_failure
        self._asked = shared.answer.model_dump()
        self._planned = None if grid is None else plan_sweep(grid)
        self._store = open_store(shared.tracking)
        for line in put_right(self._store):
            print(line)
        key = sweep_key(self._planned, typed(hydra))
        self._name = str(hydra.runtime.choices.get("experiment") or f"sweep-{key[:6]}")
        self._command = command(hydra, typed(hydra), sweep=True)
        self._until: Until | None = None
        if shared.until.minutes is not None:
            from sizewise.sweep import until

            if self._planned is None:
                raise UserError(
                    "until=told goes on from a grid whose runs are known beforehand: leave it out, "
                    "or give each key its values, without an optimiser"
                )
            jobs = jobs_at_once(composed)
            self._until = until.Until.of_sweep(self._store, key, shared.until.minutes, jobs)
        tags = {"command": self._command, "answer": json.dumps(self._asked)}
        self._run_id, self._lock = start_sweep(self._store, key, self._name, self._folder, tags)
        try:
            self._tell_jobs()
            self._finished = self._announce(self._planned or {}, shared.rerun)
        except BaseException:
            self._end("FAILED")
            raise
        self.jobs = [] if grid is None else grid.jobs
        if self._planned is not None:
            left = [run for key, run in self._planned.items() if key not in self._finished]
            self.jobs = [run.overrides for run in left]
        trials = int(OmegaConf.select(composed, "hydra.sweeper.n_trials", default=1))
        self._total = len(self._planned or self.jobs) or trials
        let_trials_fail(composed)
        atexit.register(self._give_up)
        stop_softly(self._folder / STOP_ALL)
        others_at_work()  # to be counted by runs that begin meanwhile
        planned = {key: run.state for key, run in (self._planned or {}).items()}
        self._progress = SweepProgress(
            self._folder, self._total, planned, self._finished, when_all_have_begun=_get_ready
        )
        garbage.go_on()

    def _tell_jobs(self) -> None:
        local = str(self._composed.hydra.launcher._target_).endswith(LOCAL_LAUNCHERS)
        Sweep(
            name=self._name,
            parent_run_id=self._run_id,
            parent_process=os.getpid() if local else None,
            threads=share_of_cores(jobs_at_once(self._composed)) if local else None,
            keys=None if self._planned is None else list(self._planned),
            optimises=not is_grid(self._composed),
            looked_at=self._until is not None,
        ).write(self._folder)

    def _announce(self, planned: dict[str, PlannedRun], rerun: bool) -> dict[str, RunRecord]:
        """Print what is done and what is to run, and return the records of the finished runs.

        These become members of this sweep.
        """
        if not planned:
            return {}
        known = {} if rerun else runs_by_key(self._store)
        found = finished_records(self._store, [] if rerun else planned)
        member = membership(self._run_id)
        lines, readable = [], found.by_key
        finished = {key: readable[key] for key in planned if key in readable}
        for stored, _ in finished.values():
            lines.append(f"  skip {stored.name}: finished as {stored.run_id}")
            if member not in stored.tags:  # another sweep may own it
                self._store.client.set_tag(stored.run_id, member, "true")
        lines += [f"  train again, since it can't be read: {line}" for line in found.left_out]
        left = planned.keys() - finished.keys()
        counts = Counter(known[key].status for key in left if key in known)
        interrupted = counts["KILLED"] + counts["RUNNING"]
        stopped = f"{interrupted} interrupted, " if interrupted else ""
        new = len(left) - counts["FAILED"] - interrupted
        done = f"{len(finished)} done, {counts['FAILED']} failed, {stopped}{new} to run"
        print(f"{self._name}: {done}", *lines, sep="\n", flush=True)
        return {key: record for key, (_, record) in finished.items()}

    def propose(self) -> list[tuple[str, ...]]:
        """Return the jobs by which the sweep goes on until its answer is told; none to end it.

        They are those of the report's own proposals, less what is finished.
        """
        if self._until is None or self._planned is None:
            return []
        from sizewise.sweep.pooled import with_runs_alike

        records = self._records()
        if len(records) < len(self._planned):  # some have failed, or were stopped
            return []
        records, _ = with_runs_alike(self._store, records, self._name)
        try:
            self._until.share(self._store, records)
            goes_on = self._until.look(records)
            self._store.client.set_tag(self._run_id, "looks", " ".join(sorted(self._until.looks)))
            return self._take_on(records, self._until) if goes_on else []
        except STORE_ERRORS as error:  # what has been trained gets its report all the same
            say(f"until=told ends here, since {self._store.shown} fails: {first_line(error)}")
            return []

    def _take_on(self, records: Sequence[RunRecord], until: "Until") -> list[tuple[str, ...]]:
        """Plan what a report on `records` proposes, and return the jobs that are not finished."""
        from sizewise.report.analysis import analyse

        assert self._grid is not None
        assert self._planned is not None
        task = typed(self._composed.hydra)  # passwords and all
        try:
            found = analyse(
                records, name=self._name, asked=self._asked, confidence=until.confidence
            )
        except UserError as error:
            say(str(error))
            return []
        new: dict[str, PlannedRun] = {}
        proposals = until.affordable(found.proposals)
        if len(proposals) < len(found.proposals) and any(p.test_samples for p in proposals):
            return []  # some scored on more test samples than others can't be compared
        for proposal in proposals:
            refused: list[UserError] = []  # a size below the family's smallest, say
            new |= plan_sweep(self._grid.like(proposal.overrides(task)), refused) or {}
            if refused:
                say(f"{len(refused)} runs are not tried: {refused[0]}")
        new = {key: run for key, run in new.items() if key not in self._planned}
        is_new = len(finished_records(self._store, new).by_key) < len(new)
        if not until.allows(is_new=is_new):
            return []
        if any(proposal.test_samples for proposal in proposals):
            self._planned = {}  # these count in their place
        self._planned |= new
        self._tell_jobs()
        self._finished |= self._announce(new, rerun=False)
        left = [run.overrides for key, run in new.items() if key not in self._finished]
        self._progress.grow({key: run.state for key, run in new.items()}, self._finished)
        self._total += len(new)
        return left

    def finish(self) -> int:
        """Write the report, log it to the parent run, list the failures; return the exit code."""
        records = self._records()
        self._progress.stop("writing the report" if records else "")
        if records:
            self._report(records)
        return self._conclude(read_states(self._folder))

    def _records(self) -> list[RunRecord]:
        """Return the records of the runs that are done, in order; none after Ctrl-C."""
        if (self._folder / STOP_ALL).exists():
            return []
        states = read_states(self._folder)
        done = {key: state.record for key, state in states.items() if state.status == "done"}
        done = self._finished | done
        return [done[key] for key in (self._planned or done) if key in done]

    def _conclude(self, states: dict[str, RunState]) -> int:
        """Say what is missing and how to go on, end the parent run, and return the exit code."""
        atexit.unregister(self._give_up)
        failures = [state for state in states.values() if state.status == "failed"]
        for state in failures:
            print(f"failed: {state.name}: {state.error}\n  again: {state.command}")
        done = self._finished.keys() | {
            key for key, state in states.items() if state.status == "done"
        }
        left = max(0, self._total - len(done) - len(failures))
        stopped = sum(state.status == "interrupted" for state in states.values())
        if (self._folder / STOP_ALL).exists():
            print(f"interrupted with {left} runs to go; it goes on with:\n  {self._command}")
            self._end("KILLED")
            return EXIT_INTERRUPTED
        if stopped:
            print(f"interrupted: {stopped} runs; they go on with:\n  {self._command}")
        elif left and failures and self._on_failure == "stop":
            print(f"not started: {left} runs, since sweep.on_failure=stop")
        elif left and self._planned is not None:
            print(f"without a result: {left} runs; they are trained with:\n  {self._command}")
        incomplete = failures or stopped or (left and self._planned is not None)
        self._end("FAILED" if incomplete else "FINISHED")
        return EXIT_FAILURES if incomplete else 0

    def _give_up(self) -> None:
        """End the parent run where the launcher or the sweeper has given up."""
        self._progress.stop()
        self._conclude(read_states(self._folder))

    def _end(self, status: str) -> None:
        try:
            self._store.client.set_terminated(self._run_id, status)
            if status != "FINISHED":
                put_right(self._store)  # the runs whose workers were killed
        except STORE_ERRORS as error:
            print(
                f"{self._store.shown} does not answer ({first_line(error)}); when it does, this "
                f"tells it what it has missed:\n  sizewise sync; {self._command}"
            )
        self._lock.release()

    def _report(self, records: Sequence[RunRecord]) -> None:
        from sizewise.report import CONFIDENCE, write_report
        from sizewise.sweep.pooled import with_runs_alike

        folder = self._folder / "report"
        records, notes = with_runs_alike(self._store, records, self._name)
        try:
            report = write_report(
                records,
                folder,
                name=self._name,
                command=self._command,
                asked=self._asked,
                notes=notes,
                confidence=self._until.confidence if self._until else CONFIDENCE,
                link=self._store.page,
            )
        except UserError as error:
            self._progress.stop()
            print(f"no report: {error}")
            return
        self._progress.stop()
        print(report)
        if page := self._store.page(self._run_id):
            print(f"in MLflow: {page}")
        try:
            log_answer(self._store, self._run_id, report.note, report.analysis.recommended)
            self._store.client.log_artifacts(self._run_id, str(folder), "report")
        except STORE_ERRORS as error:
            print(f"the report is not in {self._store.shown}: {first_line(error)}")


def _get_ready() -> None:
    """Import the report and start its engine, while the last runs leave a core idle."""
    import_module("sizewise.report.figures").warm_up()
