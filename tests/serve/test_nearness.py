"""What is far from the training samples: rarely a test sample, and nearly always a scribble."""

import numpy as np
import pytest

from sizewise.data.published import read_arrays
from sizewise.serve.nearness import Nearness
from tests.serve.conftest import DIGITS


def test_two_in_a_hundred_test_samples_are_far() -> None:
    arrays = read_arrays(DIGITS)
    nearness = Nearness(arrays.train_inputs, arrays.test_inputs)
    assert 0.01 < nearness.far(arrays.test_inputs).mean() <= 0.02
    half = Nearness(arrays.train_inputs, arrays.test_inputs[::2])
    assert half.far(arrays.test_inputs[1::2]).mean() < 0.05  # of samples it does not know


SIDE = np.arange(8)
FRAME = 16.0 * ((SIDE % 7 == 0)[:, None] | (SIDE % 7 == 0))


@pytest.mark.parametrize(
    "picture",
    [np.zeros((8, 8)), np.full((8, 8), 16.0), FRAME, 0.3 * FRAME, 16.0 * np.eye(8)],
    ids=["nothing", "too much ink", "a frame", "a faint frame", "a diagonal"],
)
def test_what_is_no_digit_is_far(picture: np.ndarray) -> None:
    arrays = read_arrays(DIGITS)
    nearness = Nearness(arrays.train_inputs, arrays.test_inputs)
    assert nearness.far(picture[None, None]).tolist() == [True]


def test_each_of_the_three_lengths_counts() -> None:
    rng = np.random.default_rng(0)
    train = np.concatenate([np.eye(2) * ink for ink in rng.uniform(1, 2, 200)])[:, None]
    nearness = Nearness(train, train[::3] + 0.001)
    seen = np.array([[[1.5, 0.0]], [[2.4, 0.0]], [[0.1, 0.1]], [[-1.5, 0.0]]])
    assert nearness.far(seen).tolist() == [False, True, True, True]
