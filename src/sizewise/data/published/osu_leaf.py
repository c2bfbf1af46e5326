"""OSULeaf (Grandhi; UCR archive): outlines of 442 leaves of six species, 427 steps each."""

from sizewise.config import DataConfig
from sizewise.data.arrays import Arrays
from sizewise.data.published.series import read_series


def read(config: DataConfig) -> Arrays:
    """Return the set as published."""
    return read_series("OSULeaf")
