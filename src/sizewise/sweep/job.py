"""One run of a sweep, in whichever process and on whichever machine its launcher put it."""

import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from sizewise import tracking
from sizewise.config import Config, parse
from sizewise.data import load
from sizewise.errors import UserError
from sizewise.records import RunRecord, write_records
from sizewise.run import identify, run

ERROR = "error.txt"
RECORD = "record.jsonl"
STOP = "stop"
SWEEP = "sweep.json"
NOT_STARTED = "not_started"


def jobs_at_once(composed: DictConfig) -> int:
    """Return how many runs share this machine's cores: joblib's `n_jobs`, 1 for other launchers."""
    jobs = int(OmegaConf.select(composed, "hydra.launcher.n_jobs", default=1))
    return jobs if jobs > 0 else max(1, (os.cpu_count() or 1) + 1 + jobs)


def threads_per_job(jobs: int) -> int:
    """Return each run's share of the cores."""
    return max(1, (os.cpu_count() or 1) // jobs)


@dataclass(frozen=True)
class Sweep:
    """What a job must know of the sweep that it belongs to."""

    name: str
    parent_run_id: str
    jobs_at_once: int

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
        Its validation accuracy, for sweepers that optimise; NaN if it failed or was not started.
        The failure is in the job's folder, for the parent to report: raising it here would have
        Hydra give up the whole sweep.
    """
    sweep = Sweep.read(sweep_folder)
    folder.mkdir(parents=True, exist_ok=True)
    if (sweep_folder / STOP).exists():
        (folder / NOT_STARTED).touch()
        return math.nan
    try:
        record = _run_or_reuse(parse(composed), sweep, folder, overrides)
    except Exception as error:
        text = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        (folder / ERROR).write_text(text)
        if composed.sweep.on_failure == "stop":
            (sweep_folder / STOP).touch()
        return math.nan
    return record.best_validation_accuracy


def _run_or_reuse(config: Config, sweep: Sweep, folder: Path, overrides: list[str]) -> RunRecord:
    if config.threads is None:
        config.threads = threads_per_job(sweep.jobs_at_once)
    store = tracking.open_store(config.tracking)
    member = tracking.membership(sweep.parent_run_id)
    if not config.rerun:
        dataset = load(config.data, config.seed)
        key = identify(config, dataset.spec, dataset.fingerprint).key
        done = tracking.finished_runs(store, key)
        if key in done:
            record = tracking.read_record(store, done[key])
            store.client.set_tag(done[key], member, "true")
            write_records(folder / RECORD, [record])
            return record
    tags = {"mlflow.parentRunId": sweep.parent_run_id, "sweep": sweep.name, member: "true"}
    return run(config, folder, overrides, tags=tags, quiet=True)
