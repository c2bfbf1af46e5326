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
                f"data={config.name} is a text or of pairs, of which no samples are held out to "
                "search with, as advise and data.inner_test do: expected other data, or a study, "
                "as experiment=text or seq2seq"
            )
        source = inner(source, config.inner_test)
    return source.divide(config, seed)
