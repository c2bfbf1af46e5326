"""Samples by index, and how a set is divided."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sizewise.errors import UserError


class Split(NamedTuple):
    """Normalised inputs (N, C, *S), float32, and targets (N,), int64."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: torch.device) -> "Split":
        return Split(self.inputs.to(device), self.targets.to(device))


def carve_validation(
    targets: np.ndarray, fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Divide samples into training and validation, class by class.

    Args:
        targets: (N,) class indices.
        fraction: the share that goes to validation, of all samples and within one sample of
            each class.
        seed: which samples do.

    Returns:
        Sorted indices of the training and of the validation samples, disjoint, together all N.
    """
    random = np.random.default_rng(seed)
    chosen = np.zeros(len(targets), dtype=bool)
    labels, counts = np.unique(targets, return_counts=True)
    exact = fraction * counts
    shares = np.floor(exact).astype(int)
    short = round(fraction * len(targets)) - shares.sum()
    shares[np.argsort(shares - exact, kind="stable")[:short]] += 1  # the largest remainders
    for label, share in zip(labels, shares, strict=True):
        members = np.flatnonzero(targets == label)
        chosen[random.permutation(members)[:share]] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def choose_stratified(targets: np.ndarray, count: int, seed: int, key: str) -> np.ndarray:
    """Choose samples so that each class keeps its share, within one sample, and has at least one.

    With the same seed, fewer samples are a subset of more.

    Args:
        targets: (N,) class indices.
        count: how many to choose.
        seed: which.
        key: the config key that asks for them, for the error.

    Returns:
        Their sorted indices, (count,).

    Raises:
        UserError: there are fewer samples than `count`, or more classes.
    """
    if count > len(targets):
        raise UserError(
            f"{key}={count} is more than the {len(targets)} training samples: expected at most "
            f"{len(targets)}, or null for all"
        )
    random = np.random.default_rng([seed, 1])  # another stream than that of the validation split
    place = np.empty(len(targets))  # where in its class a sample stands, 0..1
    labels = np.unique(targets)
    if count < len(labels):
        raise UserError(
            f"{key}={count} is fewer than the {len(labels)} classes: expected at least "
            f"{len(labels)}, one sample of each"
        )
    for label in labels:
        members = random.permutation(np.flatnonzero(targets == label))
        place[members] = (np.arange(len(members)) + random.random()) / len(members)
        place[members[0]] = -1  # each class has one among the first
    return np.sort(np.argsort(place, kind="stable")[:count])
