"""Published data sets: a file for each, whose `read` returns the set's arrays.

To add one: write its file, name it in `PUBLISHED`, and give it a conf/data/NAME.yaml. Files are
named here as texts, so that a run's key sees the file of its own set and of no other.
"""

from collections.abc import Callable
from importlib import import_module

from sizewise.config import DataConfig
from sizewise.data.published.arrays import Arrays
from sizewise.errors import UserError, nearest

PUBLISHED: dict[str, str] = {
    "mnist1d": "sizewise.data.published.mnist1d",
    "digits": "sizewise.data.published.digits",
    "mnist": "sizewise.data.published.mnist",
    "fashion_mnist": "sizewise.data.published.fashion_mnist",
    "kmnist": "sizewise.data.published.kmnist",
    "cifar10": "sizewise.data.published.cifar10",
}

__all__ = ["PUBLISHED", "Arrays", "module_of", "read"]


def read(config: DataConfig) -> Arrays:
    """Return the arrays of the set that `config` names.

    Raises:
        UserError: there is no such set, or its files can't be read, written or downloaded.
    """
    reader: Callable[[DataConfig], Arrays] = import_module(module_of(config.name)).read
    return reader(config)


def module_of(name: str) -> str:
    """Return the module that reads a set.

    Raises:
        UserError: there is no such set.
    """
    if name not in PUBLISHED:
        raise UserError(f"there is no data set {name}: {nearest(name, PUBLISHED)}")
    return PUBLISHED[name]
