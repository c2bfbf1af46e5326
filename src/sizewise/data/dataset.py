"""A data set that is ready to train on."""

import dataclasses
from dataclasses import dataclass

import torch

from sizewise.data.normalisation import Normalisation
from sizewise.data.spec import DataSpec
from sizewise.data.splits import Samples


@dataclass(frozen=True)
class Dataset:
    """A data set ready to train on.

    Args:
        spec: its shape and its task.
        train, validation: a division of the published training samples, by the run's seed.
        test: the published test samples, or those carved by what they are.
        normalisation: what was applied to all three; mean 0 and deviation 1 where nothing was.
        fingerprint: a hash of the published bytes and of the division.
        train_fingerprint: a hash of the training and the validation samples.
        test_fingerprint: a hash of the test samples.
    """

    spec: DataSpec
    train: Samples
    validation: Samples
    test: Samples
    normalisation: Normalisation
    fingerprint: str
    train_fingerprint: str = ""
    test_fingerprint: str = ""

    def to(self, device: torch.device) -> "Dataset":
        return dataclasses.replace(
            self,
            train=self.train.to(device),
            validation=self.validation.to(device),
            test=self.test.to(device),
        )
