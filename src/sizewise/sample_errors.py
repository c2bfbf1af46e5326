"""The errors of a run's test samples, one by one, packed into the text of its record.

They tell how much of a mean error, and of a difference between two, is the test set's own chance.
"""

import base64

import numpy as np
from numpy.typing import NDArray

MOST_BITS = 32_000  # 4 kB a run, either way
MOST_HALVES = 2_000


def pack(errors: NDArray[np.floating]) -> str:
    """Return errors (N,) as text: a bit each where all are 0 or 1, else in half precision.

    What is longer than 4 kB is brought to means over samples (or windows) that follow each other.
    """
    is_bits = np.isin(errors, (0, 1)).all()
    if is_bits and len(errors) <= MOST_BITS:
        return f"{len(errors)}:{_text(np.packbits(errors.astype(bool)))}"
    blocks = np.array_split(errors, min(len(errors), MOST_HALVES))
    return f"half:{_text(np.array([block.mean() for block in blocks], dtype='<f2'))}"


def unpack(text: str) -> NDArray[np.float32]:
    """Return what `pack` was given, or the means over blocks of it, (N,)."""
    kind, _, content = text.partition(":")
    raw = base64.b64decode(content)
    if kind == "half":
        return np.frombuffer(raw, dtype="<f2").astype(np.float32)
    return np.unpackbits(np.frombuffer(raw, dtype=np.uint8), count=int(kind)).astype(np.float32)


def _text(values: NDArray[np.generic]) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")
