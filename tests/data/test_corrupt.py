"""Labels that are wrong on purpose: how many, which, and nothing else."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sizewise.data import Dataset
from sizewise.data.corrupt import with_label_noise
from sizewise.errors import UserError
from sizewise.run.data import load_for
from tests.builders import make_dataset, whole
from tests.lab import make_config

CLASSES = 5


@pytest.fixture(scope="module")
def clean() -> Dataset:
    return make_dataset(1000, 50, (1, 6), CLASSES)


def steps(clean: Dataset, noisy: Dataset) -> np.ndarray:
    """Return by how much each training label was moved on."""
    moved = whole(noisy.train).targets - whole(clean.train).targets
    return np.asarray(moved.numpy() % CLASSES)


@pytest.mark.parametrize("share", [0.001, 0.25, 0.9])
def test_the_share_is_wrong_to_the_sample_and_other_classes_are_as_likely(
    clean: Dataset, share: float
) -> None:
    moved = steps(clean, with_label_noise(clean, share, None, seed=0))
    counts = np.bincount(moved, minlength=CLASSES)
    assert counts[0] == 1000 - round(share * 1000)
    if share == 0.9:
        assert counts[1:].min() > 170


def test_pairs_take_each_class_for_the_next(clean: Dataset) -> None:
    moved = steps(clean, with_label_noise(clean, 0.25, "pairs", seed=0))
    assert np.bincount(moved).tolist() == [750, 250]


def test_uniform_draws_from_all_classes_so_that_fewer_are_wrong(clean: Dataset) -> None:
    moved = steps(clean, with_label_noise(clean, 0.5, "uniform", seed=0))
    assert 350 < (moved != 0).sum() < 450  # four fifths of 500


def test_with_more_noise_the_same_labels_are_wrong_and_others(clean: Dataset) -> None:
    few = steps(clean, with_label_noise(clean, 0.1, None, seed=3))
    more = steps(clean, with_label_noise(clean, 0.3, None, seed=3))
    other = steps(clean, with_label_noise(clean, 0.1, None, seed=4))
    assert (more[few != 0] == few[few != 0]).all()
    assert ((few != 0) != (other != 0)).any()


def test_only_training_labels_change(clean: Dataset) -> None:
    before = whole(clean.train).targets.clone()
    noisy = with_label_noise(clean, 0.4, None, seed=0)
    assert torch.equal(whole(clean.train).targets, before)
    assert torch.equal(whole(noisy.train).inputs, whole(clean.train).inputs)
    assert noisy.validation is clean.validation
    assert noisy.test is clean.test
    assert noisy.fingerprint == clean.fingerprint


def test_a_run_learns_from_them_and_none_is_off(tmp_path: Path) -> None:
    digits = tmp_path, "data=digits", "model=mlp"
    off = make_config(*digits, "data.label_noise=0", "data.label_noise_kind=pairs")
    assert off == make_config(*digits)
    plain = whole(load_for(make_config(*digits)).train)
    noisy = whole(load_for(make_config(*digits, "data.label_noise=0.5")).train)
    assert (plain.targets != noisy.targets).float().mean() == pytest.approx(0.5, abs=1e-3)


def test_what_has_no_classes_is_refused(tmp_path: Path) -> None:
    config = make_config(tmp_path, "data=pydoc", "training=text", "data.label_noise=0.1")
    with pytest.raises(UserError, match=r"data.label_noise=0.1 makes classes wrong, and pydoc"):
        load_for(config)
