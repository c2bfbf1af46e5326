"""Images of any kind, opened with care, as plain 8-bit grey or RGB: by what they show."""

import math
import warnings
from pathlib import Path
from typing import IO

import numpy as np
from PIL import ExifTags, Image, ImageFilter, ImageOps, UnidentifiedImageError

from sizewise.data.files import Adapted
from sizewise.errors import UserError, first_line

DEEP = ("I", "I;16", "I;16L", "I;16B", "I;16N")  # modes of 16 bits; PGM's come as 32
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
# Pillow reads more, PostScript through another program among them; photographs come in these.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", *DEEP)
UPRIGHT = 1  # EXIF's orientation of an image that needs no turning
ORIENTATIONS = range(1, 9)  # others mean nothing
MIRRORED = 4  # the last of those that need no quarter turn
WHITE = 255.0
LIGHT = WHITE / 2
BITS = (8, 10, 12, 14, 16)  # that cameras and scanners store in 16
CORNER = 28  # a corner is this part of each side: one pixel of MNIST's
ENOUGH = 500  # pixels a side to see what is ink and what is ground
BLENDED = 0.1 * WHITE  # by how much edges differ from what they surround if they are blended
MOSTLY = 0.9  # an image of which more than this share is opaque has a ground of its own

# `decode` refuses what Pillow warns of, whatever else is done to warnings.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def decode(file: IO[bytes]) -> tuple[Image.Image, list[Adapted]]:
    """Return a file's first image, upright, and what that took.

    Raises:
        UserError: it is no image, damaged, or larger than is read.
    """
    try:
        image: Image.Image = Image.open(file, formats=FORMATS)
        most = Image.MAX_IMAGE_PIXELS
        if most and image.width * image.height > most:
            raise ValueError(f"{image.width}x{image.height}; expected at most {most:,} pixels")
        done = [Adapted("first frame")] * (getattr(image, "n_frames", 1) > 1)
        image.load()
        if _orientation(image) != UPRIGHT:
            image = ImageOps.exif_transpose(image)
            done.append(Adapted("turned upright"))
    except UnidentifiedImageError as error:
        raise UserError(f"not an image; expected one of {', '.join(FORMATS)}") from error
    except Exception as error:  # a damaged file can raise anything from its parser
        raise UserError(f"an image that can't be read ({first_line(error)})") from error
    if image.mode not in MODES:
        raise UserError(f"its pixels are of mode {image.mode}; expected 8 or 16 bits a channel")
    return image, done


def shown_size(path: Path) -> tuple[int, int] | None:
    """Return an image's width and height when upright, from its head; None if it has none."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            turned = _orientation(image) > MIRRORED
            return (image.height, image.width) if turned else image.size
    except Exception:  # a damaged file can raise anything from its parser
        return None


def _orientation(image: Image.Image) -> int:
    """Return how EXIF says that an image is to be turned."""
    found: int = image.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    return found if found in ORIENTATIONS else UPRIGHT


def plain(image: Image.Image, mode: str) -> tuple[Image.Image, list[Adapted]]:
    """Return an image as `L` or `RGB`, and what that took.

    Raises:
        UserError: there is nothing to see in it, or its numbers are not of 16 bits.
    """
    done = []
    if image.mode in DEEP:
        image, step = _eight_bits(image)
        done.append(step)
    if image.has_transparency_data:
        image, steps = _laid(image)
        done += steps
    if image.mode != mode:
        image = image.convert(mode)
        done.append(Adapted("made grey" if mode == "L" else "made RGB"))
    return image, done


def is_light(image: Image.Image) -> bool:
    """Return whether a grey image has a light ground.

    Its corners tell: a figure may fill much of its frame and of its border (a shirt does), but
    hardly ever three corners of it. Where two are light and two dark, the border does. Light is
    what lies above the middle of the image's own range: paper in the shade is grey.
    """
    pixels = np.asarray(image)
    least, most = int(pixels.min()), int(pixels.max())
    middle = LIGHT if least == most else (least + most) / 2
    light = sum(float(each[0]) > middle for each in _corners(image))
    if light != 2:
        return light > 2
    border = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    return float(np.median(np.concatenate(border))) > middle


def ground_of(image: Image.Image) -> np.ndarray:
    """Return each channel's median over the corners, (C,)."""
    return np.asarray(np.median(_corners(image), axis=0))


def _corners(image: Image.Image) -> np.ndarray:
    """Return each channel's median in each corner, (4, C)."""
    pixels = np.asarray(image).reshape(image.height, image.width, -1)
    down, across = max(1, image.height // CORNER), max(1, image.width // CORNER)
    sides = (pixels[:down], pixels[-down:])
    patches = [part for side in sides for part in (side[:, :across], side[:, -across:])]
    return np.array([np.median(each, axis=(0, 1)) for each in patches])


def _eight_bits(image: Image.Image) -> tuple[Image.Image, Adapted]:
    """Scale 16 bits to 8 by the least number of bits that holds the largest value.

    A scan of 12 bits is stored in 16 without being scaled, and nothing in its file says so.
    """
    values = np.asarray(image)
    least, largest = int(values.min()), int(values.max())
    if least < 0 or largest >= 1 << BITS[-1]:
        raise UserError(f"its numbers go from {least} to {largest}; expected 8 or 16 bits")
    bits = next(each for each in BITS if largest < 1 << each)
    table = np.rint(np.linspace(0, WHITE, 1 << bits)).astype(np.uint8)
    return Image.fromarray(table[values]), Adapted(f"{bits} bits of 16 scaled to 8")


def _laid(image: Image.Image) -> tuple[Image.Image, list[Adapted]]:
    """Lay an image with transparency on white or black, whichever it stands out from.

    A picture with only its edges transparent, as windows with round corners are, has a ground of
    its own, which goes on below them.

    Raises:
        UserError: there is nothing to see in it.
    """
    above = image.convert("RGBA")
    alpha = above.getchannel("A")
    least, most = alpha.getextrema()
    if least == WHITE:
        return above.convert("RGB"), []
    if most == 0:
        raise UserError("it is wholly transparent: there is nothing to see in it")
    small = above.reduce(max(1, max(image.size) // ENOUGH))
    on = {name: np.asarray(_over(small, name).convert("L")) for name in ("white", "black")}
    grey = np.asarray(small.convert("RGB").convert("L"))
    opacity = np.asarray(small.getchannel("A"), dtype=float)
    # Where pixels are either clear or not, a stroke's edges are blended with the ground it had.
    inside = np.asarray(small.getchannel("A").filter(ImageFilter.MinFilter(3)), dtype=float)
    rise = _mean(grey, inside) - _mean(grey, opacity * (inside == 0))
    if opacity.mean() > MOSTLY * WHITE:
        white = _mean(grey, opacity) > LIGHT
    elif abs(rise) > BLENDED:
        white = rise < 0
    else:
        white = on["white"].std() >= on["black"].std()
    name = "white" if white else "black"
    return _over(above, name), [Adapted(f"laid on {name}")]


def _mean(grey: np.ndarray, weights: np.ndarray) -> float:
    """Return the weighted mean; NaN where there are no weights."""
    return float(np.average(grey, weights=weights)) if weights.any() else math.nan


def _over(above: Image.Image, ground: str) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", above.size, ground), above).convert("RGB")
