"""What lies in a folder of images or sounds: classes, splits, and what is neither."""

import os
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sizewise.data.files import images, sounds
from sizewise.data.files.walk import is_folder, is_hidden, walk
from sizewise.data.own.labelled import SPLITS, listed
from sizewise.errors import UserError, printable

KINDS = {"images": images.SUFFIXES, "sounds": sounds.SUFFIXES}
KIND_OF = {suffix: kind for kind, suffixes in KINDS.items() for suffix in suffixes}
EXPECTED = (
    "expected a folder of images, or of sounds (.wav), for each class, or train/ and test/ that "
    "hold these"
)
CALLED = {  # what folders of splits are called, in small letters
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


class File(NamedTuple):
    """A file's path below the folder, and its size and time by which a change is seen."""

    name: str
    size: int
    time: int


@dataclass(frozen=True)
class Scanned:
    """The images or sounds of a folder, in the order of their names.

    Args:
        kind: which of `KINDS` they are.
        files: N of them.
        labels: the class of each, (N,), words.
        given: the split of each, its place in `SPLITS`, (N,), where the folder has splits.
        notes: what was left out, a line each.
    """

    kind: str
    files: list[File]
    labels: np.ndarray
    given: np.ndarray | None
    notes: list[str]


def scan(root: Path) -> Scanned:
    """Find what lies below a folder; files of a class may lie at any depth below its folder.

    Raises:
        UserError: it is no folder, can't be read, has neither images nor sounds in folders of
            classes, or has both.
    """
    if not root.is_dir():
        found = "is a file" if root.exists() else "is not there"
        raise UserError(f"data.path={root} {found}: {EXPECTED}")
    suffixes: Counter[str] = Counter()  # of all files in folders
    try:
        with os.scandir(root) as entries:
            seen = [entry for entry in entries if not is_hidden(entry.name)]
        tops = sorted(entry.name for entry in seen if is_folder(entry))
        beside = Counter(KIND_OF.get(_suffix(each.name)) for each in seen if not is_folder(each))
        held = {top: _files(root, top, suffixes) for top in tops}
    except OSError as error:
        raise UserError(f"{error.filename} can't be read ({error.strerror})") from error
    holding = [top for top in tops if held[top]]
    splits = _splits(root, holding)
    depth = 1 if splits else 0  # of the folders of classes
    files = [each for top in holding for each in held[top]]
    kind = _kind(root, suffixes, beside)
    loose = beside[kind]
    classed = [each for each in files if each.name.count("/") > depth]
    loose += len(files) - len(classed)
    if not classed:
        alone = f"{loose:,} {kind}, but no folder of a class"
        what = alone if loose else "neither images nor sounds (.wav)"
        raise UserError(f"{root} holds {what}: {EXPECTED}")
    classed.sort(key=lambda each: os.fsencode(each.name))
    parts = [each.name.split("/", depth + 1) for each in classed]
    notes = []
    if loose:
        notes.append(f"{kind} outside the folders of classes, left out: {loose:,}")
    if empty := [top for top in tops if not held[top]]:
        notes.append(f"{listed(empty)}: no {kind} there, so no class")
    if others := Counter({each: n for each, n in suffixes.items() if each not in KIND_OF}):
        most = ", ".join(each or "no suffix" for each, _ in others.most_common(3))
        notes.append(f"files that are no {kind} ({most}), left out: {others.total():,}")
    given = np.array([SPLITS.index(splits[each[0]]) for each in parts]) if splits else None
    labels = np.array([_class(each[depth]) for each in parts])
    return Scanned(kind, classed, labels, given, notes)


def _kind(root: Path, suffixes: Counter[str], beside: Counter[str | None]) -> str:
    """Return which of `KINDS` files in folders are; where there are none, those beside tell.

    Raises:
        UserError: they are of both.
    """
    counts: Counter[str] = Counter()
    for suffix, files in suffixes.items():
        if kind := KIND_OF.get(suffix):
            counts[kind] += files
    if len(counts) > 1:
        both = " and ".join(f"{kind} ({count:,})" for kind, count in sorted(counts.items()))
        raise UserError(
            f"{root} holds {both}: expected one kind; move the other to a folder of its own"
        )
    found = counts or {kind: count for kind, count in beside.items() if kind}
    return next(iter(found), "images")


def _files(root: Path, top: str, suffixes: Counter[str]) -> list[File]:
    """Return the images and sounds below one folder, and count all files by their suffixes."""
    found, before = [], len(os.path.join(root, ""))
    for entry in walk(root / top):
        suffix = _suffix(entry.name)
        suffixes[suffix] += 1
        if suffix not in KIND_OF:
            continue
        try:
            stat = entry.stat()
            found.append(File(entry.path[before:], stat.st_size, stat.st_mtime_ns))
        except OSError:  # a link to nothing
            found.append(File(entry.path[before:], -1, -1))
    return found


def _splits(root: Path, holding: list[str]) -> dict[str, str]:
    """Return the split that each folder is called after; none where folders are classes.

    Raises:
        UserError: there are both, or there is nothing to train on.
    """
    found = {top: CALLED[top.lower()] for top in holding if top.lower() in CALLED}
    if len(found) < 2 and (len(holding) != 1 or "train" not in found.values()):
        return {}  # one class of many may be called so: a train is a vehicle
    if others := [top for top in holding if top not in found]:
        raise UserError(f"{root} holds {listed([*found])} beside {listed(others)}: {EXPECTED}")
    if "train" not in found.values():
        raise UserError(f"{root} holds {listed([*found])}, but no train/: {EXPECTED}")
    return found


def _suffix(name: str) -> str:
    """Return what a name that is not hidden ends in: `os.path.splitext` takes thrice as long."""
    stem, dot, end = name.rpartition(".")
    return (dot + end).lower() if stem else ""


@cache  # of each class, not of each image
def _class(name: str) -> str:
    """Return a folder's name as one line of text, whichever system wrote its accents."""
    text = os.fsencode(name).decode(errors="backslashreplace")
    return printable(unicodedata.normalize("NFC", text))
