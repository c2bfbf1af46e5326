"""On a GPU: the rate of sizewise's training loop beside a bare loop over the same network.

    python -m benchmarks.gpu_step

Both train the article's networks on the same made-up images of MNIST's shape, in bfloat16 by
autocast and with a fused Adam. The bare loop does nothing else; sizewise's clips, schedules, counts
errors, looks for losses that are not finite, and keeps its best weights. Ratios are within a round.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from benchmarks.peers.contender import ARTICLE, spec_of_mnist
from benchmarks.results import ratio, setting, table, write_section
from sizewise.config import TrainingConfig
from sizewise.data import Dataset, Normalisation, Split
from sizewise.models import Architecture, build
from sizewise.training.device import prepare_torch
from sizewise.training.loop import fit

STEPS = 200
BATCH_SIZES = 32, 512


def main() -> None:
    """Measure, and write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    if not torch.cuda.is_available():
        sys.exit("there is no GPU here: nothing was measured")
    device = prepare_torch("cuda")
    rows = [
        [family, str(size), *_measured(family, size, device, rounds)]
        for family in ARTICLE
        for size in BATCH_SIZES
    ]
    write_section(
        "A step on a GPU",
        f"{torch.cuda.get_device_name()}, {STEPS} steps of made-up images of MNIST's shape, "
        f"bfloat16 by autocast. {setting(f'python -m benchmarks.gpu_step --rounds {rounds}')}",
        f"Samples/s, medians of {rounds} rounds, and sizewise's over the bare loop's in a round:"
        "\n\n" + table(["", "batch", "bare loop", "sizewise", "ratio"], rows),
    )


def _measured(family: str, batch_size: int, device: torch.device, rounds: int) -> list[str]:
    """Return the cells of one row."""
    dataset = _noise(STEPS * batch_size, device)
    loops = {"bare": _bare, "sizewise": _sizewise}
    rates: dict[str, list[float]] = {name: [] for name in loops}
    dice, order = random.Random(0), list(loops)
    for number in range(rounds + 1):  # the first is for warming up
        dice.shuffle(order)
        for name in order:
            seconds = _seconds(loops[name], family, dataset, batch_size, device)
            if number:
                rates[name].append(STEPS * batch_size / seconds)
    medians = [f"{statistics.median(each):,.0f}" for each in rates.values()]
    return [*medians, ratio(list(zip(rates["sizewise"], rates["bare"], strict=True)))[1]]


def _seconds(
    train: Callable[[nn.Module, Dataset, int], None],
    family: str,
    dataset: Dataset,
    batch_size: int,
    device: torch.device,
) -> float:
    torch.manual_seed(0)
    model = build(spec_of_mnist(), Architecture(family, *ARTICLE[family])).to(device)
    torch.cuda.synchronize()
    started = time.perf_counter()
    train(model, dataset, batch_size)
    torch.cuda.synchronize()
    return time.perf_counter() - started


def _bare(model: nn.Module, dataset: Dataset, batch_size: int) -> None:
    train = dataset.train
    optimizer = torch.optim.Adam(model.parameters(), 0.001, fused=True)
    device = next(model.parameters()).device
    for chosen in torch.randperm(len(train), device=device).split(batch_size):
        batch = train.batch(chosen)
        with torch.autocast("cuda", torch.bfloat16):
            loss = cross_entropy(model(batch.inputs), batch.targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _sizewise(model: nn.Module, dataset: Dataset, batch_size: int) -> None:
    config = TrainingConfig(
        epochs=1,
        max_steps=None,
        stop_loss=None,
        patience=None,
        batch_size=batch_size,
        optimizer="adam",
        learning_rate=0.001,
        schedule="one_cycle",
        clip_grad_norm=1.0,
        momentum=None,
        weight_decay=None,
    )
    fit(model, dataset, config, seed=0, precision="bfloat16", log=lambda *_: None)


def _noise(samples: int, device: torch.device) -> Dataset:
    """Return made-up images to train on, and as good as none to validate on."""
    spec = spec_of_mnist()
    train, rest = (
        Split(torch.randn(n, *spec.input_shape), torch.arange(n) % 10) for n in (samples, 32)
    )
    return Dataset(spec, train, rest, rest, Normalisation([0.0], [1.0]), "noise").to(device)


if __name__ == "__main__":
    main()
