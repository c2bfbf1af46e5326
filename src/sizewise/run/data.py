"""A run's data, as its training keys want them."""

from sizewise.config import Config
from sizewise.data import Dataset, load
from sizewise.data.augment import augmented
from sizewise.data.balance import balanced
from sizewise.data.corrupt import with_label_noise


def load_for(config: Config) -> Dataset:
    """Return the set that a run learns from.

    Raises:
        UserError: it can't be had, or what is asked for does not suit it.
    """
    dataset, data, training = load(config.data, config.seed), config.data, config.training
    if data.label_noise is not None:
        dataset = with_label_noise(dataset, data.label_noise, data.label_noise_kind, config.seed)
    if training.class_weights is not None:
        dataset = balanced(dataset)
    if training.augment is not None:
        dataset = augmented(dataset, training.augment, config.seed)
    return dataset
