"""The form that images have in each training set, and bringing others to it.

Shapes: C channels, H height, W width.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from sizewise.data.spec import DataSpec

WHITE = 255.0
DARK = 0.5  # sets whose mean is below this share of white lie light on dark


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


def conform(image: Image.Image, spec: DataSpec, mean: float) -> tuple[np.ndarray, list[str]]:
    """Bring a decoded image to the form of a training set.

    One that has its size and mode is taken as it is. Any other is laid on white where it is
    transparent, turned to the set's colours, inverted if it is dark on light and the set is light
    on dark, and scaled to fit, its proportions kept.

    Args:
        image: of any size, 8 or 16 bits a channel.
        spec: the set's.
        mean: over the set's training pixels, in its own scale.

    Returns:
        An array (C, H, W) in the set's scale, and what was done, in words.
    """
    channels, height, width = spec.input_shape
    form, mode = form_of(spec), "L" if channels == 1 else "RGB"
    if image.mode == mode and image.size == (width, height) and form.white == WHITE:
        return _channels_first(image), []
    image, done = _recoloured(image, mode)
    if mode == "L" and mean < DARK * form.white and _border(image) > DARK * WHITE:
        image = ImageOps.invert(image)
        done.append("inverted")
    if image.size != (width, height):
        before = "x".join(map(str, image.size))
        fill = round(_border(image)) if mode == "L" else tuple(map(round, _borders(image)))
        image = ImageOps.pad(image, (width, height), Image.Resampling.BILINEAR, color=fill)
        done.append(f"scaled from {before} to {width}x{height}")
    return _channels_first(image).astype(np.float32) * np.float32(form.white / WHITE), done


def from_drawing(image: Image.Image, spec: DataSpec) -> np.ndarray:
    """Bring a drawing, light on black and of any size, to a grey set's form: (1, H, W).

    The drawn part is cut out, scaled to the set's box with its proportions kept, and centred as the
    set's are: see `FORMS`. An empty drawing stays empty.
    """
    _, height, width = spec.input_shape
    form = form_of(spec)
    drawn = image.convert("L")
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
    return field[None] * np.float32(form.white / WHITE)


def _centre_of_mass(ink: np.ndarray) -> tuple[float, float]:
    rows, columns = (np.arange(extent) + 0.5 for extent in ink.shape)
    total = max(float(ink.sum()), 1e-9)
    return float(rows @ ink.sum(axis=1)) / total, float(columns @ ink.sum(axis=0)) / total


def _recoloured(image: Image.Image, mode: str) -> tuple[Image.Image, list[str]]:
    done = []
    if image.mode.startswith("I;16"):
        eight_bits = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        image = Image.fromarray(eight_bits)
        done.append("16 bits cut to 8")
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        above = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), above).convert("RGB")
        done.append("laid on white")
    if image.mode != mode:
        image = image.convert(mode)
        done.append("made grey" if mode == "L" else "made RGB")
    return image, done


def _border(image: Image.Image) -> float:
    """Return the median of a grey image's border."""
    return float(_borders(image)[0])


def _borders(image: Image.Image) -> np.ndarray:
    """Return the median of each channel's border, (C,)."""
    pixels = np.asarray(image).reshape(image.height, image.width, -1)
    edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    medians: np.ndarray = np.median(np.concatenate(edges), axis=0)
    return medians


def _channels_first(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
