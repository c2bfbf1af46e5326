"""How long does a finished sweep of 1,000 runs take to decide that nothing is left to do?

    python -m benchmarks.skip

The store is filled with 1,000 finished runs that have the sweep's keys and the record of one run
that was trained. The sweep is started as a user would, twice, and the second time is measured until
it says what is to run.
The limit is 8 s, the imports included, which are timed beside it.
"""

import dataclasses
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from sizewise.config import TrackingConfig
from sizewise.config.as_train import composed_as_typed
from sizewise.config.compose import Grid
from sizewise.records import RunRecord, read_records, write_records
from sizewise.sweep.plan import plan_sweep
from sizewise.tracking.store import open_store
from tests.processes import ROOT, environment_of, train

SIZES = ",".join(str(size) for size in range(500, 10_500, 500))
RATES = "0.001,0.002,0.005,0.01,0.02"
GRID = ("model=cnn", f"size={SIZES}", "seed=range(10)", f"training.learning_rate={RATES}")
RUNS = 1000
IMPORTS = "import sizewise.sweep.parent"


def main() -> None:
    """Fill a store, time the sweep, and print what it took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train(folder, "model=cnn", "size=500", "training.epochs=1", "hydra.run.dir=one")
        _fill(folder, read_records(folder / "one/record.jsonl")[0])
        imports = _seconds(folder, "-c", IMPORTS, until="")
        sweep = (str(ROOT / "train.py"), "-m", *GRID)
        _seconds(folder, *sweep, until=f"{RUNS} done, 0")  # makes the runs its members
        decided = _seconds(folder, *sweep, until=f"{RUNS} done, 0")
    print(f"{RUNS} runs: {decided - imports:.1f} s to decide, after {imports:.1f} s of imports")
    sys.exit(decided > 8)


def _fill(folder: Path, record: RunRecord) -> None:
    """Put a finished run into the store for each run of the sweep."""
    with composed_as_typed(
        [*GRID, f"data.root={folder}/data"], ROOT / "conf", multirun=True
    ) as composed:
        planned = plan_sweep(Grid(composed))
    assert planned is not None
    assert len(planned) == RUNS
    uri = f"sqlite:///{folder}/mlruns/mlflow.db"
    store = open_store(TrackingConfig(uri=uri, experiment="sizewise", artifacts=None))
    for each in planned.values():
        identity = each.identity
        tags = {"run_key": identity.key}
        run = store.client.create_run(store.experiment_id, run_name=identity.name, tags=tags)
        artifacts = Path(urlsplit(run.info.artifact_uri).path)
        artifacts.mkdir(parents=True)
        own = dataclasses.replace(record, run_id=run.info.run_id, run_key=identity.key)
        write_records(artifacts / "record.jsonl", [own])
        store.client.set_terminated(run.info.run_id)


def _seconds(folder: Path, *arguments: str, until: str) -> float:
    """Return the seconds until a Python process has printed `until`, or has ended."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment_of(folder),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if until and until in line:
            break
    else:
        process.wait()
    seconds = time.perf_counter() - started
    process.kill()
    process.wait()
    return seconds


if __name__ == "__main__":
    main()
