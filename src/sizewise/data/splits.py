"""Samples by index, and how a set is divided."""

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from sizewise.data.normalisation import Normalisation
from sizewise.data.rows import Rows
from sizewise.errors import UserError

Chosen = Tensor | slice


class Batch(NamedTuple):
    """Some samples of a split.

    Args:
        inputs: (B, ...), as the spec describes one.
        targets: (B, ...), as the task describes one.
        lengths: (B,), where samples of unequal length are padded to the longest; else None.
    """

    inputs: Tensor
    targets: Tensor
    lengths: Tensor | None = None

    @property
    def given(self) -> tuple[Tensor, ...]:
        """What a network is called with."""
        return (self.inputs,) if self.lengths is None else (self.inputs, self.lengths)


class Samples(Protocol):
    """One split of a data set."""

    def __len__(self) -> int:
        """The number of samples."""

    def batch(self, chosen: Chosen) -> Batch:
        """Return the samples at indices (B,), int64 on the split's device, or of a slice."""

    def to(self, device: torch.device) -> "Samples":
        """Return the split on a device."""


class Split(NamedTuple):
    """Normalised inputs (N, C, *S), float32, and targets (N,), int64."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def batch(self, chosen: Chosen) -> Batch:
        if isinstance(chosen, slice):
            return Batch(self.inputs[chosen], self.targets[chosen])
        # Indexing by a tensor takes three times as long.
        return Batch(self.inputs.index_select(0, chosen), self.targets.index_select(0, chosen))

    def to(self, device: torch.device) -> "Split":
        return Split(self.inputs.to(device), self.targets.to(device))


class MappedSplit(NamedTuple):
    """Samples of bytes, normalised as they are used; what comes out is what a `Split` holds.

    Args:
        inputs: (N, C, *S), which stay in their file.
        targets: (N,), int64.
        mean, std: of each channel, (C, 1...), float32.
    """

    inputs: Rows
    targets: Tensor
    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, inputs: Rows, targets: Tensor, normalisation: Normalisation) -> "MappedSplit":
        """Return samples with their normalisation."""
        per_channel = (-1,) + (1,) * (inputs.ndim - 2)
        both = (torch.tensor(each).view(per_channel) for each in normalisation[:2])
        return cls(inputs, targets, *both)

    def __len__(self) -> int:
        return len(self.targets)

    def batch(self, chosen: Chosen) -> Batch:
        rows = chosen.cpu().numpy() if isinstance(chosen, Tensor) else chosen
        inputs = torch.from_numpy(self.inputs[rows]).to(self.targets.device).float()
        return Batch(inputs.sub_(self.mean).div_(self.std), self.targets[chosen])

    def to(self, device: torch.device) -> "MappedSplit":
        return MappedSplit(self.inputs, *(each.to(device) for each in self[1:]))


class Windows(NamedTuple):
    """A text in windows of T bytes that follow each other, (N,), uint8; a rest is left out."""

    text: Tensor
    window: int

    def __len__(self) -> int:
        return (len(self.text) - 1) // self.window

    def batch(self, chosen: Chosen) -> Batch:
        """Return bytes (B, T) and those that come next, (B, T)."""
        if isinstance(chosen, slice):
            chosen = torch.arange(chosen.start, chosen.stop, device=self.text.device)
        steps = torch.arange(self.window + 1, device=self.text.device)
        windows = self.text[chosen[:, None] * self.window + steps].long()  # B T+1
        return Batch(windows[:, :-1], windows[:, 1:])

    def to(self, device: torch.device) -> "Windows":
        return Windows(self.text.to(device), self.window)


def with_targets(split: Any, targets: Tensor) -> Any:
    """Return a split of samples with other targets, (N, ...)."""
    return type(split)(**(split._asdict() | {"targets": targets}))  # _replace goes by the length


def carve_test(keys: Iterable[bytes], fraction: float) -> np.ndarray:
    """Choose a test split where none is published: by what samples are, not by a seed.

    A sample that is there twice, or a group's samples, fall on the same side; samples that are
    added move no other.

    Args:
        keys: of each sample, its content or the name of its group.
        fraction: the share of the keys that goes to the test split, on average.

    Returns:
        Whether each sample does, (N,), bool.
    """
    hashes = [hashlib.sha256(key).digest()[:8] for key in keys]
    return np.array([int.from_bytes(each) < fraction * 2**64 for each in hashes], dtype=bool)


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


def carve_groups(groups: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide samples into training and validation, group by group.

    Args:
        groups: (N,) of each sample; a group's stay together.
        fraction: the share that goes to validation, about.
        seed: which groups do.

    Returns:
        Sorted indices of the training and of the validation samples, disjoint, together all N.
    """
    names, members, counts = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    # the groups up to that with which the share is met best; one at least on either side
    short = np.abs(counts[order].cumsum() - fraction * len(groups))
    last = min(int(short.argmin()), len(names) - 2)
    chosen = np.isin(members, order[: last + 1])
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
