"""The source text of the running Python's own library: 11 MB that every machine has."""

import sysconfig
from pathlib import Path

from sizewise.config import TextConfig
from sizewise.data.text import Corpus

# Not on every machine, or not written by hand.
LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idle_test", "pydoc_data"}


def read(config: TextConfig) -> Corpus:
    """Return the library's modules, each a document. Another Python has another text."""
    root = Path(sysconfig.get_path("stdlib"))
    paths = {path.relative_to(root): path for path in root.rglob("*.py")}
    return Corpus(
        {
            name.as_posix(): path.read_bytes()
            for name, path in paths.items()
            if not LEFT_OUT & set(name.parts[:-1]) and not name.name.startswith("_sysconfigdata")
        }
    )
