"""Texts: documents, windows and splits."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from sizewise.config import Config, TextConfig
from sizewise.data import Dataset, load
from sizewise.data.splits import Windows, carve_test
from sizewise.data.text import Corpus
from sizewise.errors import UserError
from tests.builders import whole

DOCUMENTS = {f"document {index}": bytes([index]) * 50 for index in range(200)}


def config(**changes: object) -> TextConfig:
    plain = TextConfig(
        name="made-up", root="nowhere", validation_fraction=0.1, train_samples=None, window=10
    )
    return plain.model_copy(update=changes)


def documents(dataset: Dataset, split: str) -> set[int]:
    return set(whole(getattr(dataset, split)).inputs.flatten().tolist())


def test_a_window_asks_for_the_byte_after_each_of_its_bytes() -> None:
    windows = Windows(torch.arange(23, dtype=torch.uint8), 5)

    batch = windows.batch(torch.tensor([3, 0]))

    assert len(windows) == 4  # 20 bytes and what follows them; the rest is left out
    assert batch.inputs.tolist() == [[15, 16, 17, 18, 19], [0, 1, 2, 3, 4]]
    assert batch.targets.tolist() == [[16, 17, 18, 19, 20], [1, 2, 3, 4, 5]]
    assert torch.equal(whole(windows).targets[:, :-1], whole(windows).inputs[:, 1:])


def test_a_document_is_in_one_split_only() -> None:
    dataset = Corpus(DOCUMENTS).divide(config(), seed=0)

    splits = [documents(dataset, name) for name in ("train", "validation", "test")]

    assert splits[0] | splits[1] | splits[2] == set(range(200))
    assert sum(map(len, splits)) == 200
    assert 2 <= len(splits[2]) <= 20
    assert len(splits[1]) == int(0.1 * (200 - len(splits[2])))


def test_the_test_split_knows_no_seed_and_the_others_do() -> None:
    first, other = (Corpus(DOCUMENTS).divide(config(), seed) for seed in (0, 1))

    assert documents(first, "test") == documents(other, "test")
    assert documents(first, "validation") != documents(other, "validation")
    assert first.fingerprint != other.fingerprint
    assert first.fingerprint == Corpus(DOCUMENTS).divide(config(), 0).fingerprint


def test_a_document_that_is_added_moves_no_other() -> None:
    before = carve_test((name.encode() for name in DOCUMENTS), 0.3)
    after = carve_test((name.encode() for name in [*DOCUMENTS, "one more"]), 0.3)

    assert np.array_equal(before, after[:-1])
    assert 0.2 < before.mean() < 0.4


def test_fewer_windows_are_a_part_of_more() -> None:
    few, more = (Corpus(DOCUMENTS).divide(config(train_samples=count), 0) for count in (7, 30))

    assert (len(few.train), len(more.train)) == (7, 30)
    assert torch.equal(whole(few.train).inputs, whole(more.train).inputs[:7])
    assert len(few.validation) == len(more.validation)
    assert few.fingerprint != more.fingerprint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"window": 5000},
            r"leaves a [a-z]+ split of [0-9]+ bytes, and data\.window=5000 needs more",
        ),
        ({"train_samples": 10**6}, r"data\.train_samples=1000000 is more than the [0-9]+ training"),
        ({"validation_fraction": 0.0}, "leaves a validation split of 0 bytes"),
    ],
)
def test_what_can_not_be_divided_says_so(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Corpus(DOCUMENTS).divide(config(**changes), seed=0)


@pytest.mark.parametrize(
    ("name", "least", "known"), [("pydoc", 3e5, "the"), ("stdlib", 3e6, "def ")]
)
def test_the_texts_that_python_carries(
    compose: Callable[..., Config], name: str, least: float, known: str
) -> None:
    dataset = load(compose(f"data={name}").data, seed=0)

    text = whole(dataset.train).inputs[:500].flatten().to(torch.uint8).numpy().tobytes()
    assert len(dataset.train) * 128 > least
    assert known.encode() in text
    assert dataset.spec.output_shape == (128, 256)
    assert 0 < len(dataset.test) < 0.2 * len(dataset.train)
    assert 0 < len(dataset.validation) < 0.2 * len(dataset.train)
