"""A run's data, as its training keys want them."""

from sizewise.config import Config
from sizewise.data import Dataset, load
from sizewise.data.augment import augmented
from sizewise.data.balance import balanced


def load_for(config: Config) -> Dataset:
    """Return the set that a run learns from.

    Raises:
        UserError: it can't be had, or what is asked for does not suit it.
    """
    dataset, training = load(config.data, config.seed), config.training
    if training.class_weights is not None:
        dataset = balanced(dataset)
    if training.augment is not None:
        dataset = augmented(dataset, training.augment, config.seed)
    return dataset
