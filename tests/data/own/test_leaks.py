"""Samples of a given test split that training has too: said, and left out if asked to."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sizewise.config import OwnConfig, SamplesConfig
from sizewise.data import Split, load
from tests.builders import whole
from tests.data.own.photos import config, counts, fill, save

Said = pytest.CaptureFixture[str]


@pytest.fixture
def leaking(photos: Path) -> OwnConfig:
    """Return 24 images to learn from, and 8 to test: one of them is in train too, one in val."""
    fill(photos / "train", "cat", "dog", count=8)
    fill(photos / "val", "cat", "dog", count=4, seed=10)
    fill(photos / "test", "cat", "dog", count=3, seed=20)
    save(photos / "test/cat/copied.png", 1000)  # train/dog/0.png, of another class
    save(photos / "test/cat/held out.png", 10_001)  # val/cat/1.png
    return config(photos)


def test_leaks_are_said_and_left_out_of_what_is_learnt_from(
    leaking: OwnConfig, capsys: Said
) -> None:
    kept = load(leaking, seed=0)
    said = "2 samples to learn from are in the test split too"
    assert f"{said}: data.drop_leaks=true leaves them out of training" in capsys.readouterr().err
    assert counts(kept) == [16, 8, 8]
    dropped = load(leaking.model_copy(update={"drop_leaks": True}), seed=0)
    assert f"{said}, and are left out" in capsys.readouterr().err
    assert counts(dropped) == [15, 7, 8]
    assert dropped.test_fingerprint == kept.test_fingerprint
    assert dropped.train_fingerprint != kept.train_fingerprint
    learnt = {each.numpy().tobytes() for each in whole(dropped.train).inputs}
    assert len(learnt) == 15


def test_so_it_is_in_arrays(tmp_path: Path, capsys: Said) -> None:
    samples = torch.randn(30, 6).numpy()
    labels = np.arange(30) % 3
    path = tmp_path / "signals.npz"
    np.savez(
        path,
        x_train=samples[:24],
        y_train=labels[:24],
        x_test=samples[20:],
        y_test=labels[20:],
    )
    own = SamplesConfig(
        name="arrays",
        path=str(path),
        root="data",
        train_samples=None,
        test_fraction=0.2,
        validation_fraction=0.2,
        drop_leaks=True,
    )
    dataset = load(own, seed=0)
    assert "4 samples to learn from are in the test split too, and are left out" in (
        capsys.readouterr().err
    )
    assert counts(dataset) == [16, 4, 10]
    assert isinstance(dataset.train, Split)


def test_a_chosen_test_split_leaks_nothing(photos: Path, capsys: Said) -> None:
    fill(photos, "cat", "dog")
    save(photos / "cat/again.png", 3)
    load(config(photos), seed=0)
    assert "are in the test split" not in capsys.readouterr().err
