"""Data sets that are pairs of sequences: what is given, and what answers it.

Shapes: B or N samples, S symbols of the longest given, R accepted answers of a sample, T symbols of
the longest answer. Symbols are numbers; in answers 0 is the boundary, which ends each of them.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sizewise.config import DataConfig
from sizewise.data.dataset import Dataset
from sizewise.data.normalisation import Normalisation
from sizewise.data.spec import DataSpec
from sizewise.data.splits import Batch, Chosen, carve_test, carve_validation, choose_stratified
from sizewise.errors import UserError

TEST_FRACTION = 0.1
END = "end"  # the name of the boundary
ABSENT = -1

Symbols = Sequence[int]


class PairBatch(Batch):
    """Given (B, S), int64, targets (B, R, T) as `tasks.transduce` has them, and lengths (B,)."""

    @property
    def given(self) -> tuple[Tensor, ...]:
        """What a network is called with, once for each answer: given, lengths and prompts.

        Prompts (B·R, T) are what comes before each symbol of an answer: the boundary, and then the
        answer itself. Without them a network answers by itself.
        """
        assert self.lengths is not None
        answers = self.targets.shape[1]
        before = self.targets.roll(1, dims=2).clamp(min=0)
        before[:, :, 0] = 0
        repeated = (each.repeat_interleave(answers, 0) for each in (self.inputs, self.lengths))
        return (*repeated, before.flatten(0, 1))


class Pairs(NamedTuple):
    """A split of pairs, cut in each batch to its longest.

    Args:
        inputs: (N, S), int64, 0 after a sequence's end.
        lengths: (N,), int64.
        targets: (N, R, T), int64: see `tasks.transduce`.
    """

    inputs: Tensor
    lengths: Tensor
    targets: Tensor

    @classmethod
    def of(cls, given: Sequence[Symbols], answers: Sequence[Sequence[Symbols]]) -> "Pairs":
        """Return sequences with the accepted answers of each, without their ends."""
        lengths = np.array([len(each) for each in given])
        inputs = np.zeros((len(given), lengths.max(initial=1)), np.int64)
        most = max(map(len, answers), default=1)
        longest = max((len(each) for some in answers for each in some), default=0)
        targets = np.full((len(given), most, longest + 1), ABSENT)
        for row, (symbols, accepted) in enumerate(zip(given, answers, strict=True)):
            inputs[row, : len(symbols)] = symbols
            for place, answer in enumerate(accepted):
                targets[row, place, : len(answer) + 1] = (*answer, 0)
        return cls(*map(torch.from_numpy, (inputs, lengths, targets)))

    def __len__(self) -> int:
        return len(self.lengths)

    def batch(self, chosen: Chosen) -> PairBatch:
        lengths, targets = self.lengths[chosen], self.targets[chosen]
        there = targets != ABSENT
        answers, steps = (int(there.any(2).sum(1).max()), int(there.sum(2).max()))
        return PairBatch(
            self.inputs[chosen, : int(lengths.max())], targets[:, :answers, :steps], lengths
        )

    def to(self, device: torch.device) -> "Pairs":
        return Pairs(*(each.to(device) for each in self))


@dataclass(frozen=True)
class Dictionary:
    """Sequences and their accepted answers.

    A tenth of the sequences, by a hash of what they are, is the test split: no sequence is on both
    sides of it. In training each answer is a sample; in validation and test each sequence is one,
    and any of its answers is right.

    Args:
        name: the set's, with what tells it from others of its kind.
        given: symbols by number, each sequence once.
        answers: of each, by number from 1, without their ends; one at least.
        given_names, answer_names: the symbols, by number; answers' from 1.
    """

    name: str
    given: Sequence[Symbols]
    answers: Sequence[Sequence[Symbols]]
    given_names: tuple[str, ...]
    answer_names: tuple[str, ...]

    def divide(self, config: DataConfig, seed: int) -> Dataset:
        """Return the pairs with validation carved out of training by `seed`.

        Where `config.train_samples` limits the training samples, fewer are a part of more.

        Raises:
            UserError: a split has no sequence, or there are fewer samples than are asked for.
        """
        in_test = tested(self.given)
        others, fraction = np.flatnonzero(~in_test), config.validation_fraction
        training, validation = carve_validation(np.zeros(len(others)), fraction, seed)
        if not in_test.any() or not len(training) or (fraction and not len(validation)):
            raise UserError(
                f"data={config.name} has {len(self.given)} sequences, and data.validation_fraction="
                f"{fraction} leaves a split empty: expected more, or another fraction"
            )
        train = self._each_answer(others[training])
        if (wanted := config.train_samples) is not None:
            alike = np.zeros(len(train))
            kept = choose_stratified(alike, wanted, seed, "data.train_samples")
            train = Pairs(*(each[torch.from_numpy(kept)] for each in train))
        held_out, test = self._split(others[validation]), self._split(np.flatnonzero(in_test))
        spec = DataSpec(
            self.name,
            (max(map(len, self.given)),),
            (),
            "transduce",
            source_names=self.given_names,
            answer_names=(END, *self.answer_names),
            longest_answer=1 + max(len(each) for some in self.answers for each in some),
        )
        return Dataset(
            spec=spec,
            train=train,
            validation=held_out,
            test=test,
            normalisation=Normalisation([0.0], [1.0]),
            fingerprint=_fingerprint(train, held_out, test),
            train_fingerprint=_fingerprint(train, held_out),
            test_fingerprint=_fingerprint(test),
        )

    def _split(self, chosen: np.ndarray) -> Pairs:
        rows = chosen.tolist()
        return Pairs.of([self.given[row] for row in rows], [self.answers[row] for row in rows])

    def _each_answer(self, chosen: np.ndarray) -> Pairs:
        pairs = [(self.given[row], [each]) for row in chosen.tolist() for each in self.answers[row]]
        return Pairs.of([each[0] for each in pairs], [each[1] for each in pairs])


def tested(given: Iterable[Symbols]) -> np.ndarray:
    """Return which sequences are of the test split, (N,), bool."""
    return carve_test((",".join(map(str, each)).encode() for each in given), TEST_FRACTION)


def _fingerprint(*splits: Pairs) -> str:
    digest = hashlib.sha256()
    for array in (each.numpy() for split in splits for each in split):
        digest.update(f"{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]
