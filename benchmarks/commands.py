"""Programs of sizewise, run as a user does, in a folder and a store of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sizewise.tracking.store import Store, open_existing
from tests.processes import environment_of

STOPPING = 60.0  # seconds that a program has to keep what it was at
PRINTED, STORE = "output.txt", "mlruns/mlflow.db"


def start(folder: Path, data: Path, typed: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Start Python in `folder`, in a process group of its own; what it prints is kept there.

    Images are decoded anew in each folder, as a user's are the first time.
    """
    own = {"SIZEWISE_DATA": str(data), "XDG_CACHE_HOME": str(folder / "cache")}
    with (folder / PRINTED).open("ab") as output:
        return subprocess.Popen(
            [sys.executable, *typed],
            cwd=folder,
            env=environment_of(folder, own),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def run(folder: Path, data: Path, typed: Sequence[str], most: float) -> tuple[int, float]:
    """Run a program to its end, or stop it as Ctrl-C does; return its code and its seconds."""
    started = time.monotonic()
    process = start(folder, data, typed)
    try:
        process.wait(most)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOPPING)
    finally:
        seconds = time.monotonic() - started
        kill_group(process)
    return process.wait(), seconds


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process with all that it has started, as the kernel does."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def printed(folder: Path) -> list[str]:
    """Return the lines that programs have printed in `folder`."""
    return (folder / PRINTED).read_text(errors="replace").splitlines()


def uri_of(folder: Path) -> str:
    """Return where the store is that a program makes in `folder`."""
    return f"sqlite:///{folder}/{STORE}"


def has_store(folder: Path) -> bool:
    """Whether a program has come so far as to make it."""
    return (folder / STORE).exists()


def store_of(folder: Path) -> Store:
    """Return that store."""
    return open_existing(uri_of(folder), "sizewise")
