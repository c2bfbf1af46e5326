"""Fashion-MNIST (Xiao et al., 2017): 70,000 pieces of clothing of 28x28."""

from sizewise.config import DataConfig
from sizewise.data.arrays import Arrays
from sizewise.data.published.vision import read_torchvision


def read(config: DataConfig) -> Arrays:
    """Return the set as published."""
    return read_torchvision(config, "FashionMNIST")
