"""`sizewise reproduce`: a run trained again, and every number held against the first."""

import hashlib
import platform
import sys
import tempfile
from argparse import Namespace
from collections.abc import Collection, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch

from sizewise.apply.runs import find_finished, recorded_config
from sizewise.config import TrackingConfig
from sizewise.errors import UserError
from sizewise.predict.trust import check_code
from sizewise.records import RunRecord
from sizewise.run.folder import RunFolder
from sizewise.run.run import run as train
from sizewise.screen import console
from sizewise.tracking.artifacts import model_file, read_record
from sizewise.tracking.queries import StoredRun
from sizewise.tracking.store import Store
from sizewise.training.checkpoint import load_model

# Of a clock or of the machine's memory: no two runs have the same.
MEASURED = (
    *("samples_per_second", "cost/train_seconds", "cost/peak_memory_mb"),
    *("cost/latency", "cost/throughput"),
)
OUTCOME = ("fingerprint", "parameters", "width", "best_epoch", "epochs", "steps", "stopped_by")
MOST_SHOWN = 20


class Reproduction(NamedTuple):
    """How many numbers were compared, which differ, and what else is not as it was, a line each."""

    numbers: int
    differences: list[str]
    changed: list[str]


def run(arguments: Namespace) -> None:
    """Train a run again and say what differs; exit with 1 if a number does."""
    store, stored = find_finished(arguments)
    screen = console()
    with screen.status(f"training {stored.name} again"):
        found = reproduce(store, stored, arguments.overrides, arguments.allow_code)
    if found.changed:
        screen.print("not as it was: " + "; ".join(found.changed), soft_wrap=True)
    count = len(found.differences)
    if not count:
        screen.print(f"{stored.name}: every number is the same ({found.numbers} compared)")
        return
    screen.print(f"{stored.name}: {count} of {found.numbers} numbers differ")
    for line in found.differences[:MOST_SHOWN]:
        screen.print(f"  {line}", soft_wrap=True)
    if count > MOST_SHOWN:
        screen.print(f"  and {count - MOST_SHOWN} more")
    sys.exit(1)


def reproduce(
    store: Store,
    run: StoredRun,
    changes: Sequence[str] = (),
    allow_code: Collection[str] = (),
) -> Reproduction:
    """Train a run again and compare it, number by number and weight by weight.

    It is trained by the code of a usual run, with the threads of the first, and logged to a store
    of its own in a temporary folder that is removed: the run's own store is only read.

    Args:
        store: that holds the run.
        run: a finished one.
        changes: `data.root=FOLDER` or `data.path=…`, if the data is elsewhere by now.
        allow_code: classes that are not sizewise's own and may be imported: `check_code`.

    Raises:
        UserError: it can't be trained here, its class is not allowed, or another change is asked.
    """
    for change in changes:
        if not change.startswith(("data.root=", "data.path=")):
            raise UserError(
                f"{change} would train another run; expected at most data.root= or data.path="
            )
    before, config = read_record(store, run), recorded_config(store, run, changes)
    check_code(config.model.target, allow_code)
    threads = run.tags.get("threads", "")
    own: dict[str, Any] = {"resume": False, "rerun": True}
    own["threads"] = config.threads or (int(threads) if threads.isdecimal() else None)
    with tempfile.TemporaryDirectory(prefix="sizewise-") as temporary:
        uri, artifacts = f"sqlite:///{temporary}/mlflow.db", f"{temporary}/artifacts"
        own["tracking"] = TrackingConfig(uri=uri, experiment="again", artifacts=artifacts)
        folder = Path(temporary, "run")
        after = train(config.model_copy(update=own), folder, quiet=True)
        with model_file(store, run) as model:
            then = _numbers(before) | _weights(model)
        now = _numbers(after) | _weights(folder / RunFolder.MODEL)
    differences, changed = _differences(then, now), _surroundings(run, before, after)
    return Reproduction(len({*then, *now}), differences, changed)


def _differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return what differs of two runs; NaN is the same as NaN."""
    pairs = {name: (then.get(name), now.get(name)) for name in {**then, **now}}
    return [
        f"{name} {first} then, {second} now"
        for name, (first, second) in pairs.items()
        if first != second and (first == first or second == second)
    ]


def _numbers(record: RunRecord) -> dict[str, Any]:
    """Return every number of a run that has to be the same, by its name."""
    numbers = {name: getattr(record, name) for name in OUTCOME}
    parts = {f"epoch {epoch}: ": each for epoch, each in enumerate(record.history, start=1)}
    for prefix, metrics in {**parts, "": record.metrics}.items():
        kept = {name: metrics[name] for name in sorted(metrics) if not name.startswith(MEASURED)}
        numbers |= {prefix + name: value for name, value in kept.items()}
    return numbers


def _weights(model: Path) -> dict[str, str]:
    """Return a digest of each tensor in a file model.pt."""
    return {
        f"weights {name}": hashlib.sha256(value.numpy().tobytes()).hexdigest()[:16]
        for name, value in sorted(load_model(model).weights.items())
    }


def _surroundings(run: StoredRun, before: RunRecord, after: RunRecord) -> list[str]:
    """Return what else is not as it was."""
    tags = {name.removeprefix("version."): value for name, value in run.tags.items()}
    now = {name: version(name) for name in ("sizewise", "torch")}
    now |= {"python": platform.python_version(), "threads": str(torch.get_num_threads())}
    then = {name: tags.get(name, "not recorded") for name in now}
    names = {"git_commit": "commit", "fingerprint": "data", "run_key": "run key (source, config)"}
    for field, name in names.items():
        then[name], now[name] = getattr(before, field), getattr(after, field)
    return _differences(then, now)
