"""How many threads should a training have, and how long should a waiting one spin?

    python -m benchmarks.threads

Networks of each family at four widths are trained on noise in MNIST-1D's form, in batches of 100,
by the training loop itself: alone, on one thread and on two; and two at once, as two commands are
given threads that are typed one after the other, and on two threads each. Spin counts are OpenMP's
own and sizewise's (`GOMP_SPINCOUNT`, which OpenMP reads as PyTorch is loaded: hence processes for
each, new in each round: the system places a process's threads well or badly for its whole life). In
each round every cell is measured for half a second, in random order; ratios are taken within a
round, since other work on the machine changes from round to round. It needs a quiet machine with
two cores, and takes about 4 minutes.
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
TARGETS = {("lstm", 128): 0.3, ("cnn", 4): 0.9}  # the mean of two at once, over one thread alone
ALONE = 0.95  # the target alone, over all cores
ONE, TWO = ((1, OWN),), ((2, OWN),)  # threads and spin count of a training that is alone


class Cell(NamedTuple):
    """What is measured: a network, and of each that trains at once its threads and spin count."""

    family: str
    width: int
    trainings: tuple[tuple[int, int | None], ...]


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

    def start(self, family: str, width: int, threads: int, until: float) -> None:
        """Have it train until that time."""
        assert self._process.stdin is not None
        told = json.dumps([family, width, threads, until])
        print(told, file=self._process.stdin, flush=True)

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


def _as_given(flops: float) -> tuple[tuple[int, int | None], ...]:
    """Return what two commands are given: the first is alone as it begins, the second is not."""
    return (threads_for(flops, 2), OWN), (threads_for(flops, 1), SPINS)


def main() -> None:
    """Measure in rounds, and write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--train", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        train()
        return
    rounds, networks, load = arguments.rounds, _networks(), os.getloadavg()[0]
    cells = [
        Cell(*network, trainings)
        for network, flops in networks.items()
        for trainings in (ONE, TWO, TWO * 2, _as_given(flops))
    ]
    rates: Rates = defaultdict(list)
    for number in range(rounds):
        with _started() as trainers:
            for spins in COUNTS:
                _rate(trainers, Cell("lstm", 16, ((2, spins),) * 2))  # imports, a first training
            for cell in random.Random(number).sample(cells, len(cells)):
                rates[cell].append(_rate(trainers, cell))
        print(f"round {number + 1} of {rounds}", flush=True)
    write_section(
        "Threads",
        f"Medians of {rounds} rounds. {setting(f'python -m benchmarks.threads --rounds {rounds}')} "
        f"When it began, {load:.1f} processes were at work. Of two at once the first "
        "has two threads, or one by the rule below, which spin as OpenMP has it; the second has "
        "one, and spins briefly. Median [range] within a round:",
        _table(rates, networks),
    )


Rates = dict[Cell, list[tuple[float, ...]]]


def _rate(trainers: dict[int | None, tuple[Trainer, Trainer]], cell: Cell) -> tuple[float, ...]:
    """Return the rate of each that trains at once."""
    until = time.time() + SECONDS
    used = [trainers[spins][place] for place, (_, spins) in enumerate(cell.trainings)]
    for each, (threads, _) in zip(used, cell.trainings, strict=True):
        each.start(cell.family, cell.width, threads, until)
    return tuple(each.rate() for each in used)


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


def _table(rates: Rates, networks: dict[tuple[str, int], int]) -> str:
    rows = []
    for network, flops in networks.items():
        one, two = (rates[Cell(*network, each)] for each in (ONE, TWO))
        threads = threads_for(flops, 2)
        alone = ""
        if threads == 1:
            middle, alone = ratio([(a, b) for (a,), (b,) in zip(one, two, strict=True)])
            alone += f", {ALONE} {verdict(middle >= ALONE)}"
        both, crowded = rates[Cell(*network, _as_given(flops))], rates[Cell(*network, TWO * 2)]
        first, second = (
            ratio([(each[place], own) for each, (own,) in zip(both, one, strict=True)])[1]
            for place in range(2)
        )
        mean, _ = ratio([(sum(each) / 2, own) for each, (own,) in zip(both, one, strict=True)])
        if target := TARGETS.get(network):
            second += f"; mean {mean:.2f}, {target} {verdict(mean >= target)}"
        crowd = ratio([(sum(each) / 2, own) for each, (own,) in zip(crowded, one, strict=True)])[1]
        rows.append([" ".join(map(str, network)), str(threads), alone, first, second, crowd])
    head = [
        *("", "threads alone", "over two threads", "two at once, over one thread alone: the first"),
        *("the second", "two threads each"),
    ]
    return table(head, rows)


if __name__ == "__main__":
    main()
