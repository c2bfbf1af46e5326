"""What the benchmarks of sweeps share: commands, an MLflow server to start and kill, and tables."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import mlflow

ROOT = Path(__file__).parents[1]
# These a clock measures, or they are sampled from the machine: they differ from run to run.
MEASURED = (
    *("samples_per_second", "cost/train_seconds", "cost/peak_memory_mb"),
    *("cost/latency_ms_p50", "cost/latency_ms_p95", "cost/throughput"),
)
Points = dict[tuple[str, int], list[float]]


def start(
    folder: Path, *overrides: str, log: Path | None = None, **environment: str
) -> "subprocess.Popen[bytes]":
    """Start train.py in `folder`, its output going to `log`."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "HYDRA_"))}
    with (log or Path(os.devnull)).open("ab") as output:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "train.py"), *overrides],
            cwd=folder,
            env=inherited | {"SIZEWISE_DATA": str(folder / "data")} | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


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
        for _ in range(600):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.uri}/health", timeout=1).close()
                return
            time.sleep(0.1)
        raise TimeoutError(f"no answer from {self.uri}: see {self._folder}/server.log")

    def kill(self) -> None:
        """Kill it with all its processes."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Stored(NamedTuple):
    """A run as a store has it; `points` holds all values logged by (metric, step)."""

    run_id: str
    name: str
    status: str
    points: Points


def stored_runs(uri: str) -> Mapping[str, list[Stored]]:
    """Return the runs of a store, sweeps left out, by run key."""
    client = mlflow.MlflowClient(uri)
    found: dict[str, list[Stored]] = {}
    for run in client.search_runs(["1"], "tags.run_key LIKE '%'", max_results=5000):
        points: Points = {}
        for name in run.data.metrics:
            for point in client.get_metric_history(run.info.run_id, name):
                points.setdefault((name, point.step), []).append(point.value)
        stored = Stored(run.info.run_id, run.info.run_name, run.info.status, points)
        found.setdefault(run.data.tags["run_key"], []).append(stored)
    return found


def table(runs: Mapping[str, list[Stored]]) -> dict[tuple[str, str, int], list[float]]:
    """Return what was logged by (run key, metric, step), but for what a clock measured."""
    return {
        (key, metric, step): values
        for key, same in runs.items()
        for run in same
        for (metric, step), values in run.points.items()
        if metric not in MEASURED
    }
