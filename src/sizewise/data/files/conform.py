"""The form that inputs have in each set, and bringing others to it.

Shapes: N samples, C channels, S spatial axes; of images H height, W width.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageOps

from sizewise.data.files import Adapted
from sizewise.data.files.images import WHITE, ground_of, is_light, plain
from sizewise.data.normalisation import Normalisation
from sizewise.data.spec import DataSpec, TableForm
from sizewise.errors import UserError

# Figures on a dark ground have a mean well below this share of white (the sets here: 0.13 to 0.31);
# grey photographs, whose corners say nothing, lie near a half.
DARK = 0.35
NUMERIC = "buif"  # NumPy's kinds: bool, integers, floats


@dataclass(frozen=True)
class Form:
    """What a set's inputs are like and, of images, how its makers brought them to their size.

    Args:
        shape: of one input, (C, *S).
        is_image: whether it is a grey or colour image.
        light_on_dark: whether images show light figures on a dark ground, and others are inverted.
        white: the value of a white pixel.
        box: the share of the side that the longer side of what is drawn takes.
        by_mass: whether it is centred by its centre of mass, else by its bounding box.
        stroke: the share of a drawn figure's height that its strokes are wide.
        unequal: whether inputs are sequences that may end before the last step.
        table: how rows become inputs, where the set is a table.
        rate: samples a second of the sounds that inputs are frames of; else 0.
    """

    shape: tuple[int, ...] = ()
    is_image: bool = False
    light_on_dark: bool = False
    white: float = WHITE
    box: float = 1.0
    by_mass: bool = False
    stroke: float = 0.11
    unequal: bool = False
    table: TableForm | None = None
    rate: int = 0


# MNIST: the digit is scaled to fit 20x20 pixels with its proportions kept, and centred in 28x28 by
# its centre of mass (LeCun et al., http://yann.lecun.com/exdb/mnist/). The 8x8 digits count the ink
# in the 4x4 blocks of a 32x32 bitmap that the digit fills (UCI, Optical Recognition of Handwritten
# Digits): 0 to 16.
FORMS = {
    "mnist": Form(box=20 / 28, by_mass=True),
    "digits": Form(white=16.0, stroke=0.16),
}


def form_of(spec: DataSpec, normalisation: Normalisation) -> Form:
    """Return the form of a set's inputs; images are bytes that fill their frame by default.

    Images of the user's own are never inverted: those learnt from were not either.
    """
    if spec.own:
        own = Form(spec.input_shape, spec.is_image, unequal=spec.unequal, table=spec.table)
        return replace(own, rate=spec.sound_rate)
    form = FORMS.get(spec.name, Form())
    dark = spec.input_shape[0] == 1 and float(np.mean(normalisation.mean)) < DARK * form.white
    form = replace(form, shape=spec.input_shape, is_image=spec.is_image, light_on_dark=dark)
    return replace(form, unequal=spec.unequal)


def fit_numbers(samples: ArrayLike, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Bring samples to their shape.

    Args:
        samples: one or more, each (C, *S), (*S) where C is 1, channels last, or flat.
        shape: (C, *S).

    Returns:
        float32 (N, C, *S), and which of them are finite: bool (N,).

    Raises:
        UserError: they are of another shape, or no numbers.
    """
    channels, *spatial = shape
    expected = f"expected samples of shape ({', '.join(map(str, shape))}), or flat"
    try:
        array = np.asarray(samples)
    except ValueError as error:  # samples of several lengths
        raise UserError(f"the samples differ in shape; {expected}") from error
    if array.dtype.kind not in NUMERIC:
        raise UserError(f"of type {array.dtype}, and not all are numbers; {expected}")
    found = array.shape[1:]
    if found == (*spatial, channels) != shape:
        array = np.moveaxis(array, -1, 1)
    elif found not in (shape, (math.prod(shape),)) and (channels, *found) != (1, *spatial):
        raise UserError(f"samples of shape ({', '.join(map(str, found))}); {expected}")
    with np.errstate(over="ignore"):
        values = array.astype(np.float32).reshape(-1, *shape)
    return values, np.asarray(np.isfinite(values.reshape(len(values), -1)).all(axis=1))


