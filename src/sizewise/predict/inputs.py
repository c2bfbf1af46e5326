"""Files and folders of inputs, as one stream of samples and of what could not be read."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sizewise.data import DataSpec, Normalisation
from sizewise.errors import UserError
from sizewise.predict import arrays, images, rows
from sizewise.predict.colours import Step

ARRAYS = (".npy", ".npz")
ROWS = (".csv", ".tsv")
KNOWN = f"an image ({', '.join(each[1:] for each in images.SUFFIXES)}), .csv, .tsv, .npy or .npz"


class Place(NamedTuple):
    """Where an input is from: its file, and where in it; of an image nothing more is to be said."""

    file: str
    part: str = ""  # "line" or "sample"
    number: int = 0

    def __str__(self) -> str:
        return f"{self.file}, {self.part} {self.number}" if self.part else self.file


class Sample(NamedTuple):
    """One input: where it is from, (C, *S) in the set's own scale, and what was done to it.

    Its group is its file, or the folder as given in which it was found.
    """

    place: Place
    values: np.ndarray
    group: str
    done: tuple[Step, ...] = ()


class Failure(NamedTuple):
    """An input that could not be read, and why; its place is the file where all of it is bad."""

    place: Place
    reason: str


class Reader:
    """Reads what a network trained on a data set can be applied to.

    Args:
        spec: the set's.
        normalisation: of the set, which tells whether its images are light on dark.
        tell: takes a file, and in words how it is read.
    """

    def __init__(
        self, spec: DataSpec, normalisation: Normalisation, tell: Callable[[str, str], None]
    ) -> None:
        self._spec = spec
        self._tell = tell
        self._mean = float(np.mean(normalisation.mean))
        self._takes_images = len(spec.input_shape) == 3 and spec.input_shape[0] in (1, 3)
        self.skipped = 0

    def read(self, paths: Iterable[Path]) -> Iterator[Sample | Failure]:
        """Yield the samples of files and folders one by one, in order; of a folder, in its own.

        Of a folder, files that a network of this kind doesn't read are passed over, and counted
        in `skipped`.
        """
        for path in paths:
            if path.is_dir():
                yield from self._read_folder(path)
            else:
                yield from self._read_file(path, path)

    def count(self, paths: Iterable[Path]) -> int:
        """Return about how many samples there are, without reading them."""
        return sum(map(self._count, paths))

    def _count(self, path: Path) -> int:
        suffix = path.suffix.lower()
        try:
            if path.is_dir():
                return sum(self._count(each) for each in _files(path) if self._belongs(each))
            if suffix in ARRAYS:
                return arrays.count_samples(path)
            return rows.count_lines(path) if suffix in ROWS else 1
        except OSError:
            return 1

    def _belongs(self, path: Path) -> bool:
        suffix = path.suffix.lower()
        if self._takes_images:
            return suffix in images.SUFFIXES
        return suffix in ROWS + ARRAYS

    def _read_folder(self, folder: Path) -> Iterator[Sample | Failure]:
        empty = True
        try:
            for path in _files(folder):
                if self._belongs(path):
                    empty = False
                    yield from self._read_file(path, folder)
                else:
                    self.skipped += 1
        except OSError as error:
            yield Failure(Place(_shown(folder)), _reason(error))
            return
        if empty:
            wanted = "images" if self._takes_images else ".csv, .npy or .npz files"
            yield Failure(Place(_shown(folder)), f"a folder without {wanted}")

    def _read_file(self, path: Path, group: Path) -> Iterator[Sample | Failure]:
        try:
            yield from self._samples(path, group)
        except UserError as error:
            yield Failure(Place(_shown(path)), str(error))
        except OSError as error:
            yield Failure(Place(_shown(path)), _reason(error))

    def _samples(self, path: Path, group: Path) -> Iterator[Sample | Failure]:
        if not path.exists():
            raise UserError("there is no such file or folder")
        if not path.is_file():
            raise UserError("not a file or folder")
        suffix = path.suffix.lower()
        if suffix in images.SUFFIXES:
            if not self._takes_images:
                shape = ", ".join(map(str, self._spec.input_shape))
                raise UserError(
                    f"an image, and this network reads {self._spec.name}'s sequences ({shape})"
                )
            values, done = images.read_image(path, self._spec, self._mean)
            yield Sample(Place(_shown(path)), values, _shown(group), tuple(done))
        elif suffix in ROWS:
            shown = _shown(path)
            found = rows.read_rows(path, self._spec, lambda text: self._tell(shown, text))
            yield from _placed(shown, "line", found)
        elif suffix in ARRAYS:
            yield from _placed(_shown(path), "sample", arrays.read_array(path, self._spec))
        else:
            raise UserError(f"not a kind of file that is read; expected {KNOWN}")


def _placed(
    file: str, part: str, found: Iterable[tuple[int, np.ndarray | UserError]]
) -> Iterator[Sample | Failure]:
    for number, values in found:
        place = Place(file, part, number)
        if isinstance(values, UserError):
            yield Failure(place, str(values))
        else:
            yield Sample(place, values, file)


def _shown(path: Path) -> str:
    """Return a path as one line of text, whatever bytes its name is of."""
    text = os.fsencode(path).decode(errors="backslashreplace")
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and below, in the folder's own order; not hidden ones.

    The names are not gathered first: a folder may hold millions.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path))
            elif entry.is_file():
                yield Path(entry.path)
