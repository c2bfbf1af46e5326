"""Trains runs one after another on MNIST-1D: the script that a user would write without sizewise.

    python -m benchmarks.peers.script DATA.npz FAMILY:WIDTH:DEPTH:SEED ...

The settings are those of conf/training/default.yaml: 25 epochs in batches of 100, Adam with a
one-cycle schedule, gradients clipped at 1.
"""

import sys

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.peers.networks import article

EPOCHS, BATCH_SIZE, PEAK, VALIDATION = 25, 100, 0.01, 400


def main(path: str, *runs: str) -> None:
    """Train each run and print its accuracy on the test samples."""
    with np.load(path) as stored:
        inputs, targets, test_inputs, test_targets = (
            torch.from_numpy(stored[name]) for name in ("x", "y", "x_test", "y_test")
        )
    mean, std = inputs.mean(), inputs.std()
    data = TensorDataset((inputs[:, None] - mean) / std, targets)
    test = TensorDataset((test_inputs[:, None] - mean) / std, test_targets)
    for run in runs:
        family, width, depth, seed = run.split(":")
        torch.manual_seed(int(seed))
        model = article(family, int(width), int(depth) if depth else None, (1, inputs.shape[1]))
        train, validation = torch.utils.data.random_split(
            data, (len(data) - VALIDATION, VALIDATION)
        )
        fit(model, DataLoader(train, BATCH_SIZE, shuffle=True), DataLoader(validation, 1000))
        print(f"{run}: {accuracy(model, DataLoader(test, 1000)):.1%}")


def fit(
    model: nn.Module,
    train: DataLoader[tuple[Tensor, ...]],
    validation: DataLoader[tuple[Tensor, ...]],
) -> None:
    """Train `model` and leave it with the weights of its best epoch."""
    optimizer = torch.optim.Adam(model.parameters(), lr=PEAK)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK, epochs=EPOCHS, steps_per_epoch=len(train), cycle_momentum=False
    )
    best, weights = -1.0, model.state_dict()
    for _ in range(EPOCHS):
        model.train()
        for inputs, targets in train:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs), targets).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1)
            optimizer.step()
            schedule.step()
        found = accuracy(model, validation)
        if found > best:
            best = found
            weights = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(weights)


@torch.no_grad()
def accuracy(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]]) -> float:
    """Return the share of samples that `model` classifies right."""
    model.eval()
    right = [(model(inputs).argmax(1) == targets).float() for inputs, targets in loader]
    return torch.cat(right).mean().item()


if __name__ == "__main__":
    main(*sys.argv[1:])