def is_in_form(image: Image.Image, form: Form) -> bool:
    """Return whether `fit_image` leaves an image of a set that inverts none as it is."""
    channels, height, width = form.shape
    is_plain = image.mode == ("L" if channels == 1 else "RGB") and not image.has_transparency_data
    return is_plain and image.size == (width, height)


def fit_image(image: Image.Image, form: Form) -> tuple[np.ndarray, list[Adapted]]:
    """Bring a decoded image to a set's form.

    What is done follows from what the image shows, never from its file's mode: it is turned to the
    set's colours, inverted if it is dark on light and the set is light on dark, and scaled to fit,
    its proportions kept. An image as the set has them comes out as it is.

    Returns:
        An array (C, H, W) in the set's scale, and what was done.

    Raises:
        UserError: there is nothing to see in it.
    """
    _, height, width = form.shape
    image, done = _coloured(image, form)
    if image.size != (width, height):
        before = "x".join(map(str, image.size))
        fill = tuple(map(round, ground_of(image)))
        image = ImageOps.pad(image, (width, height), Image.Resampling.BILINEAR, color=fill)
        to = f"to {width}x{height}"
        done.append(Adapted(f"scaled {to}", f"scaled from {before} {to}"))
    pixels = np.asarray(image)
    values = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    if form.white != WHITE:
        values = values.astype(np.float32) * np.float32(form.white / WHITE)
    return values, done


def fit_drawing(image: Image.Image, form: Form) -> tuple[np.ndarray, list[Adapted]]:
    """Bring a drawing of any size to a grey set's form: (1, H, W), and say what was done.

    One that is dark on light is inverted as `fit_image` does. The drawn part is cut out, scaled to
    the set's box with its proportions kept, and centred as the set's are: see `FORMS`. An empty
    drawing stays empty.

    Raises:
        UserError: there is nothing to see in it.
    """
    _, height, width = form.shape
    drawn, done = _coloured(image, form)
    done = [step for step in done if step.kind == "inverted"]  # a canvas is RGBA: no news
    field = np.zeros((height, width), dtype=np.float32)
    bounds = drawn.getbbox()
    if bounds is not None:
        cut = drawn.crop(bounds)
        scale = form.box * min(width / cut.width, height / cut.height)
        size = (max(1, round(cut.width * scale)), max(1, round(cut.height * scale)))
        ink = np.asarray(cut.resize(size, Image.Resampling.BOX), dtype=np.float32)
        centre = _centre_of_mass(ink) if form.by_mass else (ink.shape[0] / 2, ink.shape[1] / 2)
        top, left = (
            min(max(round(side / 2 - middle), 0), side - extent)
            for side, middle, extent in zip((height, width), centre, ink.shape, strict=True)
        )
        field[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    done.append(Adapted("cut out, scaled and centred"))
    return field[None] * np.float32(form.white / WHITE), done


def _coloured(image: Image.Image, form: Form) -> tuple[Image.Image, list[Adapted]]:
    """Return an image in grey or RGB, light on dark if the set is."""
    image, done = plain(image, "L" if form.shape[0] == 1 else "RGB")
    if form.light_on_dark and is_light(image):
        image = ImageOps.invert(image)
        done.append(Adapted("inverted"))
    return image, done


def _centre_of_mass(ink: np.ndarray) -> tuple[float, float]:
    rows, columns = (np.arange(extent) + 0.5 for extent in ink.shape)
    total = max(float(ink.sum()), 1e-9)
    return float(rows @ ink.sum(axis=1)) / total, float(columns @ ink.sum(axis=0)) / total
