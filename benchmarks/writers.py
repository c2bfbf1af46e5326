"""Do parallel writers lose anything, and how long do they take?

    python -m benchmarks.writers                       8 writers × 10,000 points to each store
    python -m benchmarks.writers --stores sqlite

Each writer is a process with a run of its own, which it logs a metric to as fast as it can. The
stores are a new SQLite file and a PostgreSQL server started for it (apt-get install postgresql).
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from sizewise.config import TrackingConfig
from sizewise.tracking.lifecycle import start_run
from sizewise.tracking.store import Store, open_store
from tests.postgres import PostgreSQL

# Importing MLflow once for all of them; each opens the store for itself.
FORK = multiprocessing.get_context("fork")


STORES = ("sqlite", "postgresql")


class Written(NamedTuple):
    """What came of some writers: `complete` runs have each point once and in order."""

    seconds: float
    complete: int
    failed: int


def write(uri: str, folder: Path, writers: int, points: int) -> Written:
    """Have so many processes write so many points each, and read them back."""
    maker = FORK.Process(target=_open, args=(uri, folder))
    maker.start()
    maker.join()
    started = time.perf_counter()
    processes = [
        FORK.Process(target=_write, args=(uri, folder, f"writer-{number}", points))
        for number in range(writers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    seconds = time.perf_counter() - started

    store = _open(uri, folder)
    expected = [(step, step / 8) for step in range(points)]
    complete = 0
    for run in store.client.search_runs([store.experiment_id]):
        history = store.client.get_metric_history(run.info.run_id, "train/loss")
        written = [(point.step, point.value) for point in history]
        complete += run.info.status == "FINISHED" and written == expected
    return Written(seconds, complete, sum(process.exitcode != 0 for process in processes))


def _open(uri: str, folder: Path) -> Store:
    artifacts = str(folder / "artifacts")
    return open_store(TrackingConfig(uri=uri, experiment="sizewise", artifacts=artifacts))


def _write(uri: str, folder: Path, name: str, points: int) -> None:
    with start_run(_open(uri, folder), name, name, folder / name, {}) as tracker:
        for step in range(points):
            tracker.log(step, {"train/loss": step / 8})


def main() -> None:
    """Write to each store and print what came of it; exit with 1 if a point is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES)
    arguments = parser.parse_args()
    complete = True
    for kind in arguments.stores:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if kind == "sqlite":
                uri = f"sqlite:///{folder}/mlflow.db"
                written = write(uri, folder, arguments.writers, arguments.points)
            else:
                with PostgreSQL() as uri:
                    written = write(uri, folder, arguments.writers, arguments.points)
        complete &= written.complete == arguments.writers
        print(
            f"{kind}: {written.complete} of {arguments.writers} runs complete, "
            f"{arguments.points:,} points each, in {written.seconds:.1f} s; "
            f"{written.failed} writers failed"
        )
    sys.exit(not complete)


if __name__ == "__main__":
    main()
