"""Data sets that are arrays of numbers with a class for each sample."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from sizewise.config import DataConfig, OwnConfig
from sizewise.data.dataset import Dataset
from sizewise.data.lengths import Sequences, measure_steps
from sizewise.data.normalisation import ROWS, measure
from sizewise.data.rows import Inputs, Rows, taken
from sizewise.data.spec import DataSpec
from sizewise.data.splits import (
    MappedSplit,
    Samples,
    Split,
    carve_groups,
    carve_validation,
    choose_stratified,
)
from sizewise.errors import UserError

DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Arrays:
    """A data set as published, before normalisation and before validation is carved out.

    Inputs are (N, C, *S), floats or bytes; of sequences of unequal length as `data.lengths` says.
    Targets are (N,) class indices, int64, or as the task of `told` describes them, float32. Arrays
    that are handed over are changed in place, so that a large set takes its memory once; rows of a
    file stay there.

    Args:
        train_inputs, train_targets: what validation is carved out of.
        test_inputs, test_targets: the test split.
        class_names: by index.
        handed_over: whether they may be changed.
        name: the set's; by default as in `data=NAME`.
        validation: which of the training samples are for validation, (N,), bool, where that is
            given.
        groups: of the training samples, (N,); those of one are never divided between splits.
        strata: of the training samples, (N,), each of which keeps its share in the splits; by
            default the classes.
        scaled: which channels are brought to mean 0 and deviation 1, (C,), bool; by default all.
        told: what the spec says besides name, shape and classes, by its fields' names.
    """

    train_inputs: Inputs
    train_targets: np.ndarray
    test_inputs: Inputs
    test_targets: np.ndarray
    class_names: tuple[str, ...]
    handed_over: bool = False
    name: str | None = None
    validation: np.ndarray | None = None
    groups: np.ndarray | None = None
    strata: np.ndarray | None = None
    scaled: np.ndarray | None = None
    told: Mapping[str, Any] = field(default_factory=dict)

    def divide(self, config: DataConfig, seed: int) -> Dataset:
        """Return the set, normalised, with validation carved out of training by `seed`.

        With a `config.validation_fraction` of 0 and none given, all are trained on.

        Where `config.train_samples` limits the training samples, validation stays as it is without
        the limit, so that what is chosen by it is chosen equally well; normalisation is measured on
        the samples left.

        Raises:
            UserError: it is too small to divide, or has fewer samples than are asked for.
        """
        fraction, count = config.validation_fraction, len(self.train_targets)
        strata = self.train_targets if self.strata is None else self.strata
        if self.validation is not None:
            training, validation = np.flatnonzero(~self.validation), np.flatnonzero(self.validation)
        elif not fraction:
            training, validation = np.arange(count), np.arange(0)
        elif self.groups is not None:
            training, validation = carve_groups(self.groups, fraction, seed)
        else:
            training, validation = carve_validation(strata, fraction, seed)
        if (fraction and not len(validation)) or not len(training):
            raise UserError(
                f"data.validation_fraction={fraction} of {count} training samples leaves a split "
                "empty; expected at least one sample of each"
            )
        if config.train_samples is not None:
            left, wanted = strata[training], config.train_samples
            chosen = choose_stratified(left, wanted, seed, "data.train_samples")
            training = training[chosen]
        test = self.test_inputs, self.test_targets
        learnt_from = self.train_inputs, self.train_targets
        # of what is published, before it is normalised
        fingerprint = _fingerprint(*learnt_from, *test, training, validation)
        train_fingerprint = _fingerprint(*learnt_from, training, validation)
        test_fingerprint = _fingerprint(*test)
        spec = DataSpec(
            self.name or config.name,
            self.train_inputs.shape[1:],
            self.class_names,
            own=isinstance(config, OwnConfig),
            **self.told,
        )
        normalisation = (measure_steps if spec.unequal else measure)(self.train_inputs, training)
        if self.scaled is not None:
            normalisation = normalisation.only(self.scaled)

        def split(inputs: Inputs, answers: np.ndarray) -> Samples:
            kind = np.float32 if answers.dtype.kind == "f" else np.int64
            targets = torch.from_numpy(answers.astype(kind))
            if isinstance(inputs, Rows):
                return MappedSplit.of(inputs, targets, normalisation)
            floats = torch.from_numpy(np.ascontiguousarray(inputs, np.float32))
            kind_of_split = Sequences.of if spec.unequal else Split
            return kind_of_split(normalisation.apply_(floats), targets)

        held_out = split(taken(self.train_inputs, validation), self.train_targets[validation])
        if self.handed_over and isinstance(self.train_inputs, np.ndarray):
            train_inputs = _moved_to_front(self.train_inputs, training)
            test_inputs = self.test_inputs
        else:
            train_inputs = taken(self.train_inputs, training)
            test_inputs = taken(self.test_inputs, np.arange(len(self.test_targets)))
        return Dataset(
            spec=spec,
            train=split(train_inputs, self.train_targets[training]),
            validation=held_out,
            test=split(test_inputs, self.test_targets),
            normalisation=normalisation,
            fingerprint=fingerprint,
            train_fingerprint=train_fingerprint,
            test_fingerprint=test_fingerprint,
        )


def _moved_to_front(inputs: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Return the samples at sorted `indices`, in the memory of `inputs`."""
    for start in range(0, len(indices), ROWS):
        chosen = inputs[indices[start : start + ROWS]]  # none of them was overwritten before
        inputs[start : start + len(chosen)] = chosen
    taken: np.ndarray = inputs[: len(indices)]
    return taken


def _fingerprint(*arrays: Inputs) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        values = array
        if isinstance(array, Rows):  # their content's digests stand for them
            digest.update(f"{array.shape}".encode())
            values = array.digests[array.rows]
        digest.update(f"{values.dtype}{values.shape}".encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()[:16]
