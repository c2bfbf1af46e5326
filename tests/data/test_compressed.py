"""Compressors' rates against their definition, and that they are measured once."""

import lzma
import random
from pathlib import Path

import pytest

from sizewise.config import TextConfig
from sizewise.data import compressed
from sizewise.data.text import Corpus
from tests.builders import make_dataset

random.seed(0)
LEARNT, NEW = (bytes(random.choices(b"abcd", k=5000)) for _ in range(2))


def test_what_was_learnt_is_known_and_what_is_random_costs_its_entropy() -> None:
    found = compressed.rates(LEARNT, LEARNT[:1000])
    assert set(found) == {"gzip", "bz2", "xz"}
    assert found["gzip"] < 0.3
    assert found["xz"] < 0.6
    assert all(1.9 < rate < 3.2 for rate in compressed.rates(LEARNT, NEW).values())
    size = len(lzma.compress(LEARNT + NEW, preset=9)) - len(lzma.compress(LEARNT, preset=9))
    assert compressed.rates(LEARNT, NEW)["xz"] == size * 8 / 5000


def test_a_set_is_compressed_once_and_what_came_of_it_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compressed, "_known", {})
    config = TextConfig(
        name="made-up", root="nowhere", validation_fraction=0.2, train_samples=None, window=10
    )
    documents = {str(index): bytes(random.choices(b"ab", k=100)) for index in range(60)}
    dataset = Corpus(documents, 0.3).divide(config, seed=0)
    found = compressed.rates_of(dataset)
    texts = (each.text.numpy().tobytes() for each in (dataset.train, dataset.test))  # type: ignore[attr-defined]
    assert found == compressed.rates(*texts)
    with monkeypatch.context() as patch:
        patch.setattr(compressed, "rates", None)  # whoever compresses again fails
        assert compressed.rates_of(dataset) == found
        compressed._known.clear()
        assert compressed.rates_of(dataset) == found  # of the file
    with pytest.raises(TypeError, match="made-up is no text"):
        compressed.rates_of(make_dataset())


def test_a_folder_that_can_not_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sizewise").write_text("a file in its place")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compressed, "_known", {})
    config = TextConfig(
        name="made-up", root="nowhere", validation_fraction=0.2, train_samples=None, window=10
    )
    documents = {str(index): bytes(random.choices(b"ab", k=100)) for index in range(60)}
    assert compressed.rates_of(Corpus(documents, 0.3).divide(config, seed=0))["gzip"] > 0
