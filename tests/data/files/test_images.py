"""The same picture in any mode and container gives the same numbers; the set's own are kept."""

import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image, ImageOps
from sklearn.datasets import load_digits

from sizewise.config import DataConfig
from sizewise.data import Normalisation
from sizewise.data.files.conform import Form, fit_image, form_of
from sizewise.data.files.images import decode
from sizewise.data.published import read_arrays as read
from sizewise.errors import UserError
from tests.builders import make_spec


def form(name: str, shape: tuple[int, ...], mean: float) -> Form:
    return form_of(replace(make_spec(shape), name=name), Normalisation([mean], [1.0]))


MNIST = form("mnist", (1, 28, 28), 33.3)
FASHION = form("fashion_mnist", (1, 28, 28), 72.9)
PHOTOGRAPHS = form("fashion_mnist", (1, 28, 28), 120.0)
CIFAR = form("cifar10", (3, 28, 28), 30.0)
Turn = Callable[[Image.Image], Image.Image]


def digits() -> Iterator[Image.Image]:
    """Yield light digits on black, 28x28, of mode L."""
    for pixels in load_digits().images[:50]:
        small = Image.fromarray((pixels * 255 / 16).astype(np.uint8))
        inner = small.resize((20, 20), Image.Resampling.BILINEAR)
        yield ImageOps.expand(inner, 4)


def saved(image: Image.Image, container: str) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, container)
    file.seek(0)
    return file


def deep(image: Image.Image, factor: float, kind: str = "<u2") -> Image.Image:
    return Image.fromarray(np.rint(np.asarray(image, float) * factor).astype(kind))


def ink(level: int, of: Turn) -> Turn:
    """Return what makes ink of one grey on a transparent ground; `of` gives its opacity."""

    def make(image: Image.Image) -> Image.Image:
        made = Image.new("RGBA", image.size, (level, level, level, 0))
        made.putalpha(of(image))
        return made

    return make


def transparent_palette(image: Image.Image) -> Image.Image:
    made = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=256)
    made.info["transparency"] = made.getpixel((0, 0))
    return made


def as_it_is(image: Image.Image) -> Image.Image:
    return image


