"""Data sets in memory, as tensors, split and normalised."""

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sizewise.config import DataConfig
from sizewise.data.normalisation import ROWS, Normalisation, measure
from sizewise.data.sources import Arrays, read
from sizewise.data.spec import DataSpec
from sizewise.errors import UserError

__all__ = [
    "DataSpec",
    "Dataset",
    "Normalisation",
    "Split",
    "carve_validation",
    "choose_stratified",
    "load",
]


class Split(NamedTuple):
    """Normalised inputs (N, C, *S), float32, and targets (N,), int64."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: torch.device) -> "Split":
        return Split(self.inputs.to(device), self.targets.to(device))


@dataclass(frozen=True)
class Dataset:
    """A data set ready to train on.

    Args:
        spec: its shape.
        train, validation: a stratified division of the published training samples.
        test: the published test samples.
        normalisation: what was applied to all three.
        fingerprint: a hash of the published bytes and of the division.
    """

    spec: DataSpec
    train: Split
    validation: Split
    test: Split
    normalisation: Normalisation
    fingerprint: str

    def to(self, device: torch.device) -> "Dataset":
        return dataclasses.replace(
            self,
            train=self.train.to(device),
            validation=self.validation.to(device),
            test=self.test.to(device),
        )


def load(config: DataConfig, seed: int) -> Dataset:
    """Return the set that `config` names, with validation carved out of training by `seed`.

    Where `config.train_samples` limits the training samples, validation stays as it is without the
    limit, so that what is chosen by it is chosen equally well; normalisation is measured on the
    samples left.

    Raises:
        UserError: the set's files can't be had, it is too small to divide, or has fewer samples
            than are asked for.
    """
    arrays = read(config)
    training, validation = carve_validation(arrays.train_targets, config.validation_fraction, seed)
    if not len(validation) or not len(training):
        raise UserError(
            f"data.validation_fraction={config.validation_fraction} of {len(arrays.train_targets)} "
            "training samples leaves a split empty; expected at least one sample of each"
        )
    if config.train_samples is not None:
        targets = arrays.train_targets[training]
        chosen = choose_stratified(targets, config.train_samples, seed, "data.train_samples")
        training = training[chosen]
    fingerprint = _fingerprint(arrays, training, validation)
    normalisation = measure(arrays.train_inputs, training)

    def split(inputs: np.ndarray, targets: np.ndarray) -> Split:
        floats = torch.from_numpy(np.ascontiguousarray(inputs, np.float32))
        return Split(normalisation.apply_(floats), torch.from_numpy(targets.astype(np.int64)))

    held_out = split(arrays.train_inputs[validation], arrays.train_targets[validation])
    if arrays.handed_over:
        train_inputs = _moved_to_front(arrays.train_inputs, training)
        test_inputs = arrays.test_inputs
    else:
        train_inputs = arrays.train_inputs[training]
        test_inputs = arrays.test_inputs.copy()
    return Dataset(
        spec=DataSpec(config.name, arrays.train_inputs.shape[1:], arrays.class_names),
        train=split(train_inputs, arrays.train_targets[training]),
        validation=held_out,
        test=split(test_inputs, arrays.test_targets),
        normalisation=normalisation,
        fingerprint=fingerprint,
    )


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


def _moved_to_front(inputs: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Return the samples at sorted `indices`, in the memory of `inputs`."""
    for start in range(0, len(indices), ROWS):
        chosen = inputs[indices[start : start + ROWS]]  # none of them was overwritten before
        inputs[start : start + len(chosen)] = chosen
    taken: np.ndarray = inputs[: len(indices)]
    return taken


def _fingerprint(arrays: Arrays, *indices: np.ndarray) -> str:
    digest = hashlib.sha256()
    published = (
        arrays.train_inputs,
        arrays.train_targets,
        arrays.test_inputs,
        arrays.test_targets,
    )
    for array in (*published, *indices):
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]
