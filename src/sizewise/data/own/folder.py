"""A folder of images, in folders of classes."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from sizewise.config import FolderConfig
from sizewise.data.arrays import Arrays
from sizewise.data.own.cache import Cached, cached
from sizewise.data.own.labelled import SPLITS, Labelled
from sizewise.data.own.scan import Scanned, scan
from sizewise.data.rows import Rows
from sizewise.errors import UserError, printable, say_once

SHOWN = 3  # unreadable files, at most, by name


@dataclass(frozen=True)
class Folder:
    """What a folder holds: its images as they were found, and as they were read."""

    root: Path
    scanned: Scanned
    cached: Cached

    @cached_property
    def good(self) -> np.ndarray:
        """The indices of the images that can be read, sorted."""
        return np.flatnonzero([row not in self.cached.bad for row in range(len(self.labels))])

    @property
    def labels(self) -> np.ndarray:
        return self.scanned.labels

    def form(self) -> str:
        """Return what the images are brought to, in words."""
        _, channels, height, width = self.cached.pixels.shape
        colour = "grey" if channels == 1 else "RGB"
        return f"{colour}, {width}x{height} ({self.cached.why}; data.image_size=WxH sets another)"

    def steps(self) -> str:
        """Return what was done to how many images, in words; empty where nothing was."""
        return ", ".join(f"{kind}: {count:,}" for kind, count in self.cached.done.items())

    def unreadable(self) -> str:
        """Return how many files can't be read, and which are the first; empty if all can."""
        bad = self.cached.bad
        if not bad:
            return ""
        first = list(bad.items())[:SHOWN]
        named = [f"{printable(self.scanned.files[row].name)} ({why})" for row, why in first]
        more = f" and {len(bad) - len(named):,} more" if len(bad) > len(named) else ""
        return f"{len(bad):,} of {len(self.labels):,} can't be read and are left out: " + (
            ", ".join(named) + more
        )

    def labelled(self) -> Labelled:
        """Return the images that can be read, with their classes.

        Raises:
            UserError: there are none, or none in a split that is given.
        """
        scanned, good = self.scanned, self.good
        if not len(good):
            raise UserError(f"{self.root}: {self.unreadable()}")
        given = None
        if scanned.given is not None:
            given = scanned.given[good]
            if lost := set(scanned.given) - set(given):
                raise UserError(f"{self.root}: no image of {SPLITS[lost.pop()]}/ can be read")
        digests = self.cached.digests
        keys = [digests[row].tobytes() for row in good]
        return Labelled(Rows(self.cached.pixels, digests, good), self.labels[good], keys, given)


def look(config: FolderConfig) -> Folder:
    """Return what is in a folder, its images decoded.

    Raises:
        UserError: there are no images in folders of classes, or the cache can't be written.
    """
    root = Path(config.path)
    scanned = scan(root)
    return Folder(root, scanned, cached(root, scanned.files, config.image_size))


def read(config: FolderConfig) -> Arrays:
    """Read a folder of images, and say what becomes of them.

    Raises:
        UserError: it has none that can be learnt from.
    """
    found = look(config)
    first = f"{len(found.good):,} images as {found.form()}"
    lines = (first, found.steps(), *found.scanned.notes, found.unreadable())
    for line in filter(None, lines):
        say_once(f"{found.root}: {line}")
    return found.labelled().arrays(config)
