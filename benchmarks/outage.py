"""What does it cost a run that its MLflow server is away for a minute?

    python -m benchmarks.outage --seconds 60

Two equal runs train at the same time, each logging to a server of its own, at a pace that a sleep
sets. One of the servers is killed when its run has begun, and started again after that long. Exits
with 1 if a point is missing or doubled, or the run took over 2 s longer than the other.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.stores import stored_runs
from tests.processes import Server, start, wait_until
from tests.test_interruption import NETWORK, SLOW

RUN = (*NETWORK, "data.num_samples=600", "tracking=server", "hydra.run.dir=run")
SECONDS_PER_EPOCH = 0.12
SLACK_SECONDS = 2.0


def main() -> None:
    """Train both, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    epochs = int((arguments.seconds + 40) / SECONDS_PER_EPOCH)
    with (
        tempfile.TemporaryDirectory() as name,
        _server(Path(name), "steady") as steady,
        _server(Path(name), "disturbed") as disturbed,
    ):
        processes = [
            start(
                folder,
                *RUN,
                f"training.epochs={epochs}",
                log=folder / "log",
                PYTHONPATH=str(folder),
                MLFLOW_TRACKING_URI=server.uri,
            )
            for folder, server in (steady, disturbed)
        ]
        journal = disturbed[0] / "run/metrics.jsonl"
        wait_until(lambda: journal.exists() and len(journal.read_text().splitlines()) > 20)
        disturbed[1].kill()
        time.sleep(arguments.seconds)
        disturbed[1].start()
        codes = [process.wait(600) for process in processes]
        ok = _compare(steady, disturbed, codes, epochs)
    sys.exit(not ok)


@contextmanager
def _server(folder: Path, name: str) -> Iterator[tuple[Path, Server]]:
    own = folder / name
    own.mkdir()
    (own / "slow.py").write_text(SLOW)
    server = Server(own)
    server.start()
    try:
        yield own, server
    finally:
        server.kill()


def _compare(
    steady: tuple[Path, Server], disturbed: tuple[Path, Server], codes: list[int], epochs: int
) -> bool:
    missing = doubled = 0
    ((_, (one,)),) = stored_runs(steady[1].uri).items()
    ((_, (other,)),) = stored_runs(disturbed[1].uri).items()
    missing = len(one.points.keys() - other.points.keys())
    doubled = sum(len(values) - 1 for values in other.points.values())
    spans = [_span(folder / "run") for folder, _ in (steady, disturbed)]
    longer = spans[1] - spans[0]
    print(
        f"{epochs} epochs, {len(other.points)} points, {other.status}: {missing} missing, "
        f"{doubled} doubled; {spans[1]:.1f} s from the first epoch to the end, {longer:+.1f} s "
        "beside an undisturbed run at the same time"
    )
    return codes == [0, 0] and not (missing or doubled) and longer <= SLACK_SECONDS


def _span(folder: Path) -> float:
    """Return the seconds from the run's first epoch to its last file."""
    first = json.loads((folder / "metrics.jsonl").read_text().splitlines()[0])
    return (folder / "confusion.csv").stat().st_mtime - float(first["timestamp"]) / 1000


if __name__ == "__main__":
    main()
