"""Published data sets: a file for each, whose `read` returns what the set is made of.

To add one: write its file, name it in `PUBLISHED`, and give it a conf/data/NAME.yaml. Files are
named here as texts, so that a run's key sees the file of its own set and of no other.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Protocol

from sizewise.config import DataConfig
from sizewise.data.arrays import Arrays
from sizewise.data.dataset import Dataset
from sizewise.data.own import OWN
from sizewise.errors import UserError, nearest

__all__ = ["PUBLISHED", "Arrays", "Source", "module_of", "read", "read_arrays"]

PUBLISHED: dict[str, str] = {
    "mnist1d": "sizewise.data.published.mnist1d",
    "digits": "sizewise.data.published.digits",
    "mnist": "sizewise.data.published.mnist",
    "fashion_mnist": "sizewise.data.published.fashion_mnist",
    "kmnist": "sizewise.data.published.kmnist",
    "cifar10": "sizewise.data.published.cifar10",
    "japanese_vowels": "sizewise.data.published.japanese_vowels",
    "osu_leaf": "sizewise.data.published.osu_leaf",
    "arrow_head": "sizewise.data.published.arrow_head",
    "italy_power_demand": "sizewise.data.published.italy_power_demand",
    "stdlib": "sizewise.data.published.stdlib",
    "pydoc": "sizewise.data.published.pydoc",
    "kjv": "sizewise.data.published.kjv",
    "reverse": "sizewise.data.published.reverse",
    "cmudict": "sizewise.data.published.cmudict",
}


class Source(Protocol):
    """A set as published."""

    def divide(self, config: DataConfig, seed: int) -> Dataset:
        """Return it ready to train on, with validation carved out of training by `seed`."""


def read(config: DataConfig) -> Source:
    """Return the set that `config` names, as published.

    Raises:
        UserError: there is no such set, or its files can't be read, written or downloaded.
    """
    reader: Callable[[DataConfig], Source] = import_module(module_of(config.name)).read
    return reader(config)


def read_arrays(config: DataConfig) -> Arrays:
    """Return the set that `config` names as arrays of numbers.

    Raises:
        UserError: as `read`; or it is none of these.
    """
    found = read(config)
    if not isinstance(found, Arrays):
        raise UserError(
            f"data={config.name} is of symbols: expected a set of images or of numbers in sequence"
        )
    return found


def module_of(name: str) -> str:
    """Return the module that reads a set, or data of one's own.

    Raises:
        UserError: there is no such set.
    """
    known = PUBLISHED | OWN
    if name not in known:
        raise UserError(f"there is no data set {name}: {nearest(name, known)}")
    return known[name]
