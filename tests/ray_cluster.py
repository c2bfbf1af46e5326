"""A Ray cluster of two nodes on this machine."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.processes import wait_until

RAY = str(Path(sys.executable).with_name("ray"))
SECONDS = 180
ALONE = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}


@contextmanager
def ray_cluster() -> Iterator[dict[str, str]]:
    """Start two nodes with a core each, and yield the environment for a program that uses them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"127.0.0.1:{port}"
    head = ("--head", f"--port={port}", "--include-dashboard=false", "--disable-usage-stats")
    nodes: list[subprocess.Popen[bytes]] = []
    try:
        for role in (head, (f"--address={address}",)):
            command = [RAY, "start", "--num-cpus=1", "--block", *role]
            nodes.append(
                subprocess.Popen(
                    command,
                    env=os.environ | ALONE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.STDOUT,
                )
            )
            wait_until(lambda: _cores(address) == len(nodes), SECONDS)
        yield ALONE | {"RAY_ADDRESS": address}
    finally:
        for node in reversed(nodes):
            node.terminate()
            node.wait(60)


def _cores(address: str) -> int:
    """Return how many the cluster has; 0 before it answers."""
    command = [RAY, "status", f"--address={address}"]
    status = subprocess.run(command, env=os.environ | ALONE, capture_output=True, text=True)
    found = re.search(r"/([0-9]+)\.0 CPU", status.stdout)
    return int(found[1]) if found else 0
