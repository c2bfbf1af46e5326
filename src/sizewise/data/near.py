"""Images that are nearly the same: scaled, or saved again."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from sizewise.data.rows import Inputs
from sizewise.errors import UserError

HASH = 16  # squared, the bits of a hash
# Of 200 images of MNIST that are saved as JPEG of quality 75, 99 % differ from what they were in at
# most 12 bits, scaled to twice their size and back in 4; none of 1,000 has another of 5,000 within
# 21. Photographs are further apart; blurred ones, which lack fine detail, may be missed.
MOST_BITS = 16
MOST_TESTED, MOST_LEARNT = 2_000, 8_000  # images that are compared; a hash takes 0.4 ms


class Near(NamedTuple):
    """Rows of tested images, those that they are nearly the same as, and how many were compared."""

    tested: np.ndarray
    learnt: np.ndarray
    compared: tuple[int, int]


def nearly_alike(images: Inputs, tested: np.ndarray, learnt: np.ndarray) -> Near:
    """Find tested images that are nearly the same as one learnt from.

    They are so if their perceptual hashes (imagehash's `phash`, of 256 bits) differ in few bits.
    Of many images as many are compared as take a few seconds, evenly chosen.

    Args:
        images: (N, C, H, W), bytes.
        tested: rows of some, (T,).
        learnt: rows of others, (L,).

    Raises:
        UserError: imagehash is not installed.
    """
    tested, learnt = _some(tested, MOST_TESTED), _some(learnt, MOST_LEARNT)
    ours, theirs = _hashes(images, tested), _hashes(images, learnt)
    first, second = [], []
    for row, bits in zip(tested, ours, strict=True):
        apart = np.bitwise_count(theirs ^ bits).sum(axis=1, dtype=int)
        if len(apart) and apart.min() <= MOST_BITS:
            first.append(row)
            second.append(learnt[apart.argmin()])
    return Near(np.array(first, int), np.array(second, int), (len(tested), len(learnt)))


def _some(rows: np.ndarray, most: int) -> np.ndarray:
    chosen: np.ndarray = rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(int)]
    return chosen


def _hashes(images: Inputs, rows: np.ndarray) -> np.ndarray:
    """Return the hash of each image, (N, 4), uint64."""
    try:
        from imagehash import phash
    except ImportError as error:
        raise UserError(
            "near copies were not looked for, which needs imagehash: pip install imagehash"
        ) from error
    found = np.empty((len(rows), HASH**2), bool)
    for place, row in enumerate(rows):
        pixels = np.moveaxis(images[row], 0, -1)
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        found[place] = phash(image, HASH).hash.ravel()
    return np.packbits(found, axis=1).view(np.uint64)
