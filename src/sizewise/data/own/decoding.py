"""Images decoded on all cores into a file that is mapped into memory."""

import hashlib
import multiprocessing
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from sizewise.data.files.conform import Form, fit_image, is_in_form
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
    """What is known of N images.

    Args:
        digests: of what each shows, (N, 32), bytes; zeros where it can't be read.
        sizes: width and height of each, upright, (N, 2); zeros where they are not known.
        bad: why the image at an index can't be read.
        done: how many images what was done to.
    """

    digests: np.ndarray
    sizes: np.ndarray
    bad: dict[int, str]
    done: Counter[str]


def decode_all(root: Path, names: Sequence[str], path: Path, shown: str) -> Seen:
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
    all_seen = _none_of(len(names))
    off = not screen.is_terminal
    with Progress(*bar, console=screen, disable=off, transient=True) as progress:
        task = progress.add_task(shown, total=len(names))
        for part, seen in _in_parts(root, names, path, parts):
            all_seen.digests[part.start : part.stop] = seen.digests
            all_seen.sizes[part.start : part.stop] = seen.sizes
            all_seen.bad.update({part.start + row: why for row, why in seen.bad.items()})
            all_seen.done.update(seen.done)
            progress.advance(task, len(part))
    return all_seen


def _in_parts(
    root: Path, names: Sequence[str], path: Path, parts: list[range]
) -> Iterator[tuple[range, Seen]]:
    """Yield what is known of the images of each part as it is done."""
    cores = available_cores()
    if len(names) <= ALONE or cores == 1:
        yield from ((each, decode_part(root, names[each.start : each.stop], path, each.start))
                    for each in parts)  # fmt: skip
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(cores, context, _start) as pool:
        waiting: dict[Future[Seen], range] = {
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


def decode_part(root: Path, names: Sequence[str], path: Path, first: int) -> Seen:
    """Put some images into an .npy from its row `first` on, and return what is known of them."""
    rows = np.load(path, mmap_mode="r")
    channels, height, width = rows.shape[1:]
    form = Form((channels, height, width), is_image=True)
    seen, sizes = _none_of(len(names)), []
    digests, made = bytearray(), bytearray()  # one after another; pixels with their channels last
    for row, name in enumerate(names):
        size = (0, 0)
        try:
            with open(f"{root}/{name}", "rb") as file:
                image, steps = decode(file)
            size = image.size
            if channels == 1 and has_colour(image):
                raise Colour
            shown = image.tobytes()
            if is_in_form(image, form):
                made += shown
            else:
                fitted, more = fit_image(image, form)
                made += fitted.transpose(1, 2, 0).tobytes()
                steps += more
            digest = hashlib.sha256(f"{image.mode}{size}".encode())
            digest.update(shown)
            digests += digest.digest()
            if steps:
                seen.done.update(step.kind for step in steps)
        except (UserError, OSError) as error:
            system = error.strerror if isinstance(error, OSError) else None
            seen.bad[row] = system.lower() if system else str(error)
            made += bytes(channels * height * width)
            digests += NOTHING
        sizes.append(size)
    seen.digests[:] = np.frombuffer(digests, np.uint8).reshape(seen.digests.shape)
    seen.sizes[:] = sizes
    values = np.frombuffer(made, np.uint8).reshape(-1, height, width, channels)
    with path.open("r+b") as npy:  # faster than to map its pages, and a full disk is an error
        npy.seek(rows.offset + first * rows[0].nbytes)
        npy.write(values.transpose(0, 3, 1, 2).tobytes())
    return seen


def _none_of(images: int) -> Seen:
    digests = np.zeros((images, len(NOTHING)), np.uint8)
    return Seen(digests, np.zeros((images, 2), int), bad={}, done=Counter())
