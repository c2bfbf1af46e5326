"""`sizewise ui`: MLflow's UI on this machine only, until it is stopped, or where it is already."""

import os
import signal
import subprocess
import sys
from argparse import Namespace
from contextlib import suppress

from sizewise.apply.runs import open_store
from sizewise.serve.server import check_port

LOCALHOST = "127.0.0.1"


def run(arguments: Namespace) -> None:
    """Start MLflow's server on the store and wait until it ends; of a server print where it is.

    Raises:
        UserError: there is no store, or the port is in use.
    """
    store, port = open_store(arguments), arguments.port
    if store.server is not None:
        print(store.table(store.server))
        return
    check_port(LOCALHOST, port)
    print(f"{store.table(f'http://{LOCALHOST}:{port}')}\n(Ctrl-C stops it)", flush=True)
    os.environ["MLFLOW_BACKEND_STORE_URI"] = store.uri  # not an argument, which all users can see
    # Without it the server starts six processes more, for evaluations that nothing here asks for.
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    command = [sys.executable, "-m", "mlflow", "server", "--host", LOCALHOST, "--workers", "1"]
    # In a group of its own, so that Ctrl-C reaches this process alone, which ends the server.
    server = subprocess.Popen([*command, "--port", str(port)], start_new_session=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(server.wait())
    except KeyboardInterrupt:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()
