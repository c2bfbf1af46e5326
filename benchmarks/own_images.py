"""A folder of 60,000 JPEG images: how fast it is read, and trained on from its cache.

    python -m benchmarks.own_images --folder FOLDER

The folder is made at first: noise over ten shades, 32x32, in colour, a class for each shade. The
cache is built beside it. Bare decoding is Pillow's, in as many processes, and nothing else.
"""

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from shutil import rmtree
from statistics import median

import numpy as np
import torch
from PIL import Image

from benchmarks.results import ratio, setting, table, verdict, write_section
from sizewise.config import FolderConfig, OwnConfig, TrainingConfig
from sizewise.data import Dataset, load
from sizewise.data.own.folder import look
from sizewise.models import Architecture, build
from sizewise.training.loop import fit

IMAGES, CLASSES, SIDE = 60_000, 10, 32
LEAST_BUILD, LEAST_EPOCH, MOST_SECONDS = 0.8, 0.9, 2.0
SIZES = (4, 16)  # widths of the CNN
TRAINING = TrainingConfig(
    epochs=1,
    max_steps=None,
    stop_loss=None,
    patience=None,
    batch_size=100,
    learning_rate=0.001,
    schedule="constant",
    clip_grad_norm=1.0,
)


def main() -> None:
    """Measure in rounds, and write RESULTS.md's section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    root: Path = arguments.folder / "images"
    if not root.exists():
        _make(root)
    os.environ["XDG_CACHE_HOME"] = str(arguments.folder / "cache")
    own, arrays = _configs(root)
    builds, starts = [], []
    for _ in range(arguments.rounds):
        rmtree(arguments.folder / "cache", ignore_errors=True)
        bare = IMAGES / _seconds(lambda: _decode_all(root))
        builds.append((IMAGES / _seconds(lambda: look(own)), bare))
        mapped = _seconds(lambda: load(own, 0))
        if not Path(arrays.path).exists():
            _save(own, Path(arrays.path))
        starts.append((mapped, _seconds(lambda: load(arrays, 0))))
    pair = load(own, 0), load(arrays, 0)
    epochs = {width: [_epochs(pair, width) for _ in range(arguments.rounds)] for width in SIZES}
    command = f"python -m benchmarks.own_images --folder FOLDER --rounds {arguments.rounds}"
    write_section(
        "Images of one's own",
        f"{IMAGES:,} JPEG images of {SIDE}x{SIDE}, {arguments.rounds} rounds. {setting(command)}",
        _table(builds, starts, epochs),
        "Bare decoding: Pillow's, in as many processes as there are cores. In memory: the same "
        "pixels as data=arrays, read from an .npz. Files and cache are in the system's memory.",
    )


def _make(root: Path) -> None:
    random = np.random.default_rng(0)
    for index in range(IMAGES):
        kind = index % CLASSES
        path = root / f"class {kind}" / f"{index:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 110, (SIDE, SIDE, 3)) + 14 * kind
        Image.fromarray(pixels.astype(np.uint8)).save(path)


def _configs(root: Path) -> tuple[FolderConfig, OwnConfig]:
    def config(kind: type[OwnConfig], name: str, path: Path, **more: str) -> OwnConfig:
        return kind.model_validate(
            {
                **{"name": name, "root": "data", "path": str(path), "train_samples": None},
                **{"test_fraction": 0.2, "validation_fraction": 0.1},
                **more,
            }
        )

    own = config(FolderConfig, "folder", root, image_size="auto")
    assert isinstance(own, FolderConfig)
    return own, config(OwnConfig, "arrays", root.with_name("arrays.npz"))


def _save(own: FolderConfig, path: Path) -> None:
    """Save the same pixels as an .npz."""
    found = look(own).labelled()
    np.savez(path, x=found.inputs[:], y=found.labels)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _decode_all(root: Path) -> None:
    paths = [str(path) for path in sorted(root.rglob("*.jpg"))]
    parts = [paths[start : start + 256] for start in range(0, len(paths), 256)]
    with ProcessPoolExecutor(os.cpu_count(), get_context("forkserver")) as pool:
        assert sum(pool.map(_decode, parts)) == IMAGES


def _decode(paths: list[str]) -> int:
    for path in paths:
        with Image.open(path) as image:
            image.load()
    return len(paths)


def _epochs(pair: tuple[Dataset, Dataset], width: int) -> tuple[float, float]:
    """Return the samples per second of a warm epoch on either."""
    rates = []
    for dataset in pair:
        torch.manual_seed(0)
        model = build(dataset.spec, Architecture("cnn", width))
        state = fit(model, dataset, TRAINING, seed=0, log=lambda *_: None)
        rates.append(state.history[0]["samples_per_second"])
    return rates[0], rates[1]


def _table(
    builds: list[tuple[float, float]],
    starts: list[tuple[float, float]],
    epochs: dict[int, list[tuple[float, float]]],
) -> str:
    built, words = ratio(builds)
    more = median(own - other for own, other in starts)
    rate = f"{median(own for own, _ in builds):,.0f} images/s"
    begins = f"{median(own for own, _ in starts):.1f} s"
    rows = [
        ["building the cache over bare decoding", rate, f"{words}, at least {LEAST_BUILD}",
         verdict(built >= LEAST_BUILD)],
        ["a second start, less that in memory", begins,
         f"{more:+.1f} s, at most {MOST_SECONDS:.0f} s", verdict(more <= MOST_SECONDS)],
    ]  # fmt: skip
    for width, pairs in epochs.items():
        middle, words = ratio(pairs)
        speed = f"{median(own for own, _ in pairs):,.0f} samples/s"
        cells = [f"{words}, at least {LEAST_EPOCH}", verdict(middle >= LEAST_EPOCH)]
        rows.append([f"a warm epoch of a CNN {width} wide, over that in memory", speed, *cells])
    return table(["", "own images", "median [range]", ""], rows)


if __name__ == "__main__":
    main()
