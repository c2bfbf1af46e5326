"""ArrowHead (UCR archive): outlines of 211 projectile points of three shapes, 251 steps each."""

from sizewise.config import DataConfig
from sizewise.data.arrays import Arrays
from sizewise.data.published.series import read_series


def read(config: DataConfig) -> Arrays:
    """Return the set as published."""
    return read_series("ArrowHead")
