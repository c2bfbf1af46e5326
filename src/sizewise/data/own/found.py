"""What lies in a folder of classes, once it was read."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from sizewise.data.own.labelled import SPLITS, Labelled
from sizewise.data.own.scan import Scanned
from sizewise.errors import UserError, printable

SHOWN = 3  # unreadable files, at most, by name


@dataclass(frozen=True)
class Found(ABC):
    """The samples of a folder as they were found and read; a kind of them says the rest.

    Args:
        root: the folder.
        scanned: its files.
        bad: why the file at an index can't be read.
        done: how many what was done to.
    """

    root: Path
    scanned: Scanned
    bad: Mapping[int, str]
    done: Mapping[str, int]

    @abstractmethod
    def form(self) -> str:
        """Return what all are brought to, in words."""

    @abstractmethod
    def facts(self) -> dict[str, str]:
        """Return what there is, by name."""

    @abstractmethod
    def samples(
        self, keys: Sequence[bytes], labels: np.ndarray, given: np.ndarray | None
    ) -> Labelled:
        """Return those that can be read: see `Labelled`."""

    @property
    @abstractmethod
    def digests(self) -> np.ndarray:
        """Of each file's content, (N, 32), bytes."""

    @cached_property
    def good(self) -> np.ndarray:
        """The indices of the files that can be read, sorted."""
        return np.flatnonzero([row not in self.bad for row in range(len(self.scanned.labels))])

    def steps(self) -> str:
        """Return what was done to how many, in words; empty where nothing was."""
        return ", ".join(f"{kind}: {count:,}" for kind, count in self.done.items())

    def unreadable(self) -> str:
        """Return how many files can't be read, and which are the first; empty if all can."""
        if not self.bad:
            return ""
        first = list(self.bad.items())[:SHOWN]
        named = [f"{printable(self.scanned.files[row].name)} ({why})" for row, why in first]
        more = f" and {len(self.bad) - len(named):,} more" if len(self.bad) > len(named) else ""
        count = f"{len(self.bad):,} of {len(self.scanned.files):,}"
        return f"{count} can't be read and are left out: {', '.join(named)}{more}"

    def lines(self) -> list[str]:
        """Return what becomes of the files, a line for each kind of thing."""
        first = f"{len(self.good):,} {self.scanned.kind} as {self.form()}"
        return [*filter(None, (first, self.steps(), *self.scanned.notes, self.unreadable()))]

    def labelled(self) -> Labelled:
        """Return the files that can be read, with their classes.

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
                raise UserError(f"{self.root}: none of {SPLITS[lost.pop()]}/ can be read")
        keys = [each.tobytes() for each in self.digests[good]]
        return self.samples(keys, scanned.labels[good], given)
