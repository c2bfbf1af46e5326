"""Does a sweep give the same table whichever launcher runs it?

    python -m benchmarks.launchers

12 short runs by Hydra's basic launcher, by our workers, by submitit's local executor and by a Ray
cluster of two nodes on this machine (extras ray and slurm). Exits with 1 if a value differs.
"""

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.stores import stored_runs, table
from tests.processes import train
from tests.ray_cluster import ray_cluster

SWEEP = (
    *("-m", "model=cnn,lstm,attention", "size=300,600", "seed=0,1", "threads=1"),
    *("data.num_samples=1000", "training.epochs=3"),
)


def main() -> None:
    """Run the sweep four times, each into a store of its own, and compare."""
    tables = {}
    with tempfile.TemporaryDirectory() as name:
        for launcher in ("basic", "pool", "submitit_local"):
            tables[launcher] = _sweep(Path(name) / launcher, launcher)
        with ray_cluster() as environment:
            tables["ray"] = _sweep(Path(name) / "ray", "ray", **environment)
    reference = tables["basic"]
    for launcher, found in tables.items():
        different = sum(found.get(key) != value for key, value in reference.items())
        extra = len(found.keys() - reference.keys())
        print(f"{launcher}: {len(reference)} values, {different} differ, {extra} more")
    sys.exit(any(found != reference for found in tables.values()))


def _sweep(
    folder: Path, launcher: str, **environment: str
) -> dict[tuple[str, str, int], list[float]]:
    folder.mkdir()
    started = time.perf_counter()
    done = train(folder, *SWEEP, f"hydra/launcher={launcher}", **environment)
    done.check_returncode()
    print(f"{launcher}: {time.perf_counter() - started:.0f} s", flush=True)
    return table(stored_runs(f"sqlite:///{folder}/mlruns/mlflow.db"))


if __name__ == "__main__":
    main()
