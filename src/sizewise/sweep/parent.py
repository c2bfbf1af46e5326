"""A sweep's parent run: planned before its jobs start, reported after they have ended."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from sizewise import tracking
from sizewise.config import Config, parse
from sizewise.errors import UserError
from sizewise.records import RunRecord, write_records
from sizewise.report import write_report
from sizewise.sweep.job import ERROR, RECORD, SWEEP, Sweep, jobs_at_once
from sizewise.sweep.plan import PlannedRun, is_grid, plan_sweep, sweep_key, without_hydra
from sizewise.sweep.progress import Progress


@dataclass
class Parent:
    """A sweep that has started."""

    store: tracking.Store
    run_id: str
    name: str
    folder: Path
    command: str
    planned: list[PlannedRun]
    progress: Progress

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
        overrides = list(composed.hydra.overrides.task)
        key = sweep_key(planned, overrides)
        name = composed.hydra.runtime.choices.get("experiment") or f"sweep-{key[:6]}"
        command = f"python train.py {' '.join(overrides)}"
        tags = {"command": command, "folder": str(folder.resolve())}
        run_id = tracking.start_sweep(store, key, name, tags)
        Sweep(name, run_id, jobs_at_once(composed)).write(folder)
        parent = cls(store, run_id, name, folder, command, planned, _progress(composed, planned))
        if planned and not parent._announce(config):
            sys.exit(1 if parent.finish() else 0)
        parent.progress.start()
        return parent

    def _announce(self, config: Config) -> int:
        """Print what is done and what is to run, and return the number of runs to do.

        Where nothing is left to do, the finished runs are made members of this sweep, and their
        records are put into the jobs' folders.
        """
        done = {} if config.rerun else tracking.finished_runs(self.store)
        failed = tracking.failed_runs(self.store)
        skips = [run for run in self.planned if run.identity.key in done]
        keys_to_run = [r.identity.key for r in self.planned if r.identity.key not in done]
        retries = sum(key in failed for key in keys_to_run)
        fresh = len(keys_to_run) - retries
        print(f"{self.name}: {len(skips)} done, {retries} failed, {fresh} to run", flush=True)
        for run in skips:
            print(f"  skip {run.identity.name}: finished as {done[run.identity.key]}")
        if not keys_to_run:
            member = tracking.membership(self.run_id)
            for job, run in enumerate(self.planned):
                run_id = done[run.identity.key]
                self.store.client.set_tag(run_id, member, "true")  # another sweep may own it
                record = tracking.read_record(self.store, run_id)
                (self.folder / str(job)).mkdir(parents=True)
                write_records(self.folder / str(job) / RECORD, [record])
        return len(keys_to_run)

    def finish(self) -> int:
        """Write the report, log it to the parent run, list the failures and return their number."""
        self.progress.stop()
        states = self.progress.states()
        records = [state.record for state in states if state.record is not None]
        failures = [job for job, state in enumerate(states) if state.status == "failed"]
        if records:
            self._report(records)
        for job in failures:
            error = (self.folder / str(job) / ERROR).read_text()
            print(f"failed: {self._named(job)}: {error}\n  again: {self._retry(job)}")
        unstarted = sum(state.status == "waiting" for state in states)
        if unstarted:
            print(f"not started: {unstarted} runs, since sweep.on_failure=stop")
        self.store.client.set_terminated(self.run_id, "FAILED" if failures else "FINISHED")
        return len(failures)

    def _report(self, records: Sequence[RunRecord]) -> None:
        folder = self.folder / "report"
        try:
            report = write_report(records, folder, name=self.name, command=self.command)
        except UserError as error:
            print(f"no report: {error}")
            return
        self.store.client.log_artifacts(self.run_id, str(folder), "report")
        print(report)

    def _named(self, job: int) -> str:
        return self.planned[job].identity.name if self.planned else f"trial {job}"

    def _retry(self, job: int) -> str:
        return self.planned[job].command if self.planned else self.command


def _progress(composed: DictConfig, planned: list[PlannedRun]) -> Progress:
    if planned:
        names = [run.identity.name for run in planned]
        return Progress(
            Path(composed.hydra.sweep.dir), names, [run.config.training.epochs for run in planned]
        )
    trials = int(OmegaConf.select(composed, "hydra.sweeper.n_trials", default=1))
    names = [f"trial-{number}" for number in range(trials)]
    return Progress(Path(composed.hydra.sweep.dir), names, [composed.training.epochs] * trials)
