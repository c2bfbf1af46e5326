"""How many threads should a training have, and how long should a waiting one spin?

    python -m benchmarks.threads

Networks of each family at four widths are trained on noise in MNIST-1D's form, in batches of 100,
by the training loop itself: on one thread and on two, alone and two at once, with OpenMP's own spin
count and sizewise's (`GOMP_SPINCOUNT`, which OpenMP reads as PyTorch is loaded: hence a pair of
processes for each, new in each round: the system places a process's threads well or badly for its
whole life). In each round every cell is measured for half a second, in random order; ratios are
taken within a round, since other work on the machine changes from round to round. It needs a quiet
machine with two cores, and takes about 9 minutes.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

# This imports PyTorch, and so before sizewise sets a spin count where a trainer is to have none.
from benchmarks.results import ratio, setting, table, verdict, write_section
from sizewise.threads import SPINS, threads_for

SECONDS = 0.5
BATCH_SIZE = 100
SAMPLES = 500  # an epoch's
WIDTHS = {
    "cnn": (4, 16, 32, 64),
    "lstm": (16, 32, 64, 128),
    "attention": (16, 32, 64, 128),
}
DEPTHS = {"cnn": None, "lstm": 2, "attention": None}
OWN = None  # OpenMP's own spin count, 300,000
COUNTS = (OWN, SPINS)
TARGETS = {("lstm", 128): 0.3, ("cnn", 4): 0.9}  # of two at once, over one thread alone
ALONE = 0.95  # the target alone, over all cores and OpenMP's own spin count


class Cell(NamedTuple):
    """What is measured: a network, its threads, how many train at once, and the spin count."""

    family: str
    width: int
    threads: int
    at_once: int
    spins: int | None


class Trainer:
    """A process that trains what it is told to."""

    def __init__(self, spins: int | None) -> None:
        own = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS")
        environment = {name: value for name, value in os.environ.items() if name not in own}
        if spins is not None:
            environment["GOMP_SPINCOUNT"] = str(spins)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.threads", "--train"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, cell: Cell, until: float) -> None:
        """Have it train until that time."""
        assert self._process.stdin is not None
        print(json.dumps([*cell[:3], until]), file=self._process.stdin, flush=True)

    def rate(self) -> float:
        """Wait for the samples a second that came of it."""
        assert self._process.stdout is not None
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


class _TimeIsUpError(Exception):
    pass


def train() -> None:
    """Train what each line of the input says until its time, and print the samples a second."""
    import torch

    from benchmarks.configs import config_of
    from sizewise.models import Architecture, build
    from sizewise.training.loop import fit

    torch.set_flush_denormal(True)  # as a run does
    config = config_of("training.epochs=1000000", "training.schedule=constant").training
    dataset = _noise()
    for line in sys.stdin:
        family, width, threads, until = json.loads(line)
        torch.set_num_threads(threads)
        model = build(dataset.spec, Architecture(family, width, DEPTHS[family]))
        rates: list[float] = []

        def log(_: int, metrics: dict[str, float]) -> None:
            rates.append(metrics["samples_per_second"])  # noqa: B023
            if time.time() > until:  # noqa: B023
                raise _TimeIsUpError

        with suppress(_TimeIsUpError):
            fit(model, dataset, config, seed=0, log=log)
        warm = rates[1:] or rates
        print(len(warm) / sum(1 / rate for rate in warm), flush=True)


def _noise() -> Any:
    import torch

    from sizewise.data import Dataset, DataSpec, Normalisation, Split

    spec = DataSpec("noise", (1, 40), tuple("0123456789"))
    generator = torch.Generator().manual_seed(0)

    def split(samples: int) -> Split:
        inputs = torch.randn(samples, *spec.input_shape, generator=generator)
        return Split(inputs, torch.randint(10, (samples,), generator=generator))

    few = split(BATCH_SIZE)
    return Dataset(spec, split(SAMPLES), few, few, Normalisation([], []), "noise")


@contextmanager
def _started() -> Iterator[dict[int | None, tuple[Trainer, Trainer]]]:
    trainers = {spins: (Trainer(spins), Trainer(spins)) for spins in COUNTS}
    try:
        yield trainers
    finally:
        for pair in trainers.values():
            for each in pair:
                each.close()


def _cells() -> list[Cell]:
    networks = [(family, width) for family, widths in WIDTHS.items() for width in widths]
    kinds = [(1, OWN), *((2, spins) for spins in COUNTS)]
    return [
        Cell(*network, threads, at_once, spins)
        for network in networks
        for threads, spins in kinds
        for at_once in (1, 2)
    ]


def main() -> None:
    """Measure in rounds, and write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--train", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        train()
        return
    rounds, cells = arguments.rounds, _cells()
    rates: Rates = defaultdict(list)
    for number in range(rounds):
        with _started() as trainers:
            for spins in COUNTS:
                _rate(trainers, Cell("lstm", 16, 2, 2, spins))  # imports, and a first training
            for cell in random.Random(number).sample(cells, len(cells)):
                rates[cell].append(_rate(trainers, cell))
        print(f"round {number + 1} of {rounds}", flush=True)
    write_section(
        "Threads",
        f"Medians of {rounds} rounds. {setting(f'python -m benchmarks.threads --rounds {rounds}')} "
        f"When it began, {os.getloadavg()[0]:.1f} processes were at work. What a run is given, "
        "median [range] within a round:",
        _given(rates),
    )


Rates = dict[Cell, list[float]]


def _rate(trainers: dict[int | None, tuple[Trainer, Trainer]], cell: Cell) -> float:
    """Return the mean rate of those that train at once."""
    used = trainers[cell.spins][: cell.at_once]
    until = time.time() + SECONDS
    for each in used:
        each.start(cell, until)
    return sum(each.rate() for each in used) / len(used)


def _networks() -> dict[tuple[str, int], int]:
    """Return the networks with the FLOPs of a training step, by these."""
    from sizewise.flops import flops_of_step
    from sizewise.models import Architecture, build

    spec = _noise().spec
    flops = {
        (family, width): flops_of_step(
            build(spec, Architecture(family, width, DEPTHS[family])), spec, BATCH_SIZE
        )
        for family, widths in WIDTHS.items()
        for width in widths
    }
    return dict(sorted(((each, known or 0) for each, known in flops.items()), key=lambda x: x[1]))


def _over(rates: Rates, cell: Cell, other: Cell) -> list[tuple[float, float]]:
    return list(zip(rates[cell], rates[other], strict=True))


def _given(rates: Rates) -> str:
    rows = []
    for (family, width), flops in _networks().items():
        threads = threads_for(flops, 2)
        spins = OWN if threads == 1 else SPINS
        alone, before = (Cell(family, width, 1, 1, OWN), Cell(family, width, 2, 1, OWN))
        middle, words = ratio(_over(rates, Cell(family, width, threads, 1, spins), before))
        both, at_once = ratio(_over(rates, Cell(family, width, threads, 2, spins), alone))
        once = ratio(_over(rates, Cell(family, width, 2, 2, OWN), alone))[1]
        if target := TARGETS.get((family, width)):
            at_once += f", {target} {verdict(both >= target)}"
        rows.append(
            [
                *(f"{family} {width}", str(threads)),
                *(f"{words}, {ALONE} {verdict(middle >= ALONE)}", at_once, once),
            ]
        )
    own = "two threads that spin as OpenMP has it"
    head = [
        "",
        "threads",
        f"alone, over {own}",
        "two at once, over one thread alone",
        f"with {own}",
    ]
    return table(head, rows)


if __name__ == "__main__":
    main()
