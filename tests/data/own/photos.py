"""Folders of made-up images, and what training reads of them."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sizewise.config import FolderConfig
from sizewise.data import Dataset
from sizewise.data.splits import MappedSplit
from tests.builders import whole

PER_CLASS = 12


def save(path: Path, seed: int = 0, mode: str = "L", size: tuple[int, int] = (10, 8)) -> None:
    """Write an image of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0]) if mode == "L" else (size[1], size[0], len(mode))
    noise = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(noise, mode if mode == "RGBA" else None).save(path)


def fill(folder: Path, *classes: str, count: int = PER_CLASS, seed: int = 0, **how: Any) -> None:
    for number, name in enumerate(classes):
        for each in range(count):
            save(folder / name / f"{each}.png", 1000 * (seed + number) + each, **how)


def config(path: Path, **changes: object) -> FolderConfig:
    whole = FolderConfig(
        name="folder",
        root="data",
        train_samples=None,
        path=str(path),
        image_size="auto",
        test_fraction=0.25,
        validation_fraction=0.2,
    )
    return whole.model_copy(update=changes)


def counts(dataset: Dataset) -> list[int]:
    return [len(each) for each in (dataset.train, dataset.validation, dataset.test)]


def raw(split: object, dataset: Dataset) -> np.ndarray:
    """Return a split's bytes before they were normalised."""
    assert isinstance(split, MappedSplit)
    values = whole(split).inputs * split.std + split.mean
    return np.asarray(np.rint(values.numpy()), dtype=np.uint8)
