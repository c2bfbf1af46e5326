"""A run trained again from what it recorded, and every number held against the first."""

import platform
import tempfile
from collections.abc import Collection, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.console import Console

from sizewise.apply.recorded import recorded_config
from sizewise.config import Config, TrackingConfig
from sizewise.errors import UserError
from sizewise.predict.trust import check_code
from sizewise.records import RunRecord
from sizewise.run.folder import RunFolder
from sizewise.run.run import run as train
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


class Difference(NamedTuple):
    """A number that is not the same."""

    name: str
    then: Any
    now: Any


class Reproduction(NamedTuple):
    """How many numbers were compared, which differ, and what else is not as it was."""

    numbers: int
    differences: list[Difference]
    changed: list[str]


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
        changes: `data.root=FOLDER`, if the data is elsewhere by now.
        allow_code: classes that are not sizewise's own and may be imported: `check_code`.

    Raises:
        UserError: it can't be trained here, or its class is not allowed.
    """
    before = read_record(store, run)
    config = recorded_config(store, run, changes)
    check_code(config.model.target, allow_code)
    threads = config.threads or _number(run.tags.get("threads"))
    with tempfile.TemporaryDirectory(prefix="sizewise-") as temporary:
        config = _kept_apart(config, Path(temporary), threads)
        folder = Path(temporary, "run")
        after = train(config, folder, quiet=True)
        pairs = [*_numbers(before, after), *_weights(store, run, folder / RunFolder.MODEL)]
    differences = [pair for pair in pairs if not _same(pair.then, pair.now)]
    return Reproduction(len(pairs), differences, _changed(run, before, after, threads))


def _kept_apart(config: Config, folder: Path, threads: int | None) -> Config:
    there = TrackingConfig(
        uri=f"sqlite:///{folder / 'mlflow.db'}",
        experiment="reproduction",
        artifacts=str(folder / "artifacts"),
    )
    changes = {"tracking": there, "threads": threads, "resume": False, "rerun": True}
    return config.model_copy(update=changes)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and int(text) else None


def _numbers(before: RunRecord, after: RunRecord) -> Iterator[Difference]:
    """Yield every number of two records that has to be the same."""
    for name in OUTCOME:
        yield Difference(name, getattr(before, name), getattr(after, name))
    for epoch in range(max(len(before.history), len(after.history))):
        epochs = [each.history[epoch : epoch + 1] or [{}] for each in (before, after)]
        yield from _metrics(epochs[0][0], epochs[1][0], f"epoch {epoch + 1}: ")
    yield from _metrics(before.metrics, after.metrics)


def _metrics(
    then: dict[str, float], now: dict[str, float], prefix: str = ""
) -> Iterator[Difference]:
    for name in sorted({*then, *now}):
        if not name.startswith(MEASURED):
            yield Difference(f"{prefix}{name}", then.get(name), now.get(name))


def _weights(store: Store, run: StoredRun, path: Path) -> Iterator[Difference]:
    with model_file(store, run) as first:
        then = load_model(first).weights
    now = load_model(path).weights
    for name in sorted({*then, *now}):
        same = name in then and name in now and torch.equal(then[name], now[name])
        yield Difference(f"weights {name}", "as recorded", "as recorded" if same else "different")


def _same(then: Any, now: Any) -> bool:
    both_nan = then != then and now != now
    return bool(then == now or both_nan)


def _changed(run: StoredRun, before: RunRecord, after: RunRecord, threads: int | None) -> list[str]:
    """Return what else differs, in a line each."""
    lines = []
    if before.git_commit != after.git_commit:
        lines.append(f"commit {before.git_commit} then, {after.git_commit} now")
    if before.run_key != after.run_key and before.fingerprint == after.fingerprint:
        lines.append(
            f"the source that shapes training (run key {before.run_key} then, {after.run_key} now)"
        )
    if before.fingerprint != after.fingerprint:
        lines.append(f"data {before.fingerprint} then, {after.fingerprint} now")
    now = {f"version.{name}": version(name) for name in ("sizewise", "torch")}
    now |= {"version.python": platform.python_version()}
    for tag, value in now.items():
        if run.tags.get(tag) not in (None, value):
            lines.append(f"{tag.removeprefix('version.')} {run.tags[tag]} then, {value} now")
    if threads is None:
        lines.append(f"threads were not recorded then; {torch.get_num_threads()} now")
    return lines


def show(run: StoredRun, found: Reproduction, console: Console) -> None:
    """Say whether every number is the same, and which are not."""
    count = len(found.differences)
    if found.changed:
        console.print("not as it was: " + "; ".join(found.changed), soft_wrap=True)
    if not count:
        console.print(f"{run.name}: every number is the same ({found.numbers} compared)")
        return
    console.print(f"{run.name}: {count} of {found.numbers} numbers differ")
    for each in found.differences[:MOST_SHOWN]:
        console.print(f"  {each.name}: {each.then} then, {each.now} now", soft_wrap=True)
    if count > MOST_SHOWN:
        console.print(f"  and {count - MOST_SHOWN} more")


def check_changes(changes: Sequence[str]) -> None:
    """Check that nothing but the place of the data is to be changed.

    Raises:
        UserError: something else is.
    """
    for change in changes:
        if not change.startswith("data.root="):
            raise UserError(f"{change} would train another run; expected at most data.root=FOLDER")
