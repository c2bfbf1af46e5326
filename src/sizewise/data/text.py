"""Data sets that are texts: what comes next is asked after each byte."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch

from sizewise.config import OwnConfig, TextConfig
from sizewise.data.dataset import Dataset
from sizewise.data.normalisation import Normalisation
from sizewise.data.spec import DataSpec
from sizewise.data.splits import Windows, carve_test
from sizewise.errors import UserError

TEST_FRACTION = 0.05
BYTES = 256  # different ones
UNCHANGED = Normalisation([0.0], [1.0])


@dataclass(frozen=True)
class Corpus:
    """A text in documents by their names.

    Documents are never divided between splits. A share of them, by a hash of their names, is the
    test split; one at least, and one for validation. A set of one's own is called otherwise than
    `data=NAME`.
    """

    documents: dict[str, bytes]
    test_fraction: float = TEST_FRACTION
    name: str | None = None

    def divide(self, config: TextConfig, seed: int) -> Dataset:
        """Return the text in windows, with validation carved out of training by `seed`.

        Where `config.train_samples` limits the training windows, fewer are a part of more.

        Raises:
            UserError: a split has no window, or there are fewer than are asked for.
        """
        names = np.array(sorted(self.documents))
        in_test = carve_test((name.encode() for name in names), self.test_fraction)
        if len(names) > 1 and not in_test.any():  # of a few
            in_test[0] = True
        shuffled = np.random.default_rng(seed).permutation(names[~in_test]).tolist()
        validation, training = self._divided(shuffled, config.validation_fraction)
        texts = [self._joined(each) for each in (training, validation, names[in_test].tolist())]
        fingerprint = hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in texts))
        splits = ("training", "validation", "test")
        train, held_out, test = (
            _windows(text, config, split) for text, split in zip(texts, splits, strict=True)
        )
        if config.train_samples is not None:
            if config.train_samples > len(train):
                raise UserError(
                    f"data.train_samples={config.train_samples} is more than the {len(train)} "
                    f"training windows: expected at most {len(train)}, or null for all"
                )
            train = Windows(train.text[: config.train_samples * config.window + 1], config.window)
            fingerprint.update(str(config.train_samples).encode())
        return Dataset(
            spec=self._spec(config),
            train=train,
            validation=held_out,
            test=test,
            normalisation=UNCHANGED,
            fingerprint=fingerprint.hexdigest()[:16],
            test_fingerprint=hashlib.sha256(texts[-1]).hexdigest()[:16],
        )

    def _divided(self, names: list[str], fraction: float) -> tuple[list[str], list[str]]:
        """Return the first of `names` that fit into a share of the bytes, and the others.

        Where none fits, the shortest is taken.
        """
        left = fraction * sum(len(self.documents[name]) for name in names)
        chosen: list[str] = []
        for name in names:
            if len(self.documents[name]) <= left:
                chosen.append(name)
                left -= len(self.documents[name])
        if fraction and len(names) > 1 and not chosen:
            chosen = [min(names, key=lambda name: len(self.documents[name]))]
        taken = set(chosen)
        return chosen, [name for name in names if name not in taken]

    def _joined(self, names: list[str]) -> bytes:
        return b"".join(self.documents[name] for name in names)

    def _spec(self, config: TextConfig) -> DataSpec:
        return DataSpec(
            self.name or config.name,
            (config.window,),
            (),
            "next_byte",
            num_tokens=BYTES,
            per_step=True,
            own=isinstance(config, OwnConfig),
        )


def _windows(text: bytes, config: TextConfig, split: str) -> Windows:
    if len(text) <= config.window:
        raise UserError(
            f"data={config.name} leaves a {split} split of {len(text)} bytes, and data.window="
            f"{config.window} needs more: expected more text, a smaller window or another "
            "data.validation_fraction"
        )
    return Windows(torch.from_numpy(np.frombuffer(text, np.uint8).copy()), config.window)
