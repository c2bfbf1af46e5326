"""Peak memory of `sizewise predict` on 100 and on 100,000 inputs, as PNG, CSV and npz.

    python benchmarks/predict_memory.py RUN --uri sqlite:///mlruns/mlflow.db
    python benchmarks/predict_memory.py RUN --table FILE.csv --counts 1000 1000000

RUN is a run on grey images. The inputs are noise: what they are makes no difference. With --table
it is one on a table, and the inputs are the file's rows, over and over, as CSV and Parquet.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

SIDE = 28
DISTINCT = 1000  # images; more of a folder's files are links to them


class Measured(NamedTuple):
    """Peak resident memory, MB of 10^6 bytes, and seconds, start included."""

    megabytes: float
    seconds: float


def make_inputs(kind: str, count: int, folder: Path) -> Path:
    """Write `count` noisy images as `kind`, and return what to name on the command line."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (min(count, DISTINCT), SIDE, SIDE), dtype=np.uint8)
    if kind == "npz":
        path = folder / f"{count}.npz"
        np.savez_compressed(path, inputs=np.resize(images, (count, SIDE, SIDE)))
        return path
    if kind == "csv":
        path = folder / f"{count}.csv"
        lines = [",".join(map(str, image.ravel())) + "\n" for image in images]
        with path.open("w") as file:
            file.writelines(lines[index % DISTINCT] for index in range(count))
        return path
    path = folder / f"{count}-png"
    path.mkdir()
    for index in range(count):
        name = path / f"{index:06d}.png"
        if index < DISTINCT:
            Image.fromarray(images[index]).save(name)
        else:
            os.link(path / f"{index % DISTINCT:06d}.png", name)
    return path


def make_table(kind: str, count: int, folder: Path, table: pd.DataFrame) -> Path:
    """Write `count` rows of a table over and over, and return the file."""
    path = folder / f"{count}.{kind}"
    rows = table.iloc[np.arange(count) % len(table)]
    if kind == "csv":
        rows.to_csv(path, index=False)
    else:
        rows.to_parquet(path, index=False)
    return path


def measure(run: str, uri: str, inputs: Path, output: Path) -> Measured:
    """Predict in a process of its own."""
    command = [sys.executable, "-m", "sizewise", "predict", run, str(inputs), "--uri", uri]
    started = time.perf_counter()
    with subprocess.Popen([*command, "--output", str(output)], stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(said)
    return Measured(usage.ru_maxrss * 1024 / 1e6, time.perf_counter() - started)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--uri", default="sqlite:///mlruns/mlflow.db")
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 100_000])
    parser.add_argument("--table", type=Path, metavar="FILE.csv")
    arguments = parser.parse_args()
    table = arguments.table and pd.read_csv(arguments.table)
    print("| inputs | as | peak memory | time |\n|---|---|---|---|")
    for kind in ("png", "csv", "npz") if table is None else ("csv", "parquet"):
        for count in arguments.counts:
            with tempfile.TemporaryDirectory() as folder:
                if table is None:
                    inputs = make_inputs(kind, count, Path(folder))
                else:
                    inputs = make_table(kind, count, Path(folder), table)
                found = measure(arguments.run, arguments.uri, inputs, Path(folder, "out.csv"))
            print(f"| {count:,} | {kind} | {found.megabytes:.0f} MB | {found.seconds:.0f} s |")


if __name__ == "__main__":
    main()
