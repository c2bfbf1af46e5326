"""Median latency at batch 1 over HTTP: `sizewise serve` against `mlflow models serve`.

    python benchmarks/serve_latency.py RUN --uri sqlite:///mlruns/mlflow.db

Both serve the same run on 127.0.0.1 and get the same sample, over one connection that is kept.
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

START_SECONDS = 120


class Measured(NamedTuple):
    """Milliseconds a request, and the probabilities of the first answer."""

    p50: float
    p95: float
    probabilities: list[float]


@contextmanager
def running(command: list[str], port: int, path: str) -> Iterator[None]:
    """Start a server, wait until it answers, and stop it in the end."""
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PATH": search},  # mlflow looks for uvicorn there
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", path)
                connection.getresponse().read()
                break
            except OSError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{' '.join(command)} does not answer") from error
                time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait()


def measure(port: int, path: str, inputs: list[object], requests: int) -> Measured:
    """Send the same request again and again, and time each from sending to the end of reading."""
    body = json.dumps({"inputs": inputs})
    headers = {"Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    milliseconds = []
    for _ in range(requests + 20):
        started = time.perf_counter()
        connection.request("POST", path, body, headers)
        answer = json.loads(connection.getresponse().read())
        milliseconds.append(1e3 * (time.perf_counter() - started))
    del milliseconds[:20]
    if "answers" in answer:
        probabilities = answer["answers"][0]["predictions"][0]["probabilities"]
    else:
        probabilities = answer["predictions"][0]
    p95 = statistics.quantiles(milliseconds, n=20)[-1]
    return Measured(statistics.median(milliseconds), p95, probabilities)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--uri", default="sqlite:///mlruns/mlflow.db")
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--port", type=int, default=8431, help="and the next one")
    arguments = parser.parse_args()
    own, mlflows = arguments.port, arguments.port + 1
    sizewise = [sys.executable, "-m", "sizewise"]
    store = ["--uri", arguments.uri]
    print("| server | median | 95th percentile |\n|---|---|---|")
    with running([*sizewise, "serve", arguments.run, "--port", str(own), *store], own, "/models"):
        connection = http.client.HTTPConnection("127.0.0.1", own)
        connection.request("GET", "/sample?index=0")
        inputs = json.loads(connection.getresponse().read())["inputs"]
        first = measure(own, "/predict", inputs, arguments.requests)
    print(f"| sizewise serve | {first.p50:.2f} ms | {first.p95:.2f} ms |")
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent, "model")
        export = ["export", arguments.run, "--format", "mlflow", "--to", str(folder), *store]
        subprocess.run([*sizewise, *export], check=True, stdout=subprocess.DEVNULL)
        serve = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(folder)]
        serve += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(mlflows)]
        with running(serve, mlflows, "/health"):
            second = measure(mlflows, "/invocations", inputs, arguments.requests)
    print(f"| mlflow models serve | {second.p50:.2f} ms | {second.p95:.2f} ms |")
    pairs = zip(first.probabilities, second.probabilities, strict=True)
    print(f"largest difference of probabilities: {max(abs(a - b) for a, b in pairs):.1e}")


if __name__ == "__main__":
    main()
