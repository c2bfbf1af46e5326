"""Images of any size and colour, brought to a training set's form."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from sizewise.data import Normalisation
from sizewise.data.files.conform import Form, fit_drawing, fit_image, fit_numbers, form_of
from sizewise.errors import UserError
from tests.builders import make_spec


def form(name: str, shape: tuple[int, ...], mean: float) -> Form:
    return form_of(replace(make_spec(shape), name=name), Normalisation([mean], [1.0]))


MNIST = form("mnist", (1, 28, 28), 33.3)
LIGHT = form("mnist", (1, 28, 28), 200.0)
DIGITS = form("digits", (1, 8, 8), 4.9)
CIFAR = form("cifar10", (3, 32, 32), 120.0)


def bar(size: tuple[int, int], box: tuple[int, int, int, int], mode: str = "L") -> Image.Image:
    """Return a white bar on black."""
    image = Image.new(mode, size)
    image.paste("white", box)
    return image


def conformed(image: Image.Image, form: Form) -> tuple[np.ndarray, list[str]]:
    values, done = fit_image(image, form)
    return values, [str(step) for step in done]


def test_an_image_of_the_sets_form_is_taken_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    pixels[0, 0] = pixels[-1, -1] = pixels[0, -1] = 0
    values, done = conformed(Image.fromarray(pixels), MNIST)
    assert values.dtype == np.uint8
    assert np.array_equal(values, pixels[None])
    assert done == []


def test_colours_come_channels_first() -> None:
    image = Image.new("RGB", (32, 32), (10, 20, 30))
    values, done = conformed(image, CIFAR)
    assert [values[channel].min() for channel in range(3)] == [10, 20, 30]
    assert done == []


def test_dark_on_light_is_inverted_for_a_set_that_is_light_on_dark() -> None:
    image = Image.new("L", (56, 56), "white")
    image.paste("black", (20, 10, 30, 46))
    values, done = conformed(image, MNIST)
    assert done == ["inverted", "scaled from 56x56 to 28x28"]
    assert values[0, 0, 0] == 0
    assert values[0, 14, 12] == 255
    light_set, done = conformed(image, LIGHT)
    assert "inverted" not in done
    assert light_set[0, 0, 0] == 255


def test_proportions_are_kept_and_the_rest_is_filled_as_the_border() -> None:
    image = Image.new("RGB", (64, 32), (9, 8, 7))
    image.paste("white", (16, 8, 48, 24))
    values, done = conformed(image, CIFAR)
    assert done == ["scaled from 64x32 to 32x32"]
    assert values[:, 0, 0].tolist() == [9, 8, 7]
    rows, columns = np.nonzero((values > 128).all(axis=0))
    assert np.ptp(columns) + 1 == pytest.approx(16, abs=1)
    assert np.ptp(rows) + 1 == pytest.approx(8, abs=1)


@pytest.mark.parametrize(
    ("mode", "word"),
    [("RGB", "made grey"), ("RGBA", "made grey"), ("P", "made grey"), ("1", "made grey")],
)
def test_other_modes_become_grey_and_it_is_said(mode: str, word: str) -> None:
    values, done = conformed(bar((28, 28), (10, 4, 16, 24)).convert(mode), MNIST)
    assert word in done
    assert values[0, 12, 12] == 255
    assert values[0, 0, 0] == 0


def test_white_has_the_value_it_has_in_the_set() -> None:
    values, _ = conformed(bar((8, 8), (3, 0, 5, 8)), DIGITS)
    assert values.max() == 16
    assert values.min() == 0


@pytest.mark.parametrize(
    ("form", "box", "rows", "columns"),
    [
        (MNIST, (100, 40, 140, 240), 20, 4),
        (MNIST, (20, 90, 220, 190), 10, 20),
        (DIGITS, (50, 10, 150, 210), 8, 4),
    ],
    ids=["tall", "wide", "digits"],
)
def test_a_drawing_fills_the_box_of_the_set(
    form: Form, box: tuple[int, int, int, int], rows: int, columns: int
) -> None:
    values = fit_drawing(bar((280, 280), box), form)[0]
    inked = values[0] > 0
    assert values.shape == form.shape
    assert (inked.any(axis=1).sum(), inked.any(axis=0).sum()) == (rows, columns)


def test_a_drawing_is_centred_by_its_centre_of_mass_as_mnist_is() -> None:
    image = bar((280, 280), (20, 20, 60, 220))  # an L, heavy on its left
    image.paste("white", (20, 180, 180, 220))
    ink = fit_drawing(image, MNIST)[0][0]
    rows, columns = np.arange(28) + 0.5, np.arange(28) + 0.5
    assert rows @ ink.sum(axis=1) / ink.sum() == pytest.approx(14, abs=0.51)
    assert columns @ ink.sum(axis=0) / ink.sum() == pytest.approx(14, abs=0.51)


def test_an_empty_drawing_stays_empty() -> None:
    assert not fit_drawing(Image.new("L", (280, 280)), MNIST)[0].any()


SHAPE = (2, 3, 4)
SAMPLES = np.arange(48.0).reshape(2, *SHAPE)


@pytest.mark.parametrize(
    "given",
    [SAMPLES, SAMPLES.reshape(2, 24), np.moveaxis(SAMPLES, 1, -1), SAMPLES.tolist()],
    ids=["as it is", "flat", "channels last", "lists"],
)
def test_samples_are_brought_to_their_shape(given: np.ndarray) -> None:
    values, finite = fit_numbers(given, SHAPE)
    assert values.dtype == np.float32
    assert np.array_equal(values, SAMPLES)
    assert finite.tolist() == [True, True]


def test_one_channel_needs_no_axis_and_what_is_not_finite_is_told() -> None:
    given = np.array([[1, 2], [3, np.inf], [5, 1e300], [np.nan, 8], [9, 10]])
    values, finite = fit_numbers(given, (1, 2))
    assert values[[0, 4], 0].tolist() == [[1, 2], [9, 10]]
    assert finite.tolist() == [True, False, False, False, True]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.zeros((2, 3, 5)), r"of shape \(3, 5\); expected samples of shape \(2, 3, 4\)"),
        (np.zeros(24), r"samples of shape \(\);"),
        ([[1, 2], [3]], "differ in shape"),
        ([["a"] * 24], "not all are numbers"),
        ([[None] * 24], "not all are numbers"),
    ],
)
def test_samples_of_another_kind_are_refused(given: object, said: str) -> None:
    with pytest.raises(UserError, match=said):
        fit_numbers(given, SHAPE)  # type: ignore[arg-type]
