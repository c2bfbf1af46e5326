"""Data sets: where they come from, how they are divided, normalised and cut into batches."""

from sizewise.config import DataConfig
from sizewise.data.dataset import Dataset
from sizewise.data.normalisation import Normalisation
from sizewise.data.published import read
from sizewise.data.spec import DataSpec
from sizewise.data.splits import Split, carve_validation, choose_stratified

__all__ = [
    "DataSpec",
    "Dataset",
    "Normalisation",
    "Split",
    "carve_validation",
    "choose_stratified",
    "load",
]


def load(config: DataConfig, seed: int) -> Dataset:
    """Return the set that `config` names, with validation carved out of training by `seed`.

    Raises:
        UserError: the set can't be had, or not be divided as the config asks.
    """
    return read(config).divide(config, seed)
