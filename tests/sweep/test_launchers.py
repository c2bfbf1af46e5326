"""The same sweep on the engines that scale out, for real on this machine."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import client, train, wait_until

pytestmark = pytest.mark.slow
RAY = str(Path(sys.executable).with_name("ray"))

SWEEP = ("-m", "model=cnn", "size=300", "seed=0,1", "data.num_samples=500", "training.epochs=2")
HERE = (*SWEEP, "threads=1", "hydra.sweep.dir=sweep")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What the runs give one after the other in one process."""
    return sweep(tmp_path_factory.mktemp("basic"), "basic")


def sweep(folder: Path, launcher: str, *more: str, **environment: str) -> list[Any]:
    done = train(folder, *HERE, f"hydra/launcher={launcher}", *more, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "UserWarning" not in done.stderr
    statuses = [run.info.status for run in client(folder).search_runs(["1"])]
    assert statuses == ["FINISHED"] * 3
    records = [json.loads((folder / f"sweep/{job}/record.jsonl").read_text()) for job in (0, 1)]
    assert [record["config"]["threads"] for record in records] == [1, 1]
    return [
        [
            {name: epoch[name] for name in ("train/loss", "val/loss", "grad_norm")}
            for epoch in record["history"]
        ]
        + [record["metrics"]["test/loss"], record["run_key"]]
        for record in records
    ]


def test_submitit_gives_the_same(tmp_path: Path, expected: list[Any]) -> None:
    assert sweep(tmp_path, "submitit_local") == expected


@pytest.fixture
def ray_cluster() -> Iterator[str]:
    """A Ray cluster of two nodes with a core each on this machine, and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"127.0.0.1:{port}"
    head = ("--head", f"--port={port}", "--include-dashboard=false", "--disable-usage-stats")
    nodes = []
    try:
        for role in (head, (f"--address={address}",)):
            command = [RAY, "start", "--num-cpus=1", "--block", *role]
            nodes.append(
                subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
            )
            wait_until(lambda: cores(address) == len(nodes))
        yield address
    finally:
        for node in reversed(nodes):
            node.terminate()
            node.wait(60)


def cores(address: str) -> int:
    """Return how many the cluster has; 0 before it answers."""
    status = subprocess.run([RAY, "status", f"--address={address}"], capture_output=True, text=True)
    found = re.search(r"/([0-9]+)\.0 CPU", status.stdout)
    return int(found[1]) if found else 0


def test_ray_gives_the_same_on_two_nodes(
    tmp_path: Path, expected: list[Any], ray_cluster: str
) -> None:
    assert sweep(tmp_path, "ray", RAY_ADDRESS=ray_cluster) == expected
