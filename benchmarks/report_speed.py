"""How long does a report on 10,000 runs take, and how much memory?

    python benchmarks/report_speed.py

5 families × 40 sizes × 50 seeds, 25 epochs each, read from a runs.jsonl as `sizewise report` does.
The limits are 15 s and 1 GB.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from sizewise.records import RunRecord, write_records

FAMILIES = ("attention", "cnn", "gru", "lstm", "mlp")
SIZES = np.geomspace(500, 2_000_000, 40).astype(int)
SEEDS, EPOCHS = 50, 25
REPORT = """
import sys, time
started = time.perf_counter()
from pathlib import Path
from sizewise.records import read_records
from sizewise.report import write_report
write_report(read_records(Path(sys.argv[1])), Path(sys.argv[2]), name="speed")
print(f"{time.perf_counter() - started:.1f} s, imports and reading included")
"""


def main() -> None:
    """Write the runs, report on them in a process of its own, and print what it took."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.jsonl"
        write_records(
            path,
            (
                _record(family, 0.3 + 0.1 * index, int(size), seed, rng)
                for index, family in enumerate(FAMILIES)
                for size in SIZES
                for seed in range(SEEDS)
            ),
        )
        print(f"runs.jsonl: {path.stat().st_size / 1e6:.0f} MB")
        subprocess.run([sys.executable, "-c", REPORT, path, folder], check=True)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        page = (Path(folder) / "report.html").stat().st_size / 1e6
        print(f"{used.ru_utime + used.ru_stime:.1f} s of the processor, were it not shared")
        print(f"peak memory {used.ru_maxrss / 1e3:.0f} MB, report.html {page:.1f} MB")


def _record(
    family: str, exponent: float, size: int, seed: int, rng: np.random.Generator
) -> RunRecord:
    error = 0.04 + 0.5 * float((size / 500) ** -exponent) + 0.01 * rng.standard_normal()
    history = [
        {
            "train/loss": rng.random(),
            "train/accuracy": 1 - error * rng.random(),
            "learning_rate": rng.random(),
            "grad_norm": rng.random(),
            "val/loss": rng.random(),
            "val/accuracy": 1 - error - 0.5 * (1 - epoch / EPOCHS) + 0.01 * rng.standard_normal(),
            "samples_per_second": 1e4 * rng.random(),
        }
        for epoch in range(1, EPOCHS + 1)
    ]
    costs: dict[str, float] = {
        "parameters": size,
        "model_bytes": 4 * size,
        "flops_inference": 9 * size,
    }
    costs |= {"train_seconds": 2 + size / 1e4 * rng.uniform(0.9, 1.1)}
    costs |= {"latency_ms_p50": 0.2 + size / 1e5 * rng.uniform(0.9, 1.1)}
    settings = {f"training.key_{index}": index for index in range(20)}
    return RunRecord(
        run_id=rng.bytes(16).hex(),
        name=f"{family}-{size}-synthetic-s{seed}",
        run_key=rng.bytes(8).hex(),
        family=family,
        width=8,
        depth=None,
        size_asked=size,
        parameters=size,
        parameters_by_group={"all": size},
        data="synthetic",
        fingerprint=str(seed),
        seed=seed,
        best_epoch=EPOCHS,
        epochs=EPOCHS,
        steps=EPOCHS * 36,
        stopped_by=f"all {EPOCHS} epochs done",
        metrics={"test/accuracy": 1 - error} | {f"cost/{key}": v for key, v in costs.items()},
        history=history,
        config={
            "model.family": family,
            "data.name": "synthetic",
            "size": size,
            "seed": seed,
            **settings,
        },
        folder=f"multirun/{family}-{size}-{seed}",
        git_commit=None,
    )


if __name__ == "__main__":
    main()
