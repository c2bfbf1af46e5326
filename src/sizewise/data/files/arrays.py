"""Arrays of samples in .npy and .npz files, mapped into memory and never unpickled."""

import contextlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from sizewise.data.files.conform import fit_numbers
from sizewise.errors import UserError, first_line

NAMES = ("inputs", "x")  # of the array in a .npz that holds several
CHUNK = 100  # samples
NOT_FINITE = "NaN, infinity or a number beyond float32 in it; expected finite numbers"


@contextlib.contextmanager
def open_array(path: Path) -> Iterator[np.ndarray]:
    """Yield the array of a .npy or .npz file, on disk, in any order and of any type but objects.

    That of a .npz is unpacked to a temporary file, so that it needs no more memory.

    Raises:
        UserError: the file is damaged, holds no samples or several arrays, or there is no room to
            unpack it.
    """
    with contextlib.ExitStack() as stack:
        try:
            file: Path | str = path
            if path.suffix.lower() == ".npz":
                file = _unpacked(path, stack.enter_context(tempfile.TemporaryDirectory()))
            array = open_memmap(file, mode="r")
        except (UserError, OSError):
            raise
        except Exception as error:  # a damaged file can raise anything from its parser
            raise UserError(
                f"a damaged or foreign file ({first_line(error)}); expected numbers, as np.save "
                "or np.savez writes them"
            ) from error
        if not array.ndim or not array.size:
            raise UserError(f"its array of shape {array.shape} holds no samples")
        yield array


def read_samples(
    array: np.ndarray, shape: tuple[int, ...]
) -> Iterator[tuple[int, np.ndarray | UserError]]:
    """Yield the index of each sample, from 0, with the sample (C, *S) or what is wrong with it.

    Args:
        array: of samples as `fit_numbers` takes them.
        shape: (C, *S).

    Raises:
        UserError: it holds no samples of this shape.
    """
    for start in range(0, len(array), CHUNK):
        values, finite = fit_numbers(array[start : start + CHUNK], shape)
        for offset, sample in enumerate(values):
            yield start + offset, sample if finite[offset] else UserError(NOT_FINITE)


def _unpacked(path: Path, folder: str) -> str:
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        chosen = [name for name in NAMES if name in names] or names
        if len(chosen) != 1 and not set(chosen) & set(NAMES):
            held = ", ".join(sorted(names)[:10]) or "no array"
            raise UserError(f"it holds {held}; expected one array, or one called {NAMES[0]}")
        member = archive.getinfo(f"{chosen[0]}.npy")
        if member.file_size > shutil.disk_usage(folder).free:
            gigabytes = f"{member.file_size / 1e9:,.1f} GB"
            raise UserError(f"its array takes {gigabytes} unpacked, and {folder} has less free")
        return archive.extract(member, folder)
