"""`sizewise where`: a run's places, how it was started, and what became of it."""

import socket
from argparse import Namespace

from sizewise.apply.runs import find, is_here, open_store
from sizewise.place import TRAIN
from sizewise.screen import console, facts
from sizewise.uri import hide_password


def run(arguments: Namespace) -> None:
    """Print where a run is, or the run of a folder; it need not be finished."""
    store = open_store(arguments)
    stored = find(store, arguments.run)
    tags = {name: hide_password(value) for name, value in stored.tags.items()}
    overrides, host = tags.get("overrides", ""), tags.get("host", "")
    folder = str(stored.folder.path) if tags.get("folder") else "not recorded"
    if not is_here(stored):
        folder += "  (gone)" if host in ("", socket.gethostname()) else f"  (on {host})"
    rows = {
        "run": f"{stored.name}  {stored.run_id}  {stored.status.lower()}",
        "error": tags.get("error", ""),
        "folder": folder,
        "artifacts": hide_password(stored.artifacts),
        "store": store.shown,
        "page": store.page(stored.run_id) or "",
        "sweep": tags.get("sweep", ""),
        "overrides": overrides or "none",
        "command": tags.get("command") or f"{' '.join(TRAIN)} {overrides}",
        "commit": tags.get("mlflow.source.git.commit", ""),
    }
    console().print(facts(rows), soft_wrap=True)
