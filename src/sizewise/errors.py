"""What is meant for the person at the keyboard: one exception, and words on stderr."""

import difflib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sizewise.uri import hide_password

MOST_NAMED = 50  # candidates in an error


class UserError(Exception):
    """What was wrong, what was expected and what to type instead, in one line.

    The entry points print it without a traceback and exit with code 2. Passwords in URIs are
    hidden.
    """

    def __init__(self, text: str) -> None:
        super().__init__(hide_password(text))


class Interrupted(KeyboardInterrupt):
    """Work was stopped by a signal, and what it takes to go on is on disk; the message says how."""


def nearest(word: str, candidates: Iterable[str]) -> str:
    """Return `candidates` as a phrase for an error, led by the one most like `word`."""
    candidates = sorted(candidates)
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.5)
    more = len(candidates) - MOST_NAMED
    rest = f" and {more:,} more" if more > 0 else ""
    known = f"there are: {', '.join(candidates[:MOST_NAMED]) or 'none yet'}{rest}"
    return f"did you mean {close[0]}? ({known})" if close else known


def first_line(error: BaseException) -> str:
    """Return what a library's error says, in one line, without the passwords in its URIs."""
    text = hide_password(str(error).strip())
    return text.splitlines()[0] if text else type(error).__name__


def printable(text: str) -> str:
    """Return a text as one line that can be printed, whatever is in it."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


_heard: set[str] = set()
_heard_before = False


def say_once(text: str) -> None:
    """Tell it, unless this process has, or `heard_before` says that another one has."""
    if text not in _heard and not _heard_before:
        _heard.add(text)
        say(text)


@contextmanager
def heard_before(heard: bool = True) -> Iterator[None]:
    """Within the block, keep `say_once` quiet, if the same has been said by another process."""
    global _heard_before
    before, _heard_before = _heard_before, heard
    try:
        yield
    finally:
        _heard_before = before


def say(text: str) -> None:
    """Tell the person at the keyboard."""
    print(f"sizewise: {hide_password(text)}", file=sys.stderr, flush=True)
