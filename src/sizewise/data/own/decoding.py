"""Images decoded on all cores into a file that is mapped into memory."""

import hashlib
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from sizewise.data.files.conform import Form, fit_image
from sizewise.data.files.images import decode
from sizewise.data.own.form import has_colour
from sizewise.errors import UserError
from sizewise.interrupts import end_with_parent
from sizewise.threads import available_cores

CHUNK = 256  # images that a process decodes at a time
ALONE = 8 * CHUNK  # images, up to which starting processes takes longer than it saves
NOTHING = bytes(32)  # the digest of what can't be read


class Colour(Exception):
    """An image shows colour, and the file is one of grey images."""


class Seen(NamedTuple):
    """What is known of an image: a digest of what it shows, its size, and what was done to it.

    `bad` says why it can't be read, where it can't.
    """

    digest: bytes
    size: tuple[int, int]
    done: tuple[str, ...] = ()
    bad: str = ""


def decode_all(root: Path, names: Sequence[str], path: Path, shown: str) -> list[Seen]:
    """Bring all images to the form of an .npy of bytes, (N, C, H, W), and put them there.

    Args:
        root: the folder that they lie in.
        names: N paths below it.
        path: the .npy, which is there.
        shown: what a bar calls them, on a terminal.

    Raises:
        Colour: one shows colour, and C is 1.
        UserError: a process was ended from outside.
    """
    screen = Console(stderr=True)
    bar = ("images", BarColumn(bar_width=30), MofNCompleteColumn(), TimeRemainingColumn())
    parts = [range(at, min(at + CHUNK, len(names))) for at in range(0, len(names), CHUNK)]
    found: list[Seen] = [Seen(NOTHING, (0, 0))] * len(names)
    off = not screen.is_terminal
    with Progress(*bar, console=screen, disable=off, transient=True) as progress:
        task = progress.add_task(shown, total=len(names))
        for part, seen in _in_parts(root, names, path, parts):
            found[part.start : part.stop] = seen
            progress.advance(task, len(part))
    return found


def _in_parts(
    root: Path, names: Sequence[str], path: Path, parts: list[range]
) -> Iterator[tuple[range, list[Seen]]]:
    """Yield what is known of the images of each part as it is done."""
    cores = available_cores()
    if len(names) <= ALONE or cores == 1:
        yield from ((each, decode_part(root, names[each.start : each.stop], path, each.start))
                    for each in parts)  # fmt: skip
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(cores, context, _start) as pool:
        waiting: dict[Future[list[Seen]], range] = {
            pool.submit(decode_part, root, names[each.start : each.stop], path, each.start): each
            for each in parts
        }
        try:
            for done in as_completed(waiting):
                yield waiting.pop(done), done.result()
        except BrokenProcessPool as error:
            raise UserError(
                "a process that decoded images was ended from outside (for want of memory or of "
                "disk, perhaps): type the same command again"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and ends this process
    end_with_parent()


def decode_part(root: Path, names: Sequence[str], path: Path, first: int) -> list[Seen]:
    """Put some images into an .npy from its row `first` on, and return what is known of them."""
    pixels = np.load(path, mmap_mode="r+")
    form = Form(pixels.shape[1:], is_image=True)
    values = np.zeros((len(names), *form.shape), np.uint8)
    seen = [_decode(f"{root}/{name}", form, into) for name, into in zip(names, values, strict=True)]
    pixels[first : first + len(names)] = values
    return seen


def _decode(path: str, form: Form, into: np.ndarray) -> Seen:
    size = (0, 0)
    try:
        with open(path, "rb") as file:
            image, before = decode(file)
        size = image.size
        if form.shape[0] == 1 and has_colour(image):
            raise Colour
        into[:], after = fit_image(image, form)
    except (UserError, OSError) as error:
        system = error.strerror if isinstance(error, OSError) else None
        return Seen(NOTHING, size, bad=(system or str(error)).lower() if system else str(error))
    digest = hashlib.sha256(f"{image.mode}{size}".encode() + image.tobytes()).digest()
    return Seen(digest, size, tuple(each.kind for each in (*before, *after)))
