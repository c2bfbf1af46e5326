"""Splits, normalisation and fingerprint: what `load` does to any source's arrays."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sizewise.config import DataConfig
from sizewise.data import (
    Dataset,
    Normalisation,
    carve_validation,
    choose_stratified,
)
from sizewise.data.arrays import Arrays
from sizewise.data.splits import Samples
from sizewise.errors import UserError
from tests.builders import whole

TARGETS = np.repeat(np.arange(4), [100, 60, 30, 11])


def make_arrays(channels: int = 2) -> Arrays:
    """Return 80 training and 20 test sequences; channels and splits differ in mean and scale."""
    random = np.random.default_rng(0)
    train = random.normal(3, 2, (80, channels, 5)).astype(np.float32)
    train[:, 1:] = 7 * train[:, 1:] + 100
    test = random.normal(50, 9, (20, channels, 5)).astype(np.float32)
    return Arrays(train, np.arange(80) % 4, test, np.arange(20) % 4, ("a", "b", "c", "d"))


def load_arrays(
    arrays: Arrays,
    seed: int = 0,
    fraction: float = 0.25,
    train_samples: int | None = None,
) -> Dataset:
    config = DataConfig(
        name="made-up", root="nowhere", validation_fraction=fraction, train_samples=train_samples
    )
    return arrays.divide(config, seed)


def restore(split: Samples, normalisation: Normalisation) -> np.ndarray:
    """Return a split's inputs as they were before normalisation."""
    mean, std = (torch.tensor(values).view(1, -1, 1) for values in normalisation[:2])
    restored: np.ndarray = (whole(split).inputs * std + mean).numpy()
    return restored


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.5])
def test_validation_and_training_are_disjoint_and_complete(fraction: float) -> None:
    training, validation = carve_validation(TARGETS, fraction, seed=0)
    assert not set(training) & set(validation)
    assert set(training) | set(validation) == set(range(len(TARGETS)))
    assert len(training) + len(validation) == len(TARGETS)


def test_validation_takes_its_share_of_each_class() -> None:
    _, validation = carve_validation(TARGETS, 0.1, seed=0)
    assert np.bincount(TARGETS[validation]).tolist() == [10, 6, 3, 1]


def test_the_split_is_stable_for_a_seed() -> None:
    for first, second in zip(
        carve_validation(TARGETS, 0.1, 7), carve_validation(TARGETS, 0.1, 7), strict=True
    ):
        assert np.array_equal(first, second)
    _, validation = carve_validation(np.repeat([0, 1], 10), 0.2, seed=0)
    assert validation.tolist() == [4, 6, 12, 19]  # earlier runs' records rest on it


def test_seeds_choose_different_validation_samples() -> None:
    chosen = {tuple(carve_validation(TARGETS, 0.1, seed)[1]) for seed in range(5)}
    assert len(chosen) == 5


def test_inputs_keep_their_targets() -> None:
    arrays = make_arrays()
    arrays.train_inputs[:, 0, 0] = np.arange(80)  # each sample carries its own index
    dataset = load_arrays(arrays)
    for split in (dataset.train, dataset.validation):
        indices = restore(split, dataset.normalisation)[:, 0, 0].round().astype(int)
        assert arrays.train_targets[indices].tolist() == whole(split).targets.tolist()


def test_the_test_split_is_as_published_whatever_the_seed() -> None:
    arrays = make_arrays()
    for seed in range(3):
        dataset = load_arrays(arrays, seed)
        test = restore(dataset.test, dataset.normalisation)
        assert np.allclose(test, arrays.test_inputs, atol=1e-3)
        assert np.array_equal(whole(dataset.test).targets.numpy(), arrays.test_targets)


def test_training_inputs_have_mean_0_and_deviation_1_in_each_channel() -> None:
    inputs = whole(load_arrays(make_arrays()).train).inputs.double()
    assert inputs.mean(dim=(0, 2)).abs().max() < 1e-5
    assert (inputs.std(dim=(0, 2), correction=0) - 1).abs().max() < 1e-5


