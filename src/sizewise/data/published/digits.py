"""The 8x8 digits that ship with scikit-learn."""

import numpy as np

from sizewise.config import DataConfig
from sizewise.data.arrays import DIGITS, Arrays


def read(config: DataConfig) -> Arrays:
    """The 8x8 digits that ship with scikit-learn: 1,797 images.

    No test split is published with them; the last fifth, in the published order, serves as one, so
    that most of its writers are not in the training set.
    """
    from sklearn.datasets import load_digits  # takes over a second, and only this set needs it

    bunch = load_digits()
    images = bunch.images[:, None].astype(np.float32)
    split = len(images) * 4 // 5
    return Arrays(
        images[:split], bunch.target[:split], images[split:], bunch.target[split:], DIGITS
    )
