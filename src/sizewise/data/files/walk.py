"""The files of a folder and of the folders below it."""

import os
from collections.abc import Iterator
from pathlib import Path

HIDDEN = ("__MACOSX", "Thumbs.db", "desktop.ini")  # besides names that begin with a dot


def is_hidden(name: str) -> bool:
    """Return whether a name is that of what a system keeps for itself."""
    return name.startswith(".") or name in HIDDEN


def walk(
    folder: str | Path, seen: set[tuple[int, int]] | None = None
) -> Iterator[os.DirEntry[str]]:
    """Yield the files in a folder and below, in the folder's own order; not hidden ones.

    Links are followed, those to nothing are yielded, and each folder is entered once, so that a
    loop ends. The names are not gathered first: a folder may hold millions.

    Args:
        folder: where to look.
        seen: the folders that were entered before.
    """
    seen, here = set() if seen is None else seen, os.stat(folder)
    if (here.st_dev, here.st_ino) in seen:
        return
    seen.add((here.st_dev, here.st_ino))
    with os.scandir(folder) as entries:
        for entry in (each for each in entries if not is_hidden(each.name)):
            if is_folder(entry):
                yield from walk(entry.path, seen)
            elif _is_file(entry):
                yield entry


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder or a link to one; a link to itself is none."""
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a file, or a link to one or to nothing."""
    if entry.is_symlink():
        return os.path.isfile(entry.path) or not os.path.exists(entry.path)
    return entry.is_file()
