"""The `sizewise` command."""

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sizewise.apply.commands import LOCALHOST, add_commands, open_store, store_arguments
from sizewise.entry import one_line_errors, replace_unencodable
from sizewise.errors import UserError, say

if TYPE_CHECKING:
    from sizewise.config import Config


def main() -> None:
    """Run the `sizewise` command."""
    parser = argparse.ArgumentParser(
        prog="sizewise", description="How big does a model need to be? (Train with train.py.)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    store = store_arguments()

    ui = commands.add_parser("ui", parents=[store], help="browse the runs in MLflow's UI")
    ui.add_argument("--port", type=int, default=5000, help="default: %(default)s")
    ui.set_defaults(command=browse)

    runs = commands.add_parser("runs", parents=[store], help="list the runs, newest first")
    runs.add_argument("--sort", metavar="METRIC", help="highest first, as in --sort test_accuracy")
    runs.add_argument("--study", metavar="NAME", help="only the runs of this sweep")
    runs.add_argument("--last", type=int, default=50, metavar="N", help="default: %(default)s")
    runs.set_defaults(command=show_runs)

    plan = commands.add_parser("plan", help="what a command of train.py would run, and its cost")
    plan.add_argument("overrides", nargs="*", help="as for train.py: experiment=large_vs_small")
    plan.set_defaults(command=show_plan)

    report = commands.add_parser("report", parents=[store], help="write a sweep's report again")
    report.add_argument("sweep", help="a sweep's name, or a file of records: runs.jsonl")
    report.add_argument("--to", type=Path, metavar="FOLDER", help="default: reports/NAME")
    report.set_defaults(command=report_again)

    doctor = commands.add_parser(
        "doctor", parents=[store], help="find runs whose process is gone, and put them right"
    )
    doctor.set_defaults(command=put_right)

    sync = commands.add_parser("sync", help="send what a store has missed while it was away")
    sync.add_argument("--uri", help="of the store, if it has moved")
    sync.add_argument(
        "folders",
        nargs="*",
        type=Path,
        default=[Path("outputs"), Path("multirun")],
        metavar="FOLDER",
        help="of runs, or above them (default: outputs multirun)",
    )
    sync.set_defaults(command=send_unsent)
    add_commands(commands, store, compose)

    arguments = parser.parse_args()
    replace_unencodable()
    with one_line_errors():
        arguments.command(arguments)


def browse(arguments: argparse.Namespace) -> None:
    """Serve MLflow's UI on this machine only, until stopped."""
    store = open_store(arguments)
    port = arguments.port
    with socket.socket() as probe:
        if probe.connect_ex((LOCALHOST, port)) == 0:
            raise UserError(f"port {port} is in use; choose another with --port {port + 1}")
    print(f"{store.link(f'http://{LOCALHOST}:{port}')}\n(Ctrl-C stops it)", flush=True)
    os.environ["MLFLOW_BACKEND_STORE_URI"] = store.uri  # not an argument, which all users can see
    command = [sys.executable, "-m", "mlflow", "server", "--host", LOCALHOST]
    command += ["--port", str(port), "--workers", "1"]
    # Without it the server starts six processes more, for evaluations that nothing here asks for.
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    # In a group of its own, so that Ctrl-C reaches this process alone, which ends the server.
    server = subprocess.Popen(command, start_new_session=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(server.wait())
    except KeyboardInterrupt:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def show_runs(arguments: argparse.Namespace) -> None:
    """Print a table of runs."""
    from sizewise.screen import show_runs
    from sizewise.tracking import list_runs

    store = open_store(arguments)
    show_runs(list_runs(store, arguments.sort, arguments.last, arguments.study))


def show_plan(arguments: argparse.Namespace) -> None:
    """Print what a command would run, what of it is done, and about how long the rest takes."""
    from sizewise.config.compose import composed_sweep

    with composed_sweep(arguments.overrides, _conf()) as composed:
        from sizewise.sweep.estimate import show_plan

        show_plan(composed)


def compose(overrides: list[str]) -> "Config":
    """Return the config of the run that train.py would make of `overrides`."""
    from sizewise.config.compose import compose

    return compose(overrides, _conf())


def _conf() -> Path:
    conf = Path("conf").resolve()
    if not (conf / "config.yaml").exists():
        raise UserError(f"there is no {conf / 'config.yaml'}; run this where train.py is")
    return conf


def report_again(arguments: argparse.Namespace) -> None:
    """Write the report of a sweep in the store, or of a file of records."""
    from sizewise.config.compose import spelled
    from sizewise.records import read_records
    from sizewise.report import write_report
    from sizewise.report.commands import spell_all

    path = Path(arguments.sweep)
    if path.suffix == ".jsonl":
        if not path.exists():
            raise UserError(f"there is no file {path}; expected a sweep's runs.jsonl")
        name, command = path.resolve().parent.name, None
        try:
            records = read_records(path)
        except ValueError as error:
            raise UserError(f"{error}; expected a runs.jsonl that sizewise wrote") from error
    else:
        from sizewise.tracking import find_sweep

        name = arguments.sweep
        command, records, left_out = find_sweep(open_store(arguments), name)
        for line in left_out:
            say(f"left out, since it can't be read: {line}")
    spell = partial(spelled, conf=_conf()) if Path("conf/config.yaml").exists() else spell_all
    folder = arguments.to or Path("reports") / name
    print(write_report(records, folder, name=name, command=command, spell=spell))


def put_right(arguments: argparse.Namespace) -> None:
    """Mark the runs as KILLED that are RUNNING in the store while their process is gone."""
    from sizewise.tracking import put_right

    lines = put_right(open_store(arguments))
    print("\n".join(lines) or "every run that is RUNNING has its process at work")


def send_unsent(arguments: argparse.Namespace) -> None:
    """Send the runs that ended while their store was away; exit with 1 if one is still unsent."""
    from sizewise.tracking import SENT, send, unsent_folders

    for folder in arguments.folders:
        if not folder.exists() and folder not in (Path("outputs"), Path("multirun")):
            raise UserError(f"there is no folder {folder}; expected one of a run, or above some")
    unsent = unsent_folders(arguments.folders)
    if not unsent:
        print(f"nothing unsent in {' '.join(map(str, arguments.folders))}")
        return
    outcomes = [send(folder, arguments.uri) for folder in unsent]
    for folder, outcome in zip(unsent, outcomes, strict=True):
        print(f"{folder}: {outcome}")
    if set(outcomes) != {SENT}:
        sys.exit(1)
