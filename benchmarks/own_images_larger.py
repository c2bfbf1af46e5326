"""A set of images that is four times larger than the memory that training on it takes.

    python -m benchmarks.own_images_larger --folder FOLDER

The set is a cache as `data=folder` leaves it: bytes in a file that is mapped into memory, 32x32 in
colour, written here as noise. Memory is what the process has for itself (RssAnon in
/proc/self/status), which the system can't take back, as it can a mapped file's. In each round an
epoch of a CNN is timed on the file when it is not in the system's memory, on the file when it is,
and on samples that are tensors, of which there are fewer.
"""

import argparse
import os
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import numpy as np
import torch

from benchmarks.own_images import CLASSES, SIDE, TRAINING
from benchmarks.results import ratio, setting, table, verdict, write_section
from sizewise.data import Dataset, DataSpec, Normalisation, Split
from sizewise.data.rows import Rows
from sizewise.data.splits import MappedSplit, Samples
from sizewise.models import Architecture, build
from sizewise.training.loop import fit

TIMES, LEAST = 4, 0.8
WIDTH = 8
CHUNK = 4_000  # images that are written, or held as tensors, at a time
TRIED = 2_000  # images that memory is first measured on, and that validate
NORMALISATION = Normalisation([127.5] * 3, [73.9] * 3)


def main() -> None:
    """Measure in rounds, and write RESULTS.md's section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    path = arguments.folder / "larger.npy"
    _write(path, TRIED)
    _epoch(_mapped(path))  # brings what the process holds whatever the set
    count = int(1.25 * TIMES * _anonymous()) // (3 * SIDE**2)  # it may come to hold some more
    _write(path, count)
    cold, memory = [], 0
    for _ in range(arguments.rounds):
        _drop(path)
        cold.append(_epoch(_mapped(path)))
        memory = max(memory, _anonymous())
    pairs = []
    for _ in range(arguments.rounds):
        _remember(path)
        warm = _epoch(_mapped(path))
        memory = max(memory, _anonymous())
        pairs.append((warm, _epoch(_tensors(path))))
    size = path.stat().st_size
    middle, words = ratio(pairs)
    rows = [
        ["the set over the process's own memory", f"{size / 1e9:.2f} GB, {memory / 1e9:.2f} GB",
         f"{size / memory:.1f}, at least {TIMES}", verdict(size >= TIMES * memory)],
        ["an epoch from the system's memory, over one on tensors", _rate(own for own, _ in pairs),
         f"{words}, at least {LEAST}", verdict(middle >= LEAST)],
        ["an epoch from the disk, over the same", _rate(cold),
         f"{median(cold) / median(other for _, other in pairs):.2f}", ""],
    ]  # fmt: skip
    command = f"python -m benchmarks.own_images_larger --folder FOLDER --rounds {arguments.rounds}"
    write_section(
        "Images that are larger than memory",
        f"{count:,} images of {SIDE}x{SIDE} in colour, a CNN {WIDTH} wide, {arguments.rounds} "
        f"rounds. {setting(command)}",
        table(["", "", "median [range]", ""], rows),
    )
    path.unlink()


def _rate(rates: Iterable[float]) -> str:
    return f"{median(rates):,.0f} samples/s"


def _write(path: Path, count: int) -> None:
    """Write noise over shades, one of each class, as the cache has it; it is on disk afterwards."""
    random = np.random.default_rng(0)
    shape = (count, 3, SIDE, SIDE)
    pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    for start in range(0, count, CHUNK):
        part = pixels[start : start + CHUNK]
        shades = 14 * (np.arange(start, start + len(part)) % CLASSES)
        part[:] = random.integers(0, 110, part.shape, np.uint8)
        part += shades.astype(np.uint8)[:, None, None, None]
    pixels.flush()


def _drop(path: Path) -> None:
    """Have the system forget a file that no process has mapped."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _remember(path: Path) -> None:
    """Have the system read a file into its memory."""
    with path.open("rb", buffering=0) as file:
        while file.read(2**24):
            pass


def _mapped(path: Path) -> Samples:
    pixels = np.load(path, mmap_mode="r").view(np.ndarray)
    rows = Rows(pixels, np.zeros((len(pixels), 0), np.uint8), np.arange(len(pixels)))
    targets = torch.arange(len(pixels)) % CLASSES
    return MappedSplit.of(rows, targets, NORMALISATION)


def _tensors(path: Path) -> Split:
    mapped = _mapped(path)
    return Split(*mapped.batch(slice(0, 5 * CHUNK))[:2])


def _epoch(samples: Samples) -> float:
    """Return the samples per second of an epoch."""
    names = tuple(map(str, range(CLASSES)))
    spec = DataSpec("noise", (3, SIDE, SIDE), names)
    few = Split(*samples.batch(slice(0, TRIED))[:2])
    dataset = Dataset(spec, samples, few, few, NORMALISATION, fingerprint="noise")
    torch.manual_seed(0)
    model = build(spec, Architecture("cnn", WIDTH))
    state = fit(model, dataset, TRAINING, seed=0, log=lambda *_: None)
    return state.history[0]["samples_per_second"]


def _anonymous() -> int:
    """Return the bytes of memory that this process has for itself."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (each for each in lines if each.startswith("RssAnon:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
