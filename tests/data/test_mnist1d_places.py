"""Where the template lies, against the samples themselves."""

from typing import Any

import numpy as np
import pytest
from mnist1d.data import get_dataset_args, get_templates
from mnist1d.transform import transform

from sizewise.config import DataConfig, Mnist1dConfig
from sizewise.data.published import read_arrays
from sizewise.data.published.mnist1d_places import _place, template_places


def test_a_place_is_where_a_sample_without_noise_is_not_zero() -> None:
    templates, settings = get_templates(), get_dataset_args()
    quiet = get_dataset_args()
    quiet.corr_noise_scale = quiet.iid_noise_scale = quiet.shear_scale = 0
    for seed in range(50):
        template = templates["x"][seed % 10]
        np.random.seed(seed)
        sample, _ = transform(template, templates["t"], quiet)
        after = np.random.rand()
        np.random.seed(seed)
        place = _place(template, templates["t"], settings)
        assert np.random.rand() == after  # the generator goes on as it would have
        assert np.array_equal(place, sample != 0)
        assert 7 <= place.sum() <= 12


@pytest.mark.parametrize("change", [{}, {"test_samples": 90}, {"test_samples": 10}])
def test_places_are_those_of_the_test_samples_in_their_order(
    small_mnist1d_config: Mnist1dConfig, change: dict[str, Any]
) -> None:
    config = small_mnist1d_config.model_copy(update=change)
    samples, places = read_arrays(config).test_inputs[:, 0], template_places(config)
    assert places is not None
    assert places.shape == samples.shape
    bends = np.diff(samples, 2, axis=1) ** 2  # which the shear, a straight line, has none of

    def found(there: np.ndarray) -> float:
        """Return in which share of samples there is more bend to a step there than elsewhere."""
        inside = there[:, 1:-1]
        own, other = (np.average(bends, axis=1, weights=each) for each in (inside, ~inside))
        return float(np.mean(own > other))

    assert found(places) > 0.95
    assert found(np.roll(places, 1, axis=0)) < 0.75
    again = template_places(config)  # from the cache
    assert again is not None
    assert np.array_equal(again, places)


def test_shuffled_steps_take_their_places_along(small_mnist1d_config: Mnist1dConfig) -> None:
    shuffled = small_mnist1d_config.model_copy(update={"shuffle_seq": True})
    plain, mixed = (
        read_arrays(each).test_inputs[:, 0] for each in (small_mnist1d_config, shuffled)
    )
    order = [int(np.abs(plain - mixed[:, [step]]).sum(axis=0).argmin()) for step in range(40)]
    before, after = template_places(small_mnist1d_config), template_places(shuffled)
    assert before is not None
    assert after is not None
    assert np.array_equal(before[:, order], after)


def test_other_sets_know_of_no_template() -> None:
    digits = DataConfig(name="digits", root="data", validation_fraction=0.1, train_samples=None)
    assert template_places(digits) is None
