"""The running Python's own help texts: half a megabyte of plain English, in topics."""

from pydoc_data.topics import topics

from sizewise.config import TextConfig
from sizewise.data.text import Corpus


def read(config: TextConfig) -> Corpus:
    """Return the topics of `help()`, each a document. Another Python has another text."""
    return Corpus({name: text.encode() for name, text in topics.items()})
