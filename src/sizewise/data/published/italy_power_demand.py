"""ItalyPowerDemand (UCR archive): 1,096 days of power demand, 24 hours each."""

from sizewise.config import DataConfig
from sizewise.data.arrays import Arrays
from sizewise.data.published.series import read_series


def read(config: DataConfig) -> Arrays:
    """Return the set as published."""
    return read_series("ItalyPowerDemand")
