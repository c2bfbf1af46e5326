"""The errors of a run's test samples, one by one, packed into the text of its record.

They tell how much of a mean error, and of a difference between two, is the test set's own chance.
"""

import base64

import numpy as np
from numpy.typing import NDArray

MOST_BITS = 32_000  # 4 kB a run
MOST_NUMBERS = 2_000  # in either precision: runs whose arrays differ in length can't be compared
HALVES = (1e-2, 6e4)  # the largest error of those that half precision holds well
KINDS = {"half": "<f2", "single": "<f4"}


def pack(errors: NDArray[np.floating], *, weighted: bool = False) -> str:
    """Return errors (N,) as text: a bit each where all are 0 or 1, else in half precision.

    Weighted ones are no bits, even if a run has none: all runs' are to be of one length.

    In single precision are those whose unit makes them too large or small for that.

    Where there are too many, they are brought to means over samples (or windows) that follow each
    other.
    """
    is_bits = not weighted and np.isin(errors, (0, 1)).all()
    if is_bits and len(errors) <= MOST_BITS:
        return f"{len(errors)}:{_text(np.packbits(errors.astype(bool)))}"
    most = errors.max()
    kind = "half" if HALVES[0] < most < HALVES[1] or most == 0 else "single"
    blocks = np.array_split(errors, min(len(errors), MOST_NUMBERS))
    return f"{kind}:{_text(np.array([block.mean() for block in blocks], dtype=KINDS[kind]))}"


def unpack(text: str) -> NDArray[np.float32]:
    """Return what `pack` was given, or the means over blocks of it, (N,)."""
    kind, _, content = text.partition(":")
    raw = base64.b64decode(content)
    if kind in KINDS:
        return np.frombuffer(raw, dtype=KINDS[kind]).astype(np.float32)
    return np.unpackbits(np.frombuffer(raw, dtype=np.uint8), count=int(kind)).astype(np.float32)


def _text(values: NDArray[np.generic]) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")
