"""The command line: `sizewise ui`, and how every entry point reports a user's mistakes."""

import argparse
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sizewise.errors import UserError, nearest

DEFAULT_STORE = "sqlite:///mlruns/mlflow.db"


def main() -> None:
    """Run the `sizewise` command."""
    parser = argparse.ArgumentParser(
        prog="sizewise", description="How big does a model need to be? (Train with train.py.)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    ui = commands.add_parser("ui", help="browse the runs in MLflow's UI, on this machine only")
    ui.add_argument(
        "--uri",
        default=os.environ.get("MLFLOW_TRACKING_URI", DEFAULT_STORE),
        help="the store to browse (default: %(default)s)",
    )
    ui.add_argument("--port", type=int, default=5000, help="default: %(default)s")
    ui.set_defaults(run=lambda arguments: browse(arguments.uri, arguments.port))
    arguments = parser.parse_args()
    with one_line_errors():
        arguments.run(arguments)


def browse(uri: str, port: int) -> None:
    """Serve MLflow's UI over the store at `uri` on 127.0.0.1 until stopped."""
    database = Path(uri.removeprefix("sqlite:///"))
    if uri.startswith("sqlite:///") and not database.exists():
        raise UserError(f"there are no runs in {uri} yet; make one with `python train.py`")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise UserError(f"port {port} is in use; choose another with --port {port + 1}")
    print(f"MLflow's UI: http://127.0.0.1:{port}  (Ctrl-C stops it)", flush=True)
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.execv(sys.executable, command)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn a mistake of the user's into one line on stderr and exit code 2.

    Hydra's own errors are put into the same form. `SIZEWISE_DEBUG=1` shows the traceback instead.
    """
    try:
        yield
    except Exception as error:
        message = _explain(error)
        if message is None or os.environ.get("SIZEWISE_DEBUG") == "1":
            raise
        print(f"sizewise: {message}", file=sys.stderr)
        sys.exit(2)


def _explain(error: Exception) -> str | None:
    """Return the line that tells a user what to change; None if the error is not the user's."""
    if isinstance(error, UserError):
        return str(error)
    from hydra.errors import HydraException, MissingConfigException
    from omegaconf.errors import OmegaConfBaseException

    if not isinstance(error, HydraException | OmegaConfBaseException):
        return None
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, name = error.missing_cfg_file.rpartition("/")
        return f"there is no {group}={name}: {nearest(name, error.options)}"
    key = getattr(error.__cause__, "full_key", None)
    if key:
        from sizewise.config import unknown_key

        return unknown_key(key)
    return f"{str(error).splitlines()[0]}; expected KEY=VALUE, as in `python train.py --help`"
