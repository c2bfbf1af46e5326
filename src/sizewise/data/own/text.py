"""Texts of one's own: a file or a folder of files, in any language and any encoding but UTF-16.

A network reads bytes, so a text is whatever holds no NUL byte, as git judges too.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sizewise.config import OwnTextConfig
from sizewise.data.files.walk import walk
from sizewise.data.text import Corpus
from sizewise.errors import UserError, say_once

PIECES = 128  # at least, of all the text together
SHORTEST = 512  # bytes of a piece
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Found:
    """The texts at a path.

    Args:
        texts: the bytes of each file.
        notes: what was passed over, a line each.
    """

    texts: list[bytes]
    notes: list[str]

    def documents(self) -> dict[str, bytes]:
        """Return what splits are made of, by its hash: the same text twice is there once.

        A file is a document. One that is longer than twice a 128th of all is cut, at the ends of
        lines where there are any, so that a single book can be divided too.
        """
        total = sum(map(len, self.texts))
        length = max(
            SHORTEST, 1 << (total // PIECES).bit_length() >> 1
        )  # stays as texts grow a bit
        pieces = (piece for text in self.texts for piece in cut(text, length))
        return {hashlib.sha256(each).hexdigest(): each for each in pieces}

    def corpus(self, config: OwnTextConfig) -> Corpus:
        """Return the texts, to be divided by a hash of what each document holds."""
        path = Path(config.path)
        name = path.name if path.is_dir() else path.stem
        return Corpus(self.documents(), config.test_fraction, name)


def read(config: OwnTextConfig) -> Corpus:
    """Return the texts at `config.path`, and say what was passed over: see `look`."""
    found = look(Path(config.path))
    for note in found.notes:
        say_once(f"{config.path}: {note}")
    return found.corpus(config)


def look(path: Path) -> Found:
    """Return the texts of a file, or of the files in a folder and below; not of hidden ones.

    Raises:
        UserError: there is none, or it can't be read.
    """
    texts: list[bytes] = []
    others: Counter[str] = Counter()
    try:
        if not path.is_dir():
            return Found([_text(path)], [])
        for name in sorted(entry.path for entry in walk(path)):
            if 0 not in (text := Path(name).read_bytes()):
                texts.append(text)
            else:
                others[Path(name).suffix.lower() or "no suffix"] += 1
    except OSError as error:
        raise UserError(
            f"{error.filename or path} can't be read ({error.strerror}): expected a file or a "
            "folder of text at data.path"
        ) from error
    if not texts:
        raise UserError(f"{path} holds no text: expected files that hold no NUL bytes")
    kinds = ", ".join(kind for kind, _ in others.most_common(3))
    note = f"files that hold NUL bytes and so are no texts ({kinds}), left out: {others.total():,}"
    return Found(texts, [note] if others else [])


def _text(path: Path) -> bytes:
    text = path.read_bytes()
    if 0 in text:
        encoded = "in UTF-16: save it as UTF-8" if text.startswith(UTF_16) else "no text"
        raise UserError(f"{path} holds NUL bytes and is {encoded}")
    return text


def cut(text: bytes, length: int) -> Iterator[bytes]:
    """Yield `text` in pieces of `length` to twice as many bytes; the last may be shorter."""
    start = 0
    while len(text) - start > 2 * length:
        end = text.find(b"\n", start + length, start + 2 * length) + 1 or start + length
        yield text[start:end]
        start = end
    yield text[start:]
