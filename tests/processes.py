"""The program in processes of its own, as a user runs it; an MLflow server; and how both end."""

import atexit
import contextlib
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import mlflow

ROOT = Path(__file__).parents[1]
shared: dict[str, str] = {}  # of the environments of all processes: folders of what is made once


def train(folder: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    if not any("tracking.uri=" in each for each in arguments):
        make_store(folder / "mlruns/mlflow.db")
    return _fork("train.py", folder, arguments, environment)


def command(
    folder: Path, *arguments: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run `sizewise` with these arguments."""
    return _fork("sizewise", folder, arguments, environment)


def run_code(folder: Path, text: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Python code, without its warnings, where PyTorch and MLflow are imported already."""
    return _fork(text, folder, arguments, {})


def _fork(
    program: str, folder: Path, arguments: tuple[str, ...], environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run a program in a process of its own, whose imports are done: see tests/warm.py."""
    with tempfile.TemporaryDirectory() as printed:
        output, errors = Path(printed) / "output", Path(printed) / "errors"
        request = {
            "program": program,
            "arguments": arguments,
            "folder": str(folder),
            "environment": environment_of(folder, environment),
            "output": str(output),
            "errors": str(errors),
        }
        warm = _warm()
        assert warm.stdin
        assert warm.stdout
        print(json.dumps(request), file=warm.stdin, flush=True)
        code = int(warm.stdout.readline())
        return subprocess.CompletedProcess(arguments, code, output.read_text(), errors.read_text())


def make_store(database: Path) -> None:
    """Make an empty store where there is none: MLflow's own way takes seconds."""
    if not database.exists():
        database.parent.mkdir(exist_ok=True)
        shutil.copy(_empty_store(), database)


@functools.cache
def _empty_store() -> Path:
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    mlflow.MlflowClient(f"sqlite:///{folder.name}/mlflow.db").search_experiments()
    return Path(folder.name, "mlflow.db")


@functools.cache
def _warm() -> "subprocess.Popen[str]":
    """Return this process's own tests/warm.py."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/warm.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment_of(ROOT),
        text=True,
    )
    atexit.register(process.communicate)
    return process


def python(folder: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment_of(folder, environment),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def start(
    folder: Path, *arguments: str, log: Path, **environment: str
) -> "subprocess.Popen[bytes]":
    """Start train.py in `folder` and return at once; what it prints is appended to `log`.

    It is in a process group of its own, as a command is that is typed at a terminal.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "train.py"), *arguments],
            cwd=folder,
            env=environment_of(folder, environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def environment_of(folder: Path, own: dict[str, str] | None = None) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SIZEWISE_", "MLFLOW_", "HYDRA_"))
    }
    own = {"SIZEWISE_DATA": str(folder / "data")} | shared | (own or {})
    if "PYTHONPATH" in own and "PYTHONPATH" in kept:
        own["PYTHONPATH"] += os.pathsep + kept["PYTHONPATH"]
    return kept | own


def client(folder: Path) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(f"sqlite:///{folder}/mlruns/mlflow.db")


def wait_until(happened: Callable[[], bool], seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it has not happened"
        time.sleep(0.02)


def kill(process_id: int) -> None:
    """End a process as the kernel does when memory runs out."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_id, signal.SIGKILL)


def children(process_id: int) -> list[int]:
    """Return the ids of a process's children."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == process_id:
                found.append(int(stat.parent.name))
    return found


def descendants(process_id: int) -> list[int]:
    """Return the ids of a process's children, and of theirs."""
    found = children(process_id)
    return [*found, *(each for child in found for each in descendants(child))]


def workers(process_id: int) -> list[int]:
    """Return the ids of the workers of a sweep's parent process: its fork server's children."""
    return [worker for server in fork_servers(process_id) for worker in children(server)]


def fork_servers(process_id: int) -> list[int]:
    return [
        child
        for child in children(process_id)
        if b"multiprocessing.forkserver" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


class Server:
    """An MLflow server over an SQLite file in `folder`, on a free port of this machine."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self._port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return when it answers."""
        command = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
        command += ["--backend-store-uri", f"sqlite:///{self._folder}/server.db"]
        command += ["--artifacts-destination", str(self._folder / "server-artifacts")]
        command += ["--host", "127.0.0.1", "--port", str(self._port)]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._answers)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{self.uri}/health", timeout=1).close()
            return True
        return False

    def kill(self) -> None:
        """Kill it with all its processes."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