def test_normalisation_reads_training_samples_only() -> None:
    arrays = make_arrays()
    training, validation = carve_validation(arrays.train_targets, 0.25, seed=0)
    changed = arrays.train_inputs.copy()
    changed[validation] += 1000
    dataset = load_arrays(
        replace(arrays, train_inputs=changed, test_inputs=arrays.test_inputs - 1000)
    )
    expected = arrays.train_inputs[training].astype(np.float64)
    assert np.allclose(dataset.normalisation.mean, expected.mean(axis=(0, 2)))
    assert np.allclose(dataset.normalisation.std, expected.std(axis=(0, 2)))
    assert dataset.normalisation.low == expected.min(axis=(0, 2)).tolist()
    assert dataset.normalisation.high == expected.max(axis=(0, 2)).tolist()
    assert dataset.normalisation.mean_std == pytest.approx(expected.mean(axis=2).std(axis=0))
    assert dataset.normalisation.least_std == pytest.approx(expected.std(axis=2).min(axis=0))


def test_bytes_are_normalised_as_numbers() -> None:
    arrays = make_arrays()
    images = np.random.default_rng(0).integers(0, 256, (80, 1, 4, 4), dtype=np.uint8)
    dataset = load_arrays(replace(arrays, train_inputs=images, test_inputs=images[:20]))
    mean, std = dataset.normalisation.mean[0], dataset.normalisation.std[0]
    expected = (images[:20].astype(np.float64) - mean) / std
    assert whole(dataset.test).inputs.dtype == torch.float32
    assert np.allclose(whole(dataset.test).inputs.numpy(), expected, atol=1e-6)


def test_a_constant_channel_becomes_zero() -> None:
    arrays = make_arrays()
    arrays.train_inputs[:, 1] = 5
    arrays.test_inputs[:, 1] = 5
    dataset = load_arrays(arrays)
    assert whole(dataset.train).inputs[:, 1].abs().max() == 0
    assert whole(dataset.test).inputs[:, 1].abs().max() == 0


def test_loading_leaves_the_source_arrays_as_they_are() -> None:
    arrays = make_arrays()
    before = arrays.train_inputs.copy(), arrays.test_inputs.copy()
    load_arrays(arrays)
    assert np.array_equal(arrays.train_inputs, before[0])
    assert np.array_equal(arrays.test_inputs, before[1])


@pytest.mark.parametrize("rows", [1, 7, 1000])
@pytest.mark.parametrize("train_samples", [None, 9])
def test_arrays_that_are_handed_over_give_the_same_in_their_own_memory(
    monkeypatch: pytest.MonkeyPatch, rows: int, train_samples: int | None
) -> None:
    expected = load_arrays(make_arrays(), train_samples=train_samples)
    monkeypatch.setattr("sizewise.data.arrays.ROWS", rows)
    arrays = replace(make_arrays(), handed_over=True)
    dataset = load_arrays(arrays, train_samples=train_samples)
    for name in ("train", "validation", "test"):
        found, wanted = whole(getattr(dataset, name)), whole(getattr(expected, name))
        torch.testing.assert_close(found.inputs, wanted.inputs)
        assert torch.equal(found.targets, wanted.targets)
    assert dataset.fingerprint == expected.fingerprint
    for split, source in ((dataset.train, arrays.train_inputs), (dataset.test, arrays.test_inputs)):
        assert np.shares_memory(whole(split).inputs.numpy(), source)


def test_the_fingerprint_is_the_same_for_the_same_bytes() -> None:
    fingerprints = {load_arrays(make_arrays()).fingerprint for _ in range(2)}
    assert len(fingerprints) == 1


