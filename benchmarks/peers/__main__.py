"""Time sizewise and its peers in turn, and write what came of it into benchmarks/RESULTS.md.

    SIZEWISE_DATA=FOLDER python -m benchmarks.peers
    SIZEWISE_DATA=FOLDER python -m benchmarks.peers --precision bfloat16   # sizewise's alone

Needs TensorFlow and Lightning (extra `bench`), and MNIST under $SIZEWISE_DATA or data/. In each
round each contender trains an epoch, one after the other and each alone, so that a slow moment of
the machine falls on all; ratios are taken within a round.
"""

import argparse
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch

from benchmarks.peers.contender import ARTICLE, CONTENDERS, spec_of_mnist
from benchmarks.results import ratio, setting, table, verdict, write_section
from sizewise.flops import flops_per_sample
from sizewise.models import Architecture, build

SHOWN = {
    "keras": "Keras, the article's",
    "lightning": "Lightning, DataLoader",
    "plain": "PyTorch, DataLoader",
    "bare": "bare loop in memory",
    "sizewise": "**sizewise**, everything on",
}
TARGETS = {  # the least ratio of sizewise's rate to a contender's, by sizewise's precision
    "float32": {
        "keras": {"cnn": 1.45, "lstm": 2.7, "attention": 2.25},
        "lightning": {"cnn": 2.05, "lstm": 1.8, "attention": 2.0},
        "bare": {"cnn": 0.97, "lstm": 0.97, "attention": 0.97},
    },
    "bfloat16": {"keras": {"cnn": 2.5, "lstm": 4.0, "attention": 3.0}},  # on a processor with AMX
}
PACKAGES = ("torch", "tensorflow-cpu", "keras", "lightning", "mlflow")
Rates = dict[str, list[float]]  # samples per second by contender, one for each round


def main() -> None:
    """Measure each family, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=6400, help="in an epoch")
    parser.add_argument("--precision", choices=TARGETS, default="float32", help="sizewise's")
    arguments = parser.parse_args()
    precision: str = arguments.precision
    measured, limits = {}, {}
    for family in ARTICLE:
        before = _product_rate()
        measured[family] = _measure(family, arguments.samples, arguments.rounds, precision)
        limits[family] = statistics.mean((before, _product_rate()))
    command = (
        f"python -m benchmarks.peers --rounds {arguments.rounds} --samples {arguments.samples}"
        f" --precision {precision}"
    )
    own = "" if precision == "float32" else f", sizewise in {precision}"
    write_section(
        f"Beside its peers{own}",
        f"MNIST, Adam, batches of 32, float32{own}. {setting(command, PACKAGES)}",
        _rates(measured, limits),
        _ratios(measured, TARGETS[precision]),
    )


def _measure(family: str, samples: int, rounds: int, precision: str) -> Rates:
    rates: Rates = {name: [] for name in CONTENDERS}
    order, dice = list(CONTENDERS), random.Random(0)
    with _started(family, samples, precision) as processes:
        for number in range(rounds + 1):
            dice.shuffle(order)
            for name in order:
                rate = samples / _epoch(processes[name], name)
                print(f"{family} {name} {number or 'warm-up'}: {rate:.0f} samples/s", flush=True)
                if number:
                    rates[name].append(rate)
    return rates


@contextmanager
def _started(
    family: str, samples: int, precision: str
) -> Iterator[dict[str, "subprocess.Popen[str]"]]:
    module = "benchmarks.peers.contender"
    processes = {
        name: subprocess.Popen(
            [sys.executable, "-m", module, name, family, str(samples)]
            + [precision] * (name == "sizewise"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in CONTENDERS
    }
    try:
        yield processes
    finally:
        for process in processes.values():
            assert process.stdin is not None
            process.stdin.close()  # that ends it before its next epoch
        for process in processes.values():
            process.wait()


def _epoch(process: "subprocess.Popen[str]", name: str) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):  # it has ended: no seconds come
        process.stdin.write("\n")
        process.stdin.flush()
    seconds = process.stdout.readline()
    if not seconds:
        sys.exit(f"{name} ended with exit code {process.wait()}; what it said stands above")
    return float(seconds)


def _product_rate(side: int = 2048, times: int = 9) -> float:
    """Return the floating-point operations per second of a product of float32 matrices."""
    left, right = torch.rand(2, side, side)
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        left @ right
        seconds.append(time.perf_counter() - started)
    return 2 * side**3 / statistics.median(seconds)


def _rates(measured: dict[str, Rates], limits: dict[str, float]) -> str:
    """Return the table of medians, each with its share of the matrix products' rate."""
    ceilings, spec = {}, spec_of_mnist()
    for family, (width, depth) in ARTICLE.items():
        flops = flops_per_sample(build(spec, Architecture(family, width, depth)), spec)
        assert flops is not None
        ceilings[family] = limits[family] / flops.training
    rows = []
    for name, shown in SHOWN.items():
        medians = {family: statistics.median(measured[family][name]) for family in ARTICLE}
        cells = [f"{rate:,.0f} ({rate / ceilings[each]:.0%})" for each, rate in medians.items()]
        rows.append([shown, *cells])
    limit = ", ".join(f"{limits[family] / 1e9:.0f}" for family in ARTICLE)
    rows.append(
        [f"matrix products ({limit} GFLOP/s)", *(f"{ceilings[family]:,.0f}" for family in ARTICLE)]
    )
    return "Samples/s, the median, and its share of what matrix products would allow:\n\n" + table(
        ["", *ARTICLE], rows
    )


def _ratios(measured: dict[str, Rates], targets: dict[str, dict[str, float]]) -> str:
    """Return the table of ratios within a round, median and range, beside their targets."""
    rows = []
    for name, shown in SHOWN.items():
        if name == "sizewise":
            continue
        row = [shown]
        for family in ARTICLE:
            rates = measured[family]
            middle, cell = ratio(list(zip(rates["sizewise"], rates[name], strict=True)))
            if target := targets.get(name, {}).get(family):
                cell += f", {target} {verdict(middle >= target)}"
            row.append(cell)
        rows.append(row)
    text = "sizewise's rate over the other's in a round: median [lowest, highest], and the target:"
    return f"{text}\n\n{table(['', *ARTICLE], rows)}"


if __name__ == "__main__":
    main()
