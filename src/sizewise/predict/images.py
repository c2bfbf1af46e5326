"""Image files, opened with care."""

import warnings
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sizewise.data.spec import DataSpec
from sizewise.errors import UserError, first_line
from sizewise.predict.colours import DEEP, Step
from sizewise.predict.forms import conform

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
# Pillow reads more, PostScript through another program among them; photographs come in these.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", *DEEP)
MOST_MEGAPIXELS = 50
UPRIGHT = 1  # EXIF's orientation of an image that needs no turning


def read_image(path: Path, spec: DataSpec, mean: float) -> tuple[np.ndarray, list[Step]]:
    """Return an image file in the form of a training set, (C, H, W), and what was done to it.

    Raises:
        UserError: it is no image, damaged, or larger than is read.
    """
    if path.stat().st_size == 0:
        raise UserError("the file is empty (0 bytes); expected an image")
    with path.open("rb") as file:
        image, done = decode(file)
    values, more = conform(image, spec, mean)
    return values, done + more


def decode(file: IO[bytes]) -> tuple[Image.Image, list[Step]]:
    """Return a file's first image, upright, and what that took.

    Raises:
        UserError: it is no image, damaged, or larger than is read.
    """
    done = []
    try:
        with warnings.catch_warnings():
            # The size is looked at below, before anything is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image: Image.Image = Image.open(file, formats=FORMATS)
        _check_size(image)
        if image.mode not in MODES:
            raise UserError(f"its pixels are of mode {image.mode}; expected 8 or 16 bits a channel")
        if getattr(image, "n_frames", 1) > 1:
            done.append(Step("first frame"))
        image.load()
        if image.getexif().get(0x0112, UPRIGHT) != UPRIGHT:
            image = ImageOps.exif_transpose(image)
            done.append(Step("turned upright"))
    except UserError:
        raise
    except UnidentifiedImageError as error:
        raise UserError(f"not an image; expected one of {', '.join(FORMATS)}") from error
    except Image.DecompressionBombError as error:
        raise UserError(
            f"too many pixels; at most {MOST_MEGAPIXELS} megapixels are read"
        ) from error
    except Exception as error:  # a damaged file can raise anything from its parser
        raise UserError(f"a damaged image ({first_line(error)})") from error
    return image, done


def _check_size(image: Image.Image) -> None:
    megapixels = image.width * image.height / 1e6
    if megapixels > MOST_MEGAPIXELS:
        raise UserError(
            f"{image.width}x{image.height} are {megapixels:.0f} megapixels; at most "
            f"{MOST_MEGAPIXELS} are read"
        )
