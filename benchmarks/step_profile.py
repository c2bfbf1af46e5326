"""Where does a training step's time go, and what did each thing that was tried give?

    SIZEWISE_DATA=FOLDER python -m benchmarks.step_profile

The article's networks on MNIST in batches of 32. The first table is PyTorch's profile of the step
as it is. For the second, each network is trained in turns of 50 steps: as it is, and with one thing
changed, in random order.
"""

import argparse
import math
import random
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.profiler import ProfilerActivity, profile

from benchmarks.configs import config_of
from benchmarks.peers.contender import ARTICLE, BATCH_SIZE, LEARNING_RATE, spec_of_mnist, split
from benchmarks.results import ratio, setting, table, write_section
from sizewise.models import Architecture, build
from sizewise.tasks.classify import TASK
from sizewise.training.optimizer import Stepper
from sizewise.training.state import EpochSums

STEPS = 50
SAMPLES = STEPS * BATCH_SIZE
KERNELS = {
    "convolutions": ("convolution",),
    "LSTM": ("mkldnn_rnn",),
    "ReLU": ("relu", "clamp_min", "threshold"),
    "pooling": ("max_pool2d",),
    "matrix products": ("aten::mm", "addmm", "bmm"),
    "Adam": ("adam", "Adam"),
}
Step = Callable[[Tensor, Tensor], None]


def main() -> None:
    """Measure, and write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    torch.set_flush_denormal(True)  # as a run does
    train = split(SAMPLES)
    tried = {family: _tried(family, train, rounds) for family in ARTICLE}
    names = dict.fromkeys(name for found in tried.values() for name in found)
    rows = [[name, *(found.get(name, "") for found in tried.values())] for name in names]
    write_section(
        "Where a step's time goes",
        f"Medians of {rounds} rounds. "
        f"{setting(f'python -m benchmarks.step_profile --rounds {rounds}')}",
        "Share of a step's operations, by PyTorch's profiler:\n\n" + _shares(train),
        "The rate with one thing changed, over the rate as it is, in a round: median [range]:\n\n"
        + table(["", *ARTICLE], rows),
    )


def _shares(train: Any) -> str:
    found: dict[str, dict[str, float]] = {}
    for family in ARTICLE:
        step = _steps(family)["as it is"]
        _train(step, train)
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            _train(step, train)
        spent = {event.key: event.self_cpu_time_total for event in profiler.key_averages()}
        whole = sum(spent.values())
        found[family] = {
            name: sum(t for key, t in spent.items() if any(each in key for each in keys)) / whole
            for name, keys in KERNELS.items()
        }
        found[family]["the rest"] = 1 - sum(found[family].values())
    rows = [[name, *(f"{found[f][name]:.0%}" for f in ARTICLE)] for name in [*KERNELS, "the rest"]]
    return table(["", *ARTICLE], rows)


def _tried(family: str, train: Any, rounds: int) -> dict[str, str]:
    steps = _steps(family)
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds + 1):
        for name in random.Random(number).sample(list(steps), len(steps)):
            spent = _train(steps[name], train)
            if number:
                seconds[name].append(spent)
    own = seconds.pop("as it is")
    return {name: ratio(list(zip(own, spent, strict=True)))[1] for name, spent in seconds.items()}


def _train(step: Step, train: Any) -> float:
    started = time.perf_counter()
    for batch in torch.randperm(SAMPLES).split(BATCH_SIZE):
        step(train.inputs[batch], train.targets[batch])
    return time.perf_counter() - started


def _steps(family: str) -> dict[str, Step]:
    """Return the step as the training loop takes it, and with one thing changed."""
    steps = {
        "as it is": _step(_network(family)),
        "the loop's measurements left out": _step(_network(family), measured=False),
        "gradients clipped at infinity": _step(_network(family), max_norm=math.inf),
        "parameters not laid flat": _step_by_parameter(_network(family)),
        "one thread": _on_one_thread(_step(_network(family))),
        "bfloat16 by autocast": _step(_network(family), half=True),
    }
    if family == "cnn":
        steps["ReLU before the pool"] = _step(_with_relu_first(_network(family)))
    else:
        steps["oneDNN off"] = _without_onednn(_step(_network(family)))
    return steps


def _network(family: str) -> nn.Module:
    torch.manual_seed(0)
    return build(spec_of_mnist(), Architecture(family, *ARTICLE[family]))


def _step(
    model: nn.Module, *, measured: bool = True, max_norm: float | None = None, half: bool = False
) -> Step:
    stepper, numbers = Stepper(model, config_of("training=article").training), count()
    measure = _measure()

    def step(inputs: Tensor, targets: Tensor) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = model(inputs)
            losses = cross_entropy(logits, targets, reduction="none")
        losses.backward(torch.full_like(losses, 1 / len(losses)))
        norm = stepper.step(next(numbers), LEARNING_RATE, max_norm)
        if measured:
            measure(logits, targets, losses, norm)

    return step


def _step_by_parameter(model: nn.Module) -> Step:
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, fused=True)
    measure = _measure()

    def step(inputs: Tensor, targets: Tensor) -> None:
        logits = model(inputs)
        losses = cross_entropy(logits, targets, reduction="none")
        losses.backward(torch.full_like(losses, 1 / len(losses)))
        norm = nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])
        optimizer.step()
        optimizer.zero_grad()
        measure(logits, targets, losses, norm)

    return step


def _measure() -> Callable[[Tensor, Tensor, Tensor, Tensor], None]:
    """Return what takes in a step's numbers as the loop does."""
    sums = EpochSums(torch.zeros(STEPS), torch.zeros(STEPS), torch.zeros(()))

    def measure(logits: Tensor, targets: Tensor, losses: Tensor, norm: Tensor) -> None:
        losses = losses.detach()
        errors = TASK.errors(logits.detach(), targets, losses)
        sums.add(len(sums.waiting), losses, errors, norm)
        if len(sums.waiting) == STEPS:
            sums.settle(STEPS)

    return measure


def _on_one_thread(step: Step) -> Step:
    threads = torch.get_num_threads()

    def on_one(inputs: Tensor, targets: Tensor) -> None:
        torch.set_num_threads(1)
        step(inputs, targets)
        torch.set_num_threads(threads)

    return on_one


def _without_onednn(step: Step) -> Step:
    def without(inputs: Tensor, targets: Tensor) -> None:
        torch.backends.mkldnn.set_flags(False)
        step(inputs, targets)
        torch.backends.mkldnn.set_flags(True)

    return without


def _with_relu_first(model: nn.Module) -> nn.Module:
    layers = list(model.convolutions)  # type: ignore[arg-type]
    for index in (1, 4):
        layers[index : index + 2] = nn.ReLU(), layers[index]
    model.convolutions = nn.Sequential(*layers)
    return model


if __name__ == "__main__":
    main()
