"""`sizewise sync`: what a store has missed while it was away."""

import sys
from argparse import Namespace
from pathlib import Path

from sizewise.errors import UserError
from sizewise.tracking.lifecycle import SENT, send, unsent_folders

USUAL = [Path("outputs"), Path("multirun")]


def run(arguments: Namespace) -> None:
    """Send the runs that ended while their store was away; exit with 1 if one is still unsent.

    Raises:
        UserError: a folder is not there.
    """
    for folder in arguments.folders:
        if not folder.exists() and folder not in USUAL:
            raise UserError(f"there is no folder {folder}; expected one of a run, or above some")
    folders = arguments.folders or USUAL
    outcomes = {folder: send(folder, arguments.uri) for folder in unsent_folders(folders)}
    for folder, outcome in outcomes.items():
        print(f"{folder}: {outcome}")
    if not outcomes:
        print(f"nothing unsent in {' '.join(map(str, folders))}")
    if {*outcomes.values()} - {SENT}:
        sys.exit(1)
