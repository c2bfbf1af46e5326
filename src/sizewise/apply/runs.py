"""`sizewise runs`; and for the other commands which run is meant, and what is recorded of it."""

import os
import re
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from sizewise.config import Config, parse
from sizewise.errors import UserError, first_line
from sizewise.place import TRAIN
from sizewise.run.folder import RunFolder
from sizewise.screen import FORMS, console, metric, table
from sizewise.tracking.artifacts import read_config
from sizewise.tracking.queries import StoredRun, list_runs
from sizewise.tracking.resolve import find_run
from sizewise.tracking.store import Store, open_existing
from sizewise.uri import DEFAULT_STORE, sqlite_at_home, sqlite_file

LISTED = ("cost/parameters", "cost/train_seconds", "cost/latency_ms_p50")


def run(arguments: Namespace) -> None:
    """Print a table of runs."""
    store = open_store(arguments)
    show(list_runs(store, arguments.sort, arguments.last, arguments.study))


def show(runs: Sequence[StoredRun]) -> None:
    """Print a table of `runs`, one line each."""
    headings = ["run", "id", "status", "test error", *(FORMS[name][0] for name in LISTED)]
    rows = [
        [
            *(run.name, run.run_id[:8], run.status.lower(), run.error),
            *(metric(run.metrics, name) for name in LISTED),
        ]
        for run in runs
    ]
    found = table(headings, rows, texts=3)
    console().print(found if rows else f"no runs yet; make one with `{' '.join(TRAIN)}`")


def open_store(arguments: Namespace) -> Store:
    """Open the store that is meant, which has to be there.

    Raises:
        UserError: it is not, or can't be opened.
    """
    uri = sqlite_at_home(arguments.uri.strip()) or DEFAULT_STORE
    database = sqlite_file(uri)
    if database is not None and not database.exists():
        raise UserError(f"there are no runs in {uri} yet; make one with `{' '.join(TRAIN)}`")
    return open_existing(uri, arguments.experiment)


def find_finished(arguments: Namespace) -> tuple[Store, StoredRun]:
    """Return the finished run that is meant, with its store.

    Raises:
        UserError: there is none.
    """
    store = open_store(arguments)
    return store, find_run(store, arguments.run)


def find(store: Store, wanted: str) -> StoredRun:
    """Return the run that is meant, or the run of a folder; it need not be finished.

    Raises:
        UserError: there is none.
    """
    if not Path(wanted).is_dir():
        return find_run(store, wanted, finished=False)
    try:
        folder = RunFolder.at(Path(wanted))
        run_id = folder.read_run_id()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"the folder {wanted} holds no run: expected a file {RunFolder.RUN_ID} in it, as in "
            "outputs/DATE/TIME or multirun/DATE/TIME/JOB"
        ) from error
    if not re.fullmatch("[0-9a-f]{32}", run_id):
        raise UserError(f"{folder.path / folder.RUN_ID} does not hold a run's id")
    return find_run(store, run_id, finished=False)


def recorded_config(store: Store, run: StoredRun, changes: Sequence[str] = ()) -> Config:
    """Return what a run was trained with; where its data lie is as this machine has it.

    A store may be somebody else's. So its config may not read the environment, as interpolations
    do, and the places that it names for data are used only if the run's own folder on this machine
    says the same.

    Args:
        store: that holds the run.
        run: any.
        changes: KEY=VALUE, to put in its place.

    Raises:
        UserError: it can't be read, or does not fit this version of sizewise.
    """
    composed = _parsed(read_config(store, run), run.name)
    try:
        composed.data.root = _own_place(run, "root") or os.environ.get("SIZEWISE_DATA", "data")
        if "path" in composed.data:
            composed.data.path = _own_place(run, "path") or "???"  # is asked for
        changed = OmegaConf.merge(composed, OmegaConf.from_dotlist(list(changes)))
    except OmegaConfBaseException as error:
        raise UserError(f"{first_line(error)}; expected KEY=VALUE") from error
    assert isinstance(changed, DictConfig)
    return parse(changed)


def _own_place(run: StoredRun, key: str) -> str | None:
    """Return a place of data by the config in the run's folder, if both are on this machine."""
    try:
        text = (run.folder.path / RunFolder.CONFIG).read_text() if is_here(run) else ""
        place = OmegaConf.select(_parsed(text, run.name), f"data.{key}")
    except (OSError, UnicodeDecodeError, UserError):
        return None
    return place if isinstance(place, str) and os.path.exists(place) else None


def is_here(run: StoredRun) -> bool:
    """Whether the run's folder is on this machine, and its own."""
    return run.folder.belongs_to(run.tags.get("run_key", ""))


def _parsed(text: str, name: str) -> DictConfig:
    try:
        config = OmegaConf.create(text)
    except (YAMLError, OmegaConfBaseException, ValueError) as error:
        raise UserError(f"the config of run {name} is damaged ({first_line(error)})") from error
    if not isinstance(config, DictConfig) or "${" in text:
        raise UserError(f"the config of run {name} is not one that sizewise wrote")
    return config
