"""Arrays of samples in .npy and .npz files, read piece by piece and never unpickled."""

import contextlib
import math
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.lib import format as npy

from sizewise.data.spec import DataSpec
from sizewise.errors import UserError, first_line

NAMES = ("inputs", "x")  # of the array in a .npz that holds several
NUMERIC = "buif"  # NumPy's kinds: bool, integers, floats
CHUNK = 100  # samples


Arrange = Callable[[np.ndarray], np.ndarray]


class Header(NamedTuple):
    """What a .npy file says of its array."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype


def read_array(path: Path, spec: DataSpec) -> Iterator[tuple[int, np.ndarray | UserError]]:
    """Yield the index of each sample, from 0, with the sample (C, *S) or what is wrong with it.

    The array is (N, C, *S), (N, *S) where C is 1, channels last, or flattened.

    Raises:
        UserError: the file is damaged, or holds no such array.
    """
    try:
        with _opened(path) as file:
            header = _read_header(file)
            arrange = _arrangement(header, spec)
            count, *shape = header.shape
            row_bytes = math.prod(shape) * header.dtype.itemsize
            for start in range(0, count, CHUNK):
                wanted = min(CHUNK, count - start)
                piece = file.read(wanted * row_bytes)
                rows = np.frombuffer(piece[: len(piece) // row_bytes * row_bytes], header.dtype)
                rows = rows.reshape(-1, *shape)
                yield from enumerate(map(_checked, arrange(rows)), start)
                if len(rows) < wanted:
                    raise UserError(f"it ends after {start + len(rows)} of its {count} samples")
            file.read(1)  # a zip's checksum is looked at when its end is reached
    except (UserError, OSError):
        raise
    except Exception as error:  # a damaged file can raise anything from the zip reader or parser
        raise UserError(f"a damaged or foreign file ({first_line(error)})") from error


def count_samples(path: Path) -> int:
    """Return how many samples the file says it holds; 0 if it can't be read."""
    try:
        with _opened(path) as file:
            return _read_header(file).shape[0]
    except Exception:  # whatever it is, reading it says so in words
        return 0


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if path.stat().st_size == 0:
        raise UserError("the file is empty (0 bytes)")
    if path.suffix.lower() == ".npy":
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        chosen = [name for name in NAMES if name in names] or names
        if len(chosen) != 1 and not set(chosen) & set(NAMES):
            held = ", ".join(sorted(names)[:10]) or "no array"
            raise UserError(f"it holds {held}; expected one array, or one called {NAMES[0]}")
        with archive.open(f"{chosen[0]}.npy") as file:
            yield file


def _read_header(file: IO[bytes]) -> Header:
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise UserError(f"its format is {version}; expected 1.0 or 2.0, as np.save writes")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    header = Header(*read(file))
    if header.dtype.hasobject:
        raise UserError("it holds Python objects, which are not unpickled; expected numbers")
    if header.dtype.kind not in NUMERIC:
        raise UserError(f"its numbers are of type {header.dtype}; expected floats or integers")
    return header


def _arrangement(header: Header, spec: DataSpec) -> Arrange:
    """Return what brings samples as they are stored to (N, C, *S).

    Raises:
        UserError: they are of another shape.
    """
    shape, wanted = header.shape[1:], spec.input_shape
    last = (*wanted[1:], wanted[0])
    if not header.shape:
        raise UserError(f"its array has no axes; expected (N, {', '.join(map(str, wanted))})")
    if header.fortran_order and len(header.shape) > 1:
        raise UserError(
            "its array is in Fortran's order and can't be read piece by piece; save "
            "np.ascontiguousarray(array)"
        )
    if header.shape[0] == 0:
        raise UserError("its array is empty: 0 samples")
    if shape == wanted or shape == (spec.num_features,) or (wanted[0] == 1 and shape == wanted[1:]):
        return lambda rows: rows.reshape(-1, *wanted)
    if shape == last:
        return lambda rows: np.moveaxis(rows, -1, 1)
    raise UserError(
        f"its array is {header.shape}; expected (N, {', '.join(map(str, wanted))}), as "
        f"{spec.name} has them"
    )


def _checked(row: np.ndarray) -> np.ndarray | UserError:
    with np.errstate(over="ignore"):
        values = row.astype(np.float32)
    if not np.isfinite(values).all():
        return UserError("NaN or infinity in it; expected finite numbers")
    return values
