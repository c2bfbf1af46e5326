"""Data sets in memory, as tensors, split and normalised."""

import dataclasses
import hashlib
from dataclasses import dataclass

import numpy as np
import torch

from sizewise.config import DataConfig
from sizewise.data.normalisation import ROWS, Normalisation, measure
from sizewise.data.published import read
from sizewise.data.published.arrays import Arrays
from sizewise.data.spec import DataSpec
from sizewise.data.splits import Split, carve_validation, choose_stratified
from sizewise.errors import UserError


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
