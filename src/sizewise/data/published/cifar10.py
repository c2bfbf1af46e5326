"""CIFAR-10 (Krizhevsky, 2009): 60,000 colour images of 32x32."""

from sizewise.config import DataConfig
from sizewise.data.arrays import Arrays
from sizewise.data.published.vision import read_torchvision


def read(config: DataConfig) -> Arrays:
    """Return the set as published."""
    return read_torchvision(config, "CIFAR10")
