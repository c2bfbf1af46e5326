"""Japanese vowels (Kudo, Toyama and Shimbo, 1999): 640 utterances of 9 speakers, 7 to 29 steps."""

from sizewise.config import DataConfig
from sizewise.data.arrays import Arrays
from sizewise.data.published.series import read_series


def read(config: DataConfig) -> Arrays:
    """Return the set as published."""
    return read_series("JapaneseVowels")