PAPER = ImageOps.invert  # dark on light
# name: how a light digit on black is turned, its container, what is said, and how far it may be off
WAYS: dict[str, tuple[Turn, str, str, int]] = {
    "as it is": (as_it_is, "PNG", "", 0),
    "dark on light": (PAPER, "PNG", "inverted", 0),
    "RGB": (lambda each: PAPER(each).convert("RGB"), "PNG", "made grey, inverted", 0),
    "light RGB": (lambda each: each.convert("RGB"), "PNG", "made grey", 0),
    "palette": (lambda each: PAPER(each).convert("P"), "PNG", "made grey, inverted", 0),
    "GIF": (PAPER, "GIF", "made grey, inverted", 0),
    "LA": (lambda each: PAPER(each).convert("LA"), "PNG", "made grey, inverted", 0),
    "RGBA": (lambda each: PAPER(each).convert("RGBA"), "PNG", "made grey, inverted", 0),
    "CMYK": (lambda each: PAPER(each).convert("CMYK"), "TIFF", "made grey, inverted", 0),
    "JPEG": (PAPER, "JPEG", "inverted", 48),
    "PGM": (PAPER, "PPM", "inverted", 0),
    "BMP": (PAPER, "BMP", "inverted", 0),
    "TIFF": (PAPER, "TIFF", "inverted", 0),
    "dark ink": (ink(0, as_it_is), "PNG", "laid on white, made grey, inverted", 1),
    "light ink": (ink(255, as_it_is), "PNG", "laid on black, made grey", 1),
    "light palette": (transparent_palette, "PNG", "laid on black, made grey", 0),
    "dark palette": (
        lambda each: transparent_palette(PAPER(each)),
        "PNG",
        "laid on white, made grey, inverted",
        0,
    ),
    "16 bits": (lambda each: deep(PAPER(each), 257), "PNG", "16 bits of 16 scaled to 8", 0),
    "light 16 bits": (lambda each: deep(each, 257), "PNG", "16 bits of 16 scaled to 8", 0),
    "12 bits in 16": (lambda each: deep(PAPER(each), 4095 / 255), "PNG", "12 bits of 16", 1),
    "8 bits in 16": (lambda each: deep(PAPER(each), 1), "PNG", "8 bits of 16", 0),
    "TIFF of 16": (lambda each: deep(PAPER(each), 257, ">u2"), "TIFF", "16 bits of 16", 0),
    "32-bit integers": (lambda each: deep(PAPER(each), 1, "<i4"), "TIFF", "8 bits of 16", 0),
    "16-bit PGM": (lambda each: deep(PAPER(each), 257), "PPM", "16 bits of 16", 0),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_same_digit_in_any_mode_gives_the_same_numbers(way: str) -> None:
    turn, container, said, off = WAYS[way]
    for digit in digits():
        image, _ = decode(saved(turn(digit), container))
        values, done = fit_image(image, MNIST)
        assert np.abs(values[0].astype(int) - np.asarray(digit)).max() <= off
        assert ", ".join(map(str, done)).startswith(said)
        assert bool(done) == bool(said)


@pytest.mark.parametrize("turn", [as_it_is, PAPER], ids=["light", "dark"])
def test_two_colours_are_light_on_dark_either_way(turn: Turn) -> None:
    for digit in digits():
        image, _ = decode(saved(turn(digit).convert("1", dither=Image.Dither.NONE), "PNG"))
        values, _ = fit_image(image, MNIST)
        sharp = np.where(np.asarray(digit) > 127, 255, 0)
        assert (values[0] != sharp).mean() < 0.01  # 127 and 128 change sides


@pytest.mark.parametrize(("outer", "inner"), [(255, 60), (60, 255), (200, 90)])
def test_a_garment_that_fills_its_frame_keeps_its_colours(outer: int, inner: int) -> None:
    garment = np.zeros((28, 28), np.uint8)
    garment[:, 3:25] = inner
    garment[3:25, :3] = garment[3:25, 25:] = outer  # most of the border is bright
    garment[0, 3:25] = garment[-1, 3:25] = outer
    values, done = fit_image(Image.fromarray(garment), FASHION)
    assert np.array_equal(values[0], garment)
    assert not done
    values, done = fit_image(Image.fromarray(255 - garment), FASHION)
    assert np.array_equal(values[0], garment)
    assert [step.kind for step in done] == ["inverted"]


@pytest.mark.parametrize(("paper", "pen"), [(110, 20), (255, 190), (140, 255), (30, 100)])
def test_paper_in_the_shade_is_told_from_ink(paper: int, pen: int) -> None:
    for digit in digits():
        ink = np.asarray(digit, float) / np.asarray(digit).max()
        drawn = np.rint(paper + (pen - paper) * ink).astype(np.uint8)
        _, done = fit_image(Image.fromarray(drawn), MNIST)
        assert bool(done) == (paper > pen)


def test_photographs_are_never_inverted() -> None:
    sky = np.full((28, 28), 250, np.uint8)
    sky[14:] = 20
    values, done = fit_image(Image.fromarray(sky), PHOTOGRAPHS)
    assert np.array_equal(values[0], sky)
    assert not done
    values, done = fit_image(Image.fromarray(sky).convert("RGB"), CIFAR)
    assert np.array_equal(values[2], sky)
    assert not done


def test_a_window_with_round_corners_goes_on_below_them() -> None:
    page = Image.new("RGBA", (280, 280), "white")
    page.paste((0, 0, 0, 255), (130, 40, 150, 240))
    page.paste((0, 0, 0, 0), (0, 0, 20, 20))
    page.paste((0, 0, 0, 0), (260, 0, 280, 20))
    values, done = fit_image(page, MNIST)
    assert [step.kind for step in done][:3] == ["laid on white", "made grey", "inverted"]
    assert values[0, 0].max() == 0
    assert values[0, 14, 14] > 200


def test_a_ground_that_is_partly_transparent_is_still_the_ground() -> None:
    for digit in digits():
        dark, alpha = PAPER(digit), digit.point(lambda level: max(40, level))
        image = Image.merge("RGBA", (dark, dark, dark, alpha))
        values, done = fit_image(image, MNIST)
        assert [step.kind for step in done] == ["laid on white", "made grey", "inverted"]
        assert values[0].max() > 180


def test_what_is_wholly_transparent_is_not_answered() -> None:
    with pytest.raises(UserError, match="nothing to see"):
        fit_image(Image.new("RGBA", (28, 28), (9, 9, 9, 0)), MNIST)


def test_none_of_mnists_own_images_is_changed(mnist_root: Path) -> None:
    arrays = read(
        DataConfig(name="mnist", root=str(mnist_root), validation_fraction=0.1, train_samples=None)
    )
    for pixels in arrays.test_inputs:
        values, done = fit_image(Image.fromarray(pixels[0]), MNIST)
        assert not done
        assert np.array_equal(values, pixels)
        values, done = fit_image(Image.fromarray(255 - pixels[0]), MNIST)
        assert np.array_equal(values, pixels)


@pytest.mark.parametrize("warned", ["ignore", "error"])
def test_too_large_an_image_is_refused_whatever_is_done_to_warnings(
    monkeypatch: pytest.MonkeyPatch, warned: Literal["ignore", "error"]
) -> None:
    file = io.BytesIO()
    Image.new("L", (30, 40)).save(file, "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # from twice as many Pillow refuses itself
    with warnings.catch_warnings():
        warnings.simplefilter(warned)
        with pytest.raises(UserError, match="an image that can't be read"):
            decode(file)
