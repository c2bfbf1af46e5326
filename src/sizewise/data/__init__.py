"""Data sets: where they come from, how they are divided, normalised and cut into batches."""

from sizewise.config import DataConfig
from sizewise.data.dataset import Dataset
from sizewise.data.inner import inner
from sizewise.data.normalisation import Normalisation
from sizewise.data.published import Arrays, read
from sizewise.data.spec import DataSpec
from sizewise.data.splits import Split, carve_validation, choose_stratified
from sizewise.errors import UserError

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
    source = read(config)
    if config.inner_test is not None:
        if not isinstance(source, Arrays):
            raise UserError(
                f"data.inner_test={config.inner_test:g} divides samples, and data={config.name} is "
                "of symbols: expected data.inner_test=null"
            )
        source = inner(source, config.inner_test)
    return source.divide(config, seed)