def test_the_fingerprint_ignores_how_arrays_lie_in_memory() -> None:
    arrays = make_arrays()
    transposed = replace(arrays, train_inputs=np.asfortranarray(arrays.train_inputs))
    assert load_arrays(transposed).fingerprint == load_arrays(arrays).fingerprint


def test_the_fingerprint_changes_with_any_byte_and_any_split() -> None:
    arrays = make_arrays()
    fingerprints = [load_arrays(arrays).fingerprint]
    for name in ("train_inputs", "train_targets", "test_inputs", "test_targets"):
        changed = getattr(arrays, name).copy()
        changed.flat[0] += 1
        fingerprints.append(load_arrays(replace(arrays, **{name: changed})).fingerprint)
    fingerprints.append(load_arrays(arrays, seed=1).fingerprint)
    fingerprints.append(load_arrays(arrays, fraction=0.5).fingerprint)
    assert len(set(fingerprints)) == len(fingerprints)


@pytest.mark.parametrize("fraction", [0.001, 0.999])
def test_an_empty_split_is_an_error(fraction: float) -> None:
    with pytest.raises(UserError, match=r"data\.validation_fraction=0\.\d+ of 80 training samples"):
        load_arrays(make_arrays(), fraction=fraction)


def test_with_a_fraction_of_0_all_are_trained_on() -> None:
    arrays = make_arrays()
    dataset = load_arrays(arrays, fraction=0)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (80, 0, 20)
    assert dataset.fingerprint == load_arrays(arrays, seed=1, fraction=0).fingerprint
    together = load_arrays(replace(arrays, groups=np.arange(80) % 7), fraction=0)
    assert len(together.train) == 80


def indices(split: Samples, dataset: Dataset) -> set[int]:
    """Return which samples of `make_numbered` a split holds."""
    return set(restore(split, dataset.normalisation)[:, 0, 0].round().astype(int).tolist())


def make_numbered() -> Arrays:
    """Return arrays whose training samples each carry their own index."""
    arrays = make_arrays()
    arrays.train_inputs[:, 0, 0] = np.arange(80)
    return arrays


def test_fewer_training_samples_are_a_stratified_subset_of_more() -> None:
    everything = load_arrays(make_numbered())
    before: set[int] = set()
    for count in (4, 7, 20, 60):
        dataset = load_arrays(make_numbered(), train_samples=count)
        chosen = indices(dataset.train, dataset)
        per_class = whole(dataset.train).targets.bincount(minlength=4)
        assert len(dataset.train) == len(chosen) == count
        assert per_class.max() - per_class.min() <= 1
        assert before <= chosen
        assert indices(dataset.validation, dataset) == indices(everything.validation, everything)
        before = chosen
    assert before == indices(everything.train, everything)


def test_which_training_samples_are_left_depends_on_the_seed_and_shows_in_the_fingerprint() -> None:
    first, again, other = (
        load_arrays(make_numbered(), seed, train_samples=20) for seed in (0, 0, 1)
    )
    assert indices(first.train, first) == indices(again.train, again)
    assert indices(first.train, first) != indices(other.train, other)
    assert first.fingerprint != load_arrays(make_numbered()).fingerprint


def test_normalisation_reads_the_training_samples_that_are_left() -> None:
    inputs = whole(load_arrays(make_arrays(), train_samples=8).train).inputs.double()
    assert inputs.mean(dim=(0, 2)).abs().max() < 1e-5


def test_rare_classes_keep_one_sample() -> None:
    targets = np.array([0] * 90 + [1] * 9 + [2])
    chosen = choose_stratified(targets, 12, 0, "data.train_samples")
    assert np.bincount(targets[chosen]).tolist() == [10, 1, 1]


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (61, "data.train_samples=61 is more than the 60 training samples: expected at most 60"),
        (3, "data.train_samples=3 is fewer than the 4 classes: expected at least 4"),
    ],
)
def test_too_many_and_too_few_training_samples_are_errors(count: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_arrays(make_arrays(), train_samples=count)
