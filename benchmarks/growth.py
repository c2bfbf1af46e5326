"""Does an epoch's time grow in step with the samples, and does a large set fit in memory once?

    python -m benchmarks.growth --root FOLDER

Trains the CNN of about 800 parameters on generated MNIST-1D of 10,000, 100,000 and 1,000,000
sequences, as `python train.py` does, with evaluation and a checkpoint after each epoch. In each
round each size is trained for about as long, in random order. The sets are generated into FOLDER
at first, which takes eight minutes.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch

from benchmarks.configs import config_of
from benchmarks.results import setting, table, verdict, write_section
from sizewise.config import Config
from sizewise.cost import peak_memory_mb, reset_peak_memory
from sizewise.data import Dataset, load
from sizewise.models import Architecture, build
from sizewise.training.checkpoint import Checkpoint
from sizewise.training.loop import fit

EPOCHS = {10_000: 30, 100_000: 5, 1_000_000: 1}  # in a round
WIDTH = 4
MOST_OFF, MOST_TIMES = 0.05, 1.5
CPU = torch.device("cpu")


def main() -> None:
    """Measure time in rounds and memory in processes of their own; write RESULTS.md's section."""
    parser = argparse.ArgumentParser(description=__doc__)
    root = os.environ.get("SIZEWISE_DATA", "data")
    parser.add_argument("--root", default=root, help="where the sets are, or will be")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for samples in EPOCHS:
        load(_config(arguments.root, samples, 1).data, 0)  # generates it
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as fresh:
        memory = {n: fresh.submit(_memory, arguments.root, n).result() for n in EPOCHS}
    seconds = _measure(arguments.root, arguments.rounds)
    command = f"python -m benchmarks.growth --rounds {arguments.rounds}"
    write_section(
        "Growth with the samples",
        f"{arguments.rounds} rounds. {setting(command)}",
        _table(seconds, memory),
        "Training samples are 72 % of the set, validation 8 %. Off the line: the lowest time per "
        "sample against the largest set's; what else a shared machine does only adds to it. Memory "
        "is what the process took while it loaded the generated set, at the peak, over the bytes "
        "of its inputs and targets.",
    )


def _measure(root: str, rounds: int) -> dict[int, list[float]]:
    """Return the seconds of an epoch by the set's size, one for each round."""
    datasets = {samples: load(_config(root, samples, 1).data, 0) for samples in EPOCHS}
    seconds: dict[int, list[float]] = {samples: [] for samples in EPOCHS}
    for number in range(rounds + 1):
        for samples in random.Random(number).sample(list(EPOCHS), len(EPOCHS)):
            spent = _epoch(datasets[samples], _config(root, samples, EPOCHS[samples]))
            print(f"{samples}: {spent:.2f} s an epoch", flush=True)
            if number:
                seconds[samples].append(spent)
    return seconds


def _epoch(dataset: Dataset, config: Config) -> float:
    torch.manual_seed(0)
    model = build(dataset.spec, Architecture("cnn", WIDTH, None))
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder) / "checkpoint.pt", "key", 5, lambda: False)
        started = time.perf_counter()
        fit(model, dataset, config.training, seed=0, log=lambda *_: None, checkpoint=checkpoint)
        return (time.perf_counter() - started) / config.training.epochs


def _memory(root: str, samples: int) -> tuple[float, float]:
    """Return the megabytes that loading takes at its peak, and those of the set."""
    config = _config(root, samples, 1)
    load(_config(root, min(EPOCHS), 1).data, 0)  # what the first set takes once
    reset_peak_memory(CPU)
    before = peak_memory_mb(CPU)
    dataset = load(config.data, 0)
    peak = peak_memory_mb(CPU) - before
    splits = (dataset.train, dataset.validation, dataset.test)
    batches = [split.batch(slice(0, len(split))) for split in splits]
    return peak, sum(each.inputs.nbytes + each.targets.nbytes for each in batches) / 1e6


def _config(root: str, samples: int, epochs: int) -> Config:
    data = (f"data.root={Path(root).resolve()}", f"data.num_samples={samples}")
    return config_of(*data, f"training.epochs={epochs}")


def _table(seconds: dict[int, list[float]], memory: dict[int, tuple[float, float]]) -> str:
    line = min(seconds[max(EPOCHS)]) / max(EPOCHS)
    rows = []
    for samples, spent in seconds.items():
        off = min(spent) / samples / line - 1
        peak, own = memory[samples]
        time_cell = f"{off:+.1%}, {verdict(abs(off) <= MOST_OFF)}"
        memory_cell = f"{peak:.0f} MB / {own:.0f} MB = {peak / own:.2f}"
        if samples == max(EPOCHS):
            time_cell = "the line"
            memory_cell += f", {verdict(peak / own <= MOST_TIMES)}"
        spread = f"{min(spent):.2f} s, {statistics.median(spent):.2f}, {max(spent):.2f}"
        rows.append([f"{samples:,}", spread, time_cell, memory_cell])
    head = [
        "sequences",
        "an epoch: lowest, median, highest",
        f"off the line (at most {MOST_OFF:.0%})",
    ]
    return table([*head, f"memory (at most {MOST_TIMES} for the largest)"], rows)


if __name__ == "__main__":
    main()
