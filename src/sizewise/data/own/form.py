"""The one form that a folder's images are brought to: their size, and whether in colour."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from sizewise.data.files.images import DEEP, decode, plain, shown_size
from sizewise.errors import UserError

MOST = 64  # pixels a side that are proposed: networks on these train in minutes on a CPU
LEAST = 8  # pixels a side: the CNN's layers leave nothing of fewer
MEASURED = 1000  # images that say how large all are
COLOURED = 32  # images that are looked at for colour before all are
COLOUR = 8  # of 255, by which channels differ at least; JPEG's rounding makes less
GREY = ("1", "L", "LA", *DEEP)  # modes without colour


class Size(NamedTuple):
    """The width and height that images are brought to, and why."""

    width: int
    height: int
    why: str


def choose_size(asked: str, root: Path, names: Sequence[str]) -> Size:
    """Return the size that is asked for; for `auto` one that follows from the files."""
    if asked != "auto":
        across, _, down = asked.partition("x")
        return Size(int(across), int(down or across), "as asked for")
    sizes = [size for name in _some(names, MEASURED) if (size := shown_size(root / name))]
    if not sizes:
        return Size(LEAST, LEAST, "none of them can be read")
    middle = np.median(sizes, axis=0)
    scale = min(1.0, MOST / max(middle))
    width, height = (max(LEAST, round(float(side * scale))) for side in middle)
    same = len(set(sizes)) == 1
    looked = "all" if len(sizes) == len(names) else f"{len(sizes):,} looked at"
    before = "x".join(f"{side:.0f}" for side in middle)
    why = f"{looked} are {before}" if same else f"the median of {looked} is {before}"
    if (width, height) != tuple(middle):
        least, most = LEAST, MOST
        why += f", brought to a longer side of at most {most} and a shorter of at least {least}"
    return Size(width, height, why)


def shows_colour(root: Path, names: Sequence[str]) -> bool:
    """Return whether one of a few images does."""
    for name in _some(names, COLOURED):
        try:
            with (root / name).open("rb") as file:
                if has_colour(decode(file)[0]):
                    return True
        except (OSError, UserError):
            continue  # it is counted when all are read
    return False


def has_colour(image: Image.Image) -> bool:
    """Return whether an image shows colour, whatever its mode."""
    if image.mode in GREY:
        return False
    pixels = np.asarray(plain(image, "RGB")[0])
    return int((pixels.max(axis=2) - pixels.min(axis=2)).max()) > COLOUR


def _some(names: Sequence[str], most: int) -> Iterator[str]:
    """Yield a few of the names, from all parts of the folder."""
    for place in np.linspace(0, len(names) - 1, min(len(names), most)).astype(int):
        yield names[place]
