"""How long do twelve small runs take as a sweep, beside a script that trains them one by one?

    python -m benchmarks.sweep_speed

Three networks of about 1,000 parameters, four seeds each, on MNIST-1D. In each round, in random
order: the sweep with everything on (store, checkpoints, costs, report), the script started for each
run, and the script started once for all. The store is there from a sweep before.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.configs import config_of
from benchmarks.results import ratio, setting, table, verdict, write_section
from sizewise.data import DataSpec, load
from sizewise.models import Architecture
from sizewise.sizing import solve_width

ROOT = Path(__file__).parents[1]
FAMILIES = {"cnn": None, "lstm": 2, "attention": None}  # with their depth
SIZE, SEEDS = 1000, 4
SWEEP, EACH, ONE = "sizewise sweep", "script, a process for each", "script, one process"
TARGETS = {EACH: 0.35, ONE: 0.6}  # the sweep's time over the other's, at most


def main() -> None:
    """Measure in rounds, and write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    seconds: dict[str, list[float]] = {name: [] for name in (SWEEP, EACH, ONE)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = _make_data(folder / "data")
        _sweep(folder, 0)
        for number in range(1, rounds + 1):
            for name in random.Random(number).sample(list(seconds), len(seconds)):
                started = time.perf_counter()
                _train(name, folder, data, number)
                seconds[name].append(time.perf_counter() - started)
                print(f"round {number}, {name}: {seconds[name][-1]:.1f} s", flush=True)
    write_section(
        "A sweep beside a script",
        f"Twelve runs: three networks of about {SIZE:,} parameters, {SEEDS} seeds each, on "
        f"MNIST-1D. {setting(f'python -m benchmarks.sweep_speed --rounds {rounds}')}",
        _table(seconds),
    )


def _train(contender: str, folder: Path, data: Path, number: int) -> None:
    if contender == SWEEP:
        _sweep(folder, number)
    elif contender == ONE:
        _script(data, *_runs(number))
    else:
        for run in _runs(number):
            _script(data, run)


def _table(seconds: dict[str, list[float]]) -> str:
    rows = []
    for name, spent in seconds.items():
        row = [name, f"{sorted(spent)[len(spent) // 2]:.1f} s", "", ""]
        if name in TARGETS:
            middle, row[2] = ratio(list(zip(seconds[SWEEP], spent, strict=True)))
            row[3] = f"{TARGETS[name]} {verdict(middle <= TARGETS[name])}"
        rows.append(row)
    return table(["", "median", "the sweep's time over it", "target"], rows)


def _make_data(root: Path) -> Path:
    """Generate MNIST-1D into `root` and return its file."""
    load(config_of(f"data.root={root}").data, 0)
    (path,) = root.rglob("*.npz")
    return path


def _seeds(number: int) -> list[int]:
    return list(range(number * SEEDS, (number + 1) * SEEDS))


def _runs(number: int) -> list[str]:
    spec = DataSpec("mnist1d", (1, 40), tuple("0123456789"))
    widths = {
        family: solve_width(SIZE, spec, Architecture(family, depth=depth))
        for family, depth in FAMILIES.items()
    }
    return [
        f"{family}:{widths[family]}:{depth or ''}:{seed}"
        for family, depth in FAMILIES.items()
        for seed in _seeds(number)
    ]


def _sweep(folder: Path, number: int) -> None:
    seeds = ",".join(map(str, _seeds(number)))
    arguments = [f"model={','.join(FAMILIES)}", f"size={SIZE}", f"seed={seeds}"]
    _run(folder, str(ROOT / "train.py"), "-m", *arguments, SIZEWISE_DATA=str(folder / "data"))


def _script(data: Path, *runs: str) -> None:
    _run(ROOT, "-m", "benchmarks.peers.script", str(data), *runs)


def _run(folder: Path, *arguments: str, **environment: str) -> None:
    subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main()
