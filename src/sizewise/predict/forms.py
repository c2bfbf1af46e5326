"""The form that images have in each training set, and bringing others to it.

Shapes: C channels, H height, W width.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from sizewise.data.spec import DataSpec
from sizewise.predict.colours import Step, ground_of, is_light, plain

WHITE = 255.0
# Figures on a dark ground have a mean well below this share of white (the sets here: 0.13 to 0.31);
# grey photographs, whose corners say nothing, lie near a half.
DARK = 0.35


@dataclass(frozen=True)
class Form:
    """How a set's makers brought its images to their size.

    Args:
        white: the value of a white pixel.
        box: the share of the side that the longer side of what is drawn takes.
        by_mass: whether it is centred by its centre of mass, else by its bounding box.
        stroke: the share of a drawn figure's height that its strokes are wide.
    """

    white: float = WHITE
    box: float = 1.0
    by_mass: bool = False
    stroke: float = 0.11


# MNIST: the digit is scaled to fit 20x20 pixels with its proportions kept, and centred in 28x28 by
# its centre of mass (LeCun et al., http://yann.lecun.com/exdb/mnist/). The 8x8 digits count the ink
# in the 4x4 blocks of a 32x32 bitmap that the digit fills (UCI, Optical Recognition of Handwritten
# Digits): 0 to 16.
FORMS = {
    "mnist": Form(box=20 / 28, by_mass=True),
    "digits": Form(white=16.0, stroke=0.16),
}


def form_of(spec: DataSpec) -> Form:
    """Return the form of a set's images; that of byte images which fill their frame by default."""
    return FORMS.get(spec.name, Form())


def conform(image: Image.Image, spec: DataSpec, mean: float) -> tuple[np.ndarray, list[Step]]:
    """Bring a decoded image to the form of a training set.

    What is done follows from what the image shows, never from its file's mode: it is turned to the
    set's colours, inverted if it is dark on light and the set is light on dark, and scaled to fit,
    its proportions kept. An image as the set has them comes out as it is.

    Args:
        image: of any size, 8 or 16 bits a channel.
        spec: the set's.
        mean: over the set's training pixels, in its own scale.

    Returns:
        An array (C, H, W) in the set's scale, and what was done.

    Raises:
        UserError: there is nothing to see in it.
    """
    channels, height, width = spec.input_shape
    form = form_of(spec)
    image, done = _grey(image, form, mean) if channels == 1 else plain(image, "RGB")
    if image.size != (width, height):
        before = "x".join(map(str, image.size))
        fill = tuple(map(round, ground_of(image)))
        image = ImageOps.pad(
            image,
            (width, height),
            Image.Resampling.BILINEAR,
            color=fill[0] if channels == 1 else fill,
        )
        to = f"to {width}x{height}"
        done.append(Step(f"scaled {to}", f"scaled from {before} {to}"))
    pixels = np.asarray(image)
    values = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    if form.white != WHITE:
        values = values.astype(np.float32) * np.float32(form.white / WHITE)
    return values, done


def _grey(image: Image.Image, form: Form, mean: float) -> tuple[Image.Image, list[Step]]:
    """Return an image in grey, light on dark if the set is."""
    image, done = plain(image, "L")
    if mean < DARK * form.white and is_light(image):
        image = ImageOps.invert(image)
        done.append(Step("inverted"))
    return image, done


def from_drawing(image: Image.Image, spec: DataSpec, mean: float) -> tuple[np.ndarray, list[Step]]:
    """Bring a drawing of any size to a grey set's form: (1, H, W), and say what was done.

    One that is dark on light is inverted as `conform` does. The drawn part is cut out, scaled to
    the set's box with its proportions kept, and centred as the set's are: see `FORMS`. An empty
    drawing stays empty.

    Raises:
        UserError: there is nothing to see in it.
    """
    _, height, width = spec.input_shape
    form = form_of(spec)
    drawn, done = _grey(image, form, mean)
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
    done.append(Step("cut out, scaled and centred"))
    return field[None] * np.float32(form.white / WHITE), done


def _centre_of_mass(ink: np.ndarray) -> tuple[float, float]:
    rows, columns = (np.arange(extent) + 0.5 for extent in ink.shape)
    total = max(float(ink.sum()), 1e-9)
    return float(rows @ ink.sum(axis=1)) / total, float(columns @ ink.sum(axis=0)) / total
