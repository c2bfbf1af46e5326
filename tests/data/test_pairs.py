"""Pairs of sequences: how they become batches, and how a set of them is divided."""

import itertools

import pytest
import torch

from sizewise.config import DataConfig
from sizewise.data.pairs import Dictionary, Pairs
from sizewise.errors import UserError

WORDS = list(itertools.product(range(3), repeat=4))
ANSWERS = [[[1 + each for each in word]] + [[1]] * (word[0] == 0) for word in WORDS]
DICTIONARY = Dictionary("words", WORDS, ANSWERS, ("a", "b", "c"), ("A", "B", "C"))


def config(**changed: object) -> DataConfig:
    given = {"name": "pairs", "root": ".", "validation_fraction": 0.1, "train_samples": None}
    return DataConfig.model_validate(given | changed)


def test_a_network_is_given_each_answer_behind_the_boundary() -> None:
    """The second sequence has one answer, and the batch is cut to its longest."""
    split = Pairs.of([[5, 6, 7], [8], [9] * 9], [[[1, 2], [3]], [[4]], [[1] * 9]])

    batch = split.batch(slice(0, 2))
    inputs, lengths, prompts = batch.given

    assert batch.targets.tolist() == [[[1, 2, 0], [3, 0, -1]], [[4, 0, -1], [-1, -1, -1]]]
    assert inputs.tolist() == [[5, 6, 7]] * 2 + [[8, 0, 0]] * 2
    assert lengths.tolist() == [3, 3, 1, 1]
    assert prompts.tolist() == [[0, 1, 2], [0, 3, 0], [0, 4, 0], [0, 0, 0]]


def test_answers_are_samples_in_training_and_alternatives_elsewhere() -> None:
    dataset = DICTIONARY.divide(config(), seed=0)

    splits = dataset.train, dataset.validation, dataset.test
    seen = [
        {tuple(each) for each in split.batch(slice(0, None)).inputs.tolist()} for split in splits
    ]
    assert set(WORDS) == set.union(*seen)
    assert sum(map(len, seen)) == len(WORDS)
    assert [len(split) for split in splits[1:]] == [len(each) for each in seen[1:]]
    assert len(dataset.train) == len(seen[0]) + sum(word[0] == 0 for word in seen[0])
    assert dataset.train.batch(slice(0, 2)).targets.shape == (2, 1, 5)
    assert dataset.test.batch(slice(0, None)).targets.shape[1] == 2
    assert dataset.spec.output_shape == (5, 4)
    assert dataset.spec.random_batch(100).unique().tolist() == [0, 1, 2]


def test_another_seed_has_the_same_test_split_and_fewer_samples_are_some_of_more() -> None:
    first, second = (DICTIONARY.divide(config(), seed) for seed in (0, 1))
    fewer, more = (DICTIONARY.divide(config(train_samples=count), 0).train for count in (10, 20))

    assert first.test_fingerprint == second.test_fingerprint
    assert first.fingerprint != second.fingerprint
    assert torch.equal(first.test.batch(slice(0, 9)).inputs, second.test.batch(slice(0, 9)).inputs)
    few, many = (
        {
            (*given, -1, *answers[0])
            for given, answers in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True)
        }
        for batch in (split.batch(slice(0, None)) for split in (fewer, more))
    )
    assert few < many
    with pytest.raises(UserError, match="=1000 is more than the"):
        DICTIONARY.divide(config(train_samples=1000), 0)


def test_too_few_sequences_can_not_be_divided() -> None:
    with pytest.raises(UserError, match="leaves a split empty"):
        Dictionary("words", WORDS[:2], ANSWERS[:2], ("a", "b", "c"), ("A", "B", "C")).divide(
            config(), 0
        )
