"""Files and folders of inputs, as one stream of samples and of what could not be read."""

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sizewise.data.files import Adapted, arrays, images, sequences, sounds, tables
from sizewise.data.files.conform import Form, fit_image
from sizewise.data.files.frames import NAMED, Frame, read_frame, read_pieces
from sizewise.data.files.walk import walk
from sizewise.data.own import named
from sizewise.data.own.labelled import listed
from sizewise.data.spec import TableForm
from sizewise.errors import UserError, printable

ARRAYS = (".npy", ".npz")
TABLES = (".csv", ".tsv")
KNOWN = (
    f"an image ({', '.join(each[1:] for each in images.SUFFIXES)}), .wav, .csv, .tsv, .npy or .npz"
)


class Place(NamedTuple):
    """Where an input is from: its file, and where in it, unless that holds one input alone."""

    file: str
    part: str = ""  # "line", "row" or "sample", or the column of ids
    number: int | str = 0

    def __str__(self) -> str:
        return f"{self.file}, {self.part} {self.number}" if self.part else self.file


class Opened(NamedTuple):
    """A file or folder: about how many inputs and other files are in it, and how all are read."""

    file: str
    expected: int
    skipped: int = 0
    done: tuple[Adapted, ...] = ()


class Sample(NamedTuple):
    """One input: where it is from, (C, *S) in the set's own scale, and what was done to it.

    Its group is its file, or the folder as given in which it was found.
    """

    place: Place
    values: np.ndarray
    group: str
    done: tuple[Adapted, ...] = ()


class Failure(NamedTuple):
    """An input that could not be read, and why; its place is the file where all of it is bad."""

    place: Place
    reason: str


Found = Opened | Sample | Failure


def read(paths: Iterable[Path], form: Form) -> Iterator[Found]:
    """Yield the samples of files and folders one by one, in order; of a folder, in its own.

    Of a folder, images are read where the form is that of images, sounds where it is that of
    sounds, tables where it is that of a table, else files of numbers.
    """
    for path in paths:
        try:
            yield from (_read_folder if path.is_dir() else _read_file)(path, form)
        except OSError as error:
            yield _failure(path, error)


def _read_folder(folder: Path, form: Form) -> Iterator[Found]:
    suffixes, wanted = _wanted(form)
    fitting = Counter(path.suffix.lower() in suffixes for path in map(Path, walk(folder)))
    yield Opened(_shown(folder), fitting[True], fitting[False])
    for path in map(Path, walk(folder)):
        if path.suffix.lower() in suffixes:
            yield from _read_file(path, form, folder)
    if not fitting[True]:
        yield _failure(folder, UserError(f"a folder without {wanted}"))


def _wanted(form: Form) -> tuple[tuple[str, ...], str]:
    """Return the suffixes of the files that are read of a folder, and these in words."""
    if form.is_image:
        return images.SUFFIXES, "images"
    if form.rate:
        return sounds.SUFFIXES, "sounds (.wav)"
    if form.table:
        return NAMED, ".csv or .parquet files"
    return TABLES + ARRAYS, ".csv, .npy or .npz files"


def _read_file(path: Path, form: Form, group: Path | None = None) -> Iterator[Found]:
    try:
        yield from _samples(path, form, group or path)
    except (UserError, OSError) as error:
        yield _failure(path, error)


def _samples(path: Path, form: Form, group: Path) -> Iterator[Found]:
    if not path.is_file():
        raise UserError("not a file or folder" if path.exists() else "no such file or folder")
    if path.stat().st_size == 0:
        raise UserError("the file is empty (0 bytes)")
    file, suffix = _shown(path), path.suffix.lower()
    if form.table is not None:
        yield from _rows(path, form, form.table)
    elif suffix in images.SUFFIXES:
        if not form.is_image:
            raise UserError(f"an image; expected sequences of shape {form.shape}")
        with path.open("rb") as opened:
            image, before = images.decode(opened)
        values, done = fit_image(image, form)
        yield Sample(Place(file), values, _shown(group), (*before, *done))
    elif suffix in sounds.SUFFIXES:
        if not form.rate:
            raise UserError("a sound, and the network was not trained on sounds")
        with path.open("rb") as opened:
            sound, steps = sounds.fit_clip(sounds.decode(opened), form.rate, form.shape)
        yield Sample(Place(file), sound, _shown(group), steps)
    elif suffix in TABLES:
        if form.unequal:
            raise UserError("sequences of unequal length are read from .npz (x, lengths) and .npy")
        with tables.open_table(path, math.prod(form.shape)) as table:
            yield Opened(file, tables.count_lines(path), done=table.layout.adapted())
            for line, row in tables.read_samples(table, form.shape):
                yield _found(Place(file, "line", line), row)
    elif suffix in ARRAYS:
        with arrays.open_array(path) as array:
            yield Opened(file, len(array))
            samples = (
                sequences.read_sequences(path, array, form.shape)
                if form.unequal
                else arrays.read_samples(array, form.shape)
            )
            for index, sample in samples:
                yield _found(Place(file, "sample", index), sample)
    else:
        raise UserError(f"not a kind of file that is read; expected {KNOWN}")


def _rows(path: Path, form: Form, table: TableForm) -> Iterator[Found]:
    """Yield the samples of a table, by its columns' names."""
    file, steps = _shown(path), form.shape[-1]
    arranged: Iterable[named.Arranged]
    if table.id:  # a sequence's rows may stand anywhere
        frame = read_frame(path, least=1, called="it")
        names, done = list(frame.values), frame.done
        arranged = [named.arrange(frame, table, steps, unequal=form.unequal)]
        count = sum(len(each.names) + len(each.refused) for each in arranged)
    else:
        pieces = read_pieces(path, named.PIECE, called="it")
        names, done, count = list(pieces.names), pieces.done, pieces.rows
        arranged = (
            named.arrange(Frame(each, pieces.decimal), table, steps) for each in pieces.frames
        )
    unread = named.unread(names, table)
    words = (*done, *[f"columns that are not read: {listed(unread)}"] * bool(unread))
    yield Opened(file, count, done=tuple(map(Adapted, words)))
    for each in arranged:
        for name, values, taken in named.read_samples(each, table, steps):
            yield _found(Place(file, table.id or "row", name), values, taken)


def _found(
    place: Place, values: np.ndarray | UserError, done: tuple[Adapted, ...] = ()
) -> Sample | Failure:
    if isinstance(values, UserError):
        return Failure(place, str(values))
    return Sample(place, values, place.file, done)


def _failure(path: Path, error: UserError | OSError) -> Failure:
    system = error.strerror if isinstance(error, OSError) else None
    return Failure(Place(_shown(path)), system.lower() if system else str(error))


def _shown(path: Path) -> str:
    """Return a path as one line of text, whatever bytes its name is of."""
    return printable(os.fsencode(path).decode(errors="backslashreplace"))
