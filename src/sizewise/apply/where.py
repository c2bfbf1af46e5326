"""Where a run's files are, and the command that made it."""

import re
import socket
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sizewise.errors import UserError
from sizewise.run.folder import RunFolder
from sizewise.tracking.queries import StoredRun
from sizewise.tracking.resolve import find_run
from sizewise.tracking.store import Store
from sizewise.uri import hide_password


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


def show(store: Store, run: StoredRun, console: Console) -> None:
    """Show a run's places, how it was started, and what became of it."""
    overrides = hide_password(run.tags.get("overrides", ""))
    host = run.tags.get("host", "")
    here = host in ("", socket.gethostname())
    folder = str(run.folder.path) if run.tags.get("folder") else "not recorded"
    if not run.folder.belongs_to(run.tags.get("run_key", "")):
        folder += "  (gone)" if here else f"  (on {host})"
    rows = {
        "run": f"{run.name}  {run.run_id}  {run.status.lower()}",
        "error": hide_password(run.tags.get("error", "")),
        "folder": folder,
        "artifacts": hide_password(run.artifacts),
        "store": store.shown,
        "sweep": run.tags.get("sweep"),
        "overrides": overrides or "none",
        "command": hide_password(run.tags.get("command", "")) or f"python train.py {overrides}",
        "commit": run.tags.get("mlflow.source.git.commit"),
    }
    table = Table(box=None, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        if value:
            table.add_row(name, value)
    console.print(table, soft_wrap=True)
