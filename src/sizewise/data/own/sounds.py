"""A folder of sounds, in folders of classes.

Shapes: N sounds, C bands, T frames of the longest.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sizewise.data.files import Adapted
from sizewise.data.files.sounds import BANDS, HOP, MOST_MEMORY, WINDOW, decode, frames, seconds_of
from sizewise.data.lengths import joined
from sizewise.data.own.found import Found
from sizewise.data.own.labelled import Labelled
from sizewise.data.own.scan import Scanned
from sizewise.errors import UserError


class Heard(NamedTuple):
    """A sound: samples a second in its file, its frames (C, its own T), a digest, what was done."""

    rate: int
    values: np.ndarray
    digest: bytes
    done: tuple[Adapted, ...]


NOTHING = Heard(0, np.zeros((BANDS, 0), np.float32), bytes(32), ())  # of what can't be read


@dataclass(frozen=True)
class Sounds(Found):
    """Sounds as frames.

    Args:
        heard: all N.
        rate: samples a second that all are brought to.
    """

    heard: Sequence[Heard]
    rate: int

    @property
    def digests(self) -> np.ndarray:
        return np.array([list(each.digest) for each in self.heard], np.uint8)

    def form(self) -> str:
        return (
            f"the log energy of {BANDS} mel bands in {WINDOW * 1000:g} ms every {HOP * 1000:g} ms, "
            f"at {self.rate:,} samples a second"
        )

    def facts(self) -> dict[str, str]:
        lengths = [seconds_of(self.heard[row].values.shape[1]) for row in self.good]
        rates = Counter(self.heard[row].rate for row in self.good)
        shown = (f"{rate:,} ({count:,})" for rate, count in rates.most_common())
        return {
            "seconds": f"{min(lengths):.2f} to {max(lengths):.2f}, {sum(lengths):,.0f} in all",
            "samples a second": ", ".join(shown),
        }

    def samples(
        self, keys: Sequence[bytes], labels: np.ndarray, given: np.ndarray | None
    ) -> Labelled:
        inputs = joined([self.heard[row].values for row in self.good])
        told = {"unequal": True, "sound_rate": self.rate}
        return Labelled(inputs, labels, keys, given, told=told)


def look(root: Path, scanned: Scanned) -> Sounds:
    """Return the sounds of a folder, at the samples a second that most of their files have.

    Raises:
        UserError: as frames they take more memory than is left to them.
    """
    heard, bad = [], {}
    for row, file in enumerate(scanned.files):
        try:
            heard.append(_hear(root / file.name))
        except (UserError, OSError) as error:
            heard.append(NOTHING)
            system = error.strerror if isinstance(error, OSError) else None
            bad[row] = system.lower() if system else str(error)
    rates = Counter(each.rate for each in heard if each.rate)
    rate = min(rates, key=lambda each: (-rates[each], each), default=0)
    for row, each in enumerate(heard):
        if each.rate not in (0, rate):
            heard[row] = _hear(root / scanned.files[row].name, rate)
    _check_memory(root, len(heard), max(each.values.shape[1] for each in heard))
    done = Counter(step.kind for each in heard for step in each.done)
    return Sounds(root, scanned, bad, done, heard, rate)


def _hear(path: Path, rate: int | None = None) -> Heard:
    """Return what is in a file, at its own rate or another."""
    with path.open("rb") as file:
        clip = decode(file)
    values, done = frames(clip, rate or clip.rate)
    return Heard(clip.rate, values, clip.digest, done)


def _check_memory(root: Path, count: int, longest: int) -> None:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    needed = 4 * count * BANDS * longest
    if needed > MOST_MEMORY * memory:
        raise UserError(
            f"{root}: {count:,} sounds take {needed / 1e9:.0f} GB, each the room of the longest, "
            f"which has {seconds_of(longest):.1f} s: cut it and its like into clips"
        )
