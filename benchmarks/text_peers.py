"""Train nanoGPT's recipe for a CPU and ours in turn, on the same bytes, threads and seconds.

    python -m benchmarks.text_peers --minutes 3

Both read the training split of Python's own source, and are scored on its whole test split. Each
takes as many steps as fit into the minutes, by the time that 50 take at first, and its schedule
spans them, as nanoGPT's README has it span its 2,000; where there is time for fewer, it is said.
Ours is the recipe of `experiment=kjv`, or what overrides say.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.peers import nanogpt
from benchmarks.results import setting, table, verdict, write_section
from sizewise.config import Config
from sizewise.config.as_train import compose
from sizewise.data import Dataset, load
from sizewise.data.splits import Windows
from sizewise.place import CONF
from sizewise.run.identity import architecture_of
from sizewise.run.network import initialise
from sizewise.sizing import count_parameters
from sizewise.tasks import find_task
from sizewise.training.evaluate import evaluate
from sizewise.training.loop import fit

OURS = ("experiment=kjv",)
TIMED = 50  # steps
TARGET = 0.9  # of the peer's bits, at most


class Result(NamedTuple):
    """What came of a contender: its size, steps, bytes read, seconds, and bits per byte."""

    parameters: int
    steps: int
    read: int
    seconds: float
    bits: float


def main() -> None:
    """Train both, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--data", default="stdlib", help="a text")
    parser.add_argument("ours", nargs="*", default=OURS, help="overrides of our config")
    arguments = parser.parse_args()
    seconds = 60 * arguments.minutes
    peer = _train_nanogpt(_dataset(arguments.data, nanogpt.WINDOW), seconds)
    print(f"nanoGPT: {peer}", flush=True)
    own = _train_ours([*arguments.ours, f"data={arguments.data}"], seconds)
    rows = [_row("nanoGPT's recipe", peer), _row("**sizewise**", own)]
    head = ["", "parameters", "steps", "bytes read", "seconds", "bits per byte"]
    share = own.bits / peer.bits
    met = own.parameters <= peer.parameters and share <= TARGET
    command = " ".join(["python -m benchmarks.text_peers", *sys.argv[1:]])
    write_section(
        "Texts, beside nanoGPT's recipe",
        f"{arguments.data}, `{' '.join(arguments.ours)}`. {setting(command)}",
        table(head, rows),
        f"Ours over the other's bits per byte: {share:.3f}; at most {TARGET}: {verdict(met)}.",
    )


def _train_nanogpt(dataset: Dataset, seconds: float) -> Result:
    train = dataset.train
    assert isinstance(train, Windows)
    text, chance = train.text, torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    model = nanogpt.NanoGPT()
    spare = nanogpt.NanoGPT()
    each = _seconds_of(_stepper(spare, text, chance))
    steps = round(seconds / each)
    if steps < nanogpt.STEPS:
        print(f"{seconds:.0f} s are {steps} steps, fewer than its {nanogpt.STEPS}", flush=True)
    step, started = _stepper(model, text, chance), time.perf_counter()
    for number in range(steps):
        step(nanogpt.rate_at(number, steps))
    took = time.perf_counter() - started
    read = steps * nanogpt.BATCH_SIZE * nanogpt.WINDOW
    return Result(count_parameters(model), steps, read, took, _bits(model, dataset))


def _stepper(model: nn.Module, text: Tensor, chance: torch.Generator) -> Callable[[float], None]:
    """Return what takes a step at a rate, on windows that begin anywhere in the text."""
    optimizer, window = nanogpt.optimizer_of(model), torch.arange(nanogpt.WINDOW + 1)

    def step(rate: float) -> None:
        starts = torch.randint(
            len(text) - nanogpt.WINDOW, (nanogpt.BATCH_SIZE, 1), generator=chance
        )
        windows = text[starts + window].long()
        logits = model(windows[:, :-1]).flatten(0, 1)
        loss = functional.cross_entropy(logits, windows[:, 1:].flatten())
        model.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), nanogpt.CLIP)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()

    return step


def _seconds_of(step: Callable[[float], None]) -> float:
    for _ in range(TIMED // 5):
        step(nanogpt.LOWEST)
    started = time.perf_counter()
    for _ in range(TIMED):
        step(nanogpt.LOWEST)
    return (time.perf_counter() - started) / TIMED


def _train_ours(overrides: list[str], seconds: float) -> Result:
    config = compose(overrides, CONF)
    dataset = load(config.data, seed=0)
    _fitted(config, dataset, TIMED // 5)
    steps = round(seconds / _fitted(config, dataset, TIMED)[0] * TIMED)
    took, model = _fitted(config, dataset, steps)
    read = steps * config.training.batch_size * dataset.spec.input_shape[0]
    return Result(count_parameters(model), steps, read, took, _bits(model, dataset))


def _fitted(config: Config, dataset: Dataset, steps: int) -> tuple[float, nn.Module]:
    """Train our network for so many steps; return the seconds that they took, and it."""
    architecture, threads = architecture_of(config, dataset.spec), torch.get_num_threads()
    model = initialise(config.seed, dataset.spec, architecture, threads)
    training = config.training.model_copy(update={"max_steps": steps, "epochs": 1000})
    state = fit(model, dataset, training, seed=config.seed, log=lambda *_: None)
    return state.train_seconds, model


def _dataset(name: str, window: int) -> Dataset:
    return load(compose([f"data={name}", f"data.window={window}"], CONF).data, seed=0)


def _bits(model: nn.Module, dataset: Dataset) -> float:
    return float(evaluate(model, dataset.test, find_task("next_byte")).error)


def _row(name: str, found: Result) -> list[str]:
    return [
        *(name, f"{found.parameters:,}", f"{found.steps:,}", f"{found.read / 1e6:.1f}M"),
        *(f"{found.seconds:.0f}", f"{found.bits:.3f}"),
    ]


if __name__ == "__main__":
    main()
