"""Letters to be written in reverse order: made up, so that length and alphabet are dials."""

import string

import numpy as np

from sizewise.config import DataConfig, ReverseConfig
from sizewise.data.pairs import Dictionary, Pairs, Symbols, tested
from sizewise.errors import UserError

PER_LENGTH = 500  # samples that are tested of each length
DRAWN = 15  # for each of them: a tenth of what is drawn may be tested on


def read(config: ReverseConfig) -> Dictionary:
    """Return different sequences, of each length about as many, with the one answer of each."""
    random = np.random.default_rng(config.seed)
    lengths = random.integers(config.shortest, config.length + 1, config.num_samples)
    given = list(dict.fromkeys(_drawn(random, lengths, config.alphabet)))
    letters = tuple(string.ascii_lowercase[: config.alphabet])
    name = f"{config.name}{config.length}"
    return Dictionary(name, given, [[_answer(each)] for each in given], letters, letters)


def by_length(config: DataConfig) -> dict[int, Pairs]:
    """Return test samples of each of `data.test_lengths`, that no network has learnt from.

    Those of another set are none.

    Raises:
        UserError: there are too few sequences of a length to test on.
    """
    if not isinstance(config, ReverseConfig):
        return {}
    return {length: _of_length(config, length) for length in config.test_lengths or ()}


def _of_length(config: ReverseConfig, length: int) -> Pairs:
    random = np.random.default_rng([config.seed, length])
    drawn = _drawn(random, np.full(PER_LENGTH * DRAWN, length), config.alphabet)
    may = tested(drawn)
    given = [each for each, is_tested in zip(drawn, may, strict=True) if is_tested][:PER_LENGTH]
    if not given:
        raise UserError(
            f"data.test_lengths={length}: none of the few sequences of {length} letters is among "
            "those to test on; expected a greater length"
        )
    return Pairs.of(given, [[_answer(each)] for each in given])


def _drawn(random: np.random.Generator, lengths: np.ndarray, alphabet: int) -> list[Symbols]:
    letters = iter(random.integers(0, alphabet, int(lengths.sum())).tolist())
    return [tuple(next(letters) for _ in range(length)) for length in lengths.tolist()]


def _answer(symbols: Symbols) -> Symbols:
    return tuple(1 + each for each in reversed(symbols))
