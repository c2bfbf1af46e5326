"""What workers do for a piece of advice: a run, a step on noise, the report."""

import shlex
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sizewise.advise.known import Trial
from sizewise.config import Config, TrackingConfig
from sizewise.config.as_train import spelled
from sizewise.data import DataSpec
from sizewise.errors import Interrupted, UserError, first_line, heard_before
from sizewise.place import CONF, TRAIN
from sizewise.records import RunRecord
from sizewise.report import write_report
from sizewise.report.verdict import look_confidence
from sizewise.run.estimate import estimate
from sizewise.run.identity import architecture_of
from sizewise.run.run import run
from sizewise.sweep.job import COSTS, StopFile
from sizewise.sweep.pool import WorkerDied
from sizewise.tracking.store import open_store

INNER_NOTE = (
    "Errors called test errors are of samples held out from training for the search: the set's own "
    "test split is read once, by the model that is advised."
)

OUT_OF_TIME = "stopped: out of time"


@dataclass(frozen=True)
class Ran:
    """What came of a trial: its record, or why there is none."""

    trial: Trial
    record: RunRecord | None
    seconds: float
    why: str = ""
    stopped: bool = False


def train(
    trial: Trial,
    config: Config,
    folder: Path,
    typed: Sequence[str],
    tags: dict[str, str],
    share: int,
    deadline: float,
    stop_file: Path,
) -> Ran:
    """Train a run in a worker, until `deadline` (seconds since 1970) at the latest."""
    started, stop = time.monotonic(), StopFile(stop_file)

    def asked_to_stop() -> bool:
        return time.time() > deadline or stop.is_there()

    options: dict[str, Any] = {"tags": tags, "quiet": True, "take_up": True, "share": share}
    options["shared_costs"] = folder.parents[1] / COSTS
    options |= {"command": shlex.join([*TRAIN, *typed]), "asked_to_stop": asked_to_stop}
    try:
        with heard_before():
            record = run(config, folder, typed, **options)
    except Interrupted:
        why = "stopped" if stop.is_there() else OUT_OF_TIME
        return Ran(trial, None, time.monotonic() - started, why, stopped=True)
    except UserError as error:
        return Ran(trial, None, time.monotonic() - started, str(error))
    return Ran(trial, record, time.monotonic() - started)


def step_seconds(config: Config, spec: DataSpec, samples: int, share: int, steps: int) -> float:
    """Return the seconds of a training step on noise, after so many, in a worker."""
    found = estimate(config, spec, architecture_of(config, spec), samples, share, steps // 2)
    assert found.step_seconds is not None  # but of a classical family
    return found.step_seconds


def write_search(
    records: Sequence[RunRecord], folder: Path, name: str, asked: Mapping[str, Any]
) -> str:
    """Write the report of the search, in a worker; return where its page is."""
    shutil.rmtree(folder, ignore_errors=True)
    written = write_report(
        records,
        folder,
        name=name,
        asked=asked,
        notes=[INNER_NOTE],
        confidence=look_confidence(),
        spell=lambda config: spelled(config, CONF),
    )
    return str(written.files[0])


def make_store(tracking: TrackingConfig) -> None:
    """Make the store where there is none yet, in a worker: that takes seconds."""
    open_store(tracking)


def as_ran(trial: Trial, result: Any, *, overdue: bool = False) -> Ran:
    """Return what a pool's worker has made of `train`: its result, or why there is none.

    Args:
        trial: that was trained.
        result: the pool's.
        overdue: whether a worker that died was killed for taking too long.
    """
    if isinstance(result, Ran):
        return result
    if not (overdue and isinstance(result, WorkerDied)):
        return Ran(trial, None, 0.0, first_line(result))
    if trial.size is None:
        return Ran(trial, None, 0.0, "not fitted within a tenth of the budget")
    return Ran(trial, None, 0.0, OUT_OF_TIME, stopped=True)
