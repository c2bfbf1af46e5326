"""A folder's images in one form, as bytes in a file that is mapped into memory."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import PIL
from filelock import FileLock

from sizewise.data.files import conform, images
from sizewise.data.own import decoding, form
from sizewise.data.own.decoding import Colour, decode_all
from sizewise.data.own.form import choose_size, shows_colour
from sizewise.data.own.scan import File
from sizewise.errors import UserError
from sizewise.files import cache_folder, replacing

# What an image becomes may change with these.
DECODERS = (conform, decoding, form, images)


@dataclass(frozen=True)
class Cached:
    """Images in one form, all N of a folder.

    Args:
        pixels: (N, C, H, W), bytes, memory-mapped; zeros where one can't be read.
        digests: of each image's content, at whatever size it is, (N, 32), bytes.
        sizes: width and height of each as it is, upright, (N, 2).
        why: of the form's size, in words.
        bad: why the image at an index can't be read.
        done: how many images what was done to.
    """

    pixels: np.ndarray
    digests: np.ndarray
    sizes: np.ndarray
    why: str
    bad: dict[int, str]
    done: dict[str, int]


def cached(root: Path, files: Sequence[File], asked: str) -> Cached:
    """Return a folder's images in one form, decoded on all cores where that was not done before.

    A file of them is there whole or not at all. Of several processes one makes it, and the others
    wait. It is made again when a file's name, size or time is another, the cache's own included.

    Args:
        root: the folder.
        files: its images.
        asked: `data.image_size`.

    Raises:
        UserError: the cache can't be written and kept.
    """
    path = cache_folder() / "images" / f"{root.resolve().name}-{_key(files, asked)}.npy"
    if found := _read(path):
        return found
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not (found := _read(path)):
                _build(root, [each.name for each in files], asked, path)
                found = _read(path)
    except OSError as error:
        raise UserError(
            f"the cache of images {path.parent} can't be written ({error.strerror or error}): "
            "expected a folder that can, as XDG_CACHE_HOME=FOLDER"
        ) from error
    if found is None:
        raise UserError(
            f"the cache of images {path} is not as it was written just now: expected a folder that "
            "nothing else writes to, as XDG_CACHE_HOME=FOLDER"
        )
    return found


def _read(path: Path) -> Cached | None:
    """Return what the cache holds; None where it is not there, or not as it was written."""
    try:
        with path.with_suffix(".npz").open("rb") as file, np.load(file) as held:
            words = json.loads(held["words"].tobytes())
            digests, sizes = held["digests"], held["sizes"]
        if words["written"] != _stamp(path):
            return None
        pixels = np.load(path, mmap_mode="r").view(np.ndarray)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    bad = {int(row): reason for row, reason in words["bad"].items()}
    return Cached(pixels, digests, sizes, words["why"], bad, words["done"])


def _stamp(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _key(files: Sequence[File], asked: str) -> str:
    digest = hashlib.sha256(f"{asked}\n{PIL.__version__}\n".encode())
    for module in DECODERS:
        digest.update(Path(str(module.__file__)).read_bytes())
    for each in files:
        digest.update(os.fsencode(f"{each.name}\n{each.size} {each.time}\n"))
    return digest.hexdigest()[:16]


def _build(root: Path, names: Sequence[str], asked: str, path: Path) -> None:
    """Decode all images into `path`, and write what is known of them beside it."""
    size = choose_size(asked, root, names)
    channels = 3 if shows_colour(root, names) else 1
    with replacing(path) as file:
        while True:
            shape = (len(names), channels, size.height, size.width)
            _check_space(path.parent, int(np.prod(shape, dtype=float)))
            np.lib.format.open_memmap(file.name, mode="w+", dtype=np.uint8, shape=shape)
            try:
                seen = decode_all(root, names, Path(file.name), path.stem)
                break
            except Colour:
                channels = 3  # one has colour that was not looked at before
    words = {
        "written": _stamp(path),
        "why": size.why,
        "bad": dict(sorted(seen.bad.items())),
        "done": seen.done,
    }
    with replacing(path.with_suffix(".npz")) as file:
        np.savez(
            file,
            digests=seen.digests,
            sizes=seen.sizes,
            words=np.frombuffer(json.dumps(words).encode(), np.uint8),
        )


def _check_space(folder: Path, needed: int) -> None:
    # The file takes its space as it is filled: a full disk would be met after all the work.
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"the cache of images needs {needed / 1e9:.1f} GB in {folder}, and {free / 1e9:.1f} GB "
            "are free there: expected a smaller data.image_size, or XDG_CACHE_HOME=FOLDER"
        )
