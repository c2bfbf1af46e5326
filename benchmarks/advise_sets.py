"""The data sets that `benchmarks.advise` is tried on; most are drawn, so that more can be drawn.

Shapes: N samples; images (N, 1, SIDE, SIDE), sequences (N, C, T); tables as data frames.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from benchmarks.configs import config_of
from sizewise.data.published import read_arrays

FRESH = 20_000  # samples that nothing was chosen by
FRESH_SEQUENCES = 10_000  # a table of their steps is some twenty times as long
MNIST1D_TESTED = 1_000  # the published test split, which comes before any more
SIDE, FINER = 20, 4  # of an image, in pixels; how much finer it is drawn
SHAPES = {"circle": 40, "pentagon": 5, "square": 4, "triangle": 3}  # corners
STEPS = (12, 40)  # of a sequence, from and to
TARGET = "target"
IMAGE, SEQUENCE, ROW = ("cnn", "mlp"), ("cnn", "lstm", "attention"), ("mlp",)  # as advise takes


class Drawn(NamedTuple):
    """Samples, as `Predictor.predict` takes them, and their classes' names or numbers, (N,)."""

    inputs: np.ndarray | pd.DataFrame
    targets: np.ndarray


Draw = Callable[[np.random.Generator, int], Drawn]


def shapes(random: np.random.Generator, count: int) -> Drawn:
    """Draw grey shapes anywhere, at any angle, of any brightness, under noise."""
    names = random.choice(list(SHAPES), count)
    images = np.stack([_shape(random, SHAPES[name]) for name in names])
    noisy = images + random.normal(0, 40, images.shape)
    return Drawn(noisy.clip(0, 255).astype(np.uint8)[:, None], names)


def _shape(random: np.random.Generator, corners: int) -> np.ndarray:
    radius = random.uniform(5, 8)
    centre = random.uniform(radius, SIDE - radius, 2)
    angles = random.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(corners) / corners
    points = FINER * (centre + radius * np.stack([np.cos(angles), np.sin(angles)], 1))
    image = Image.new("L", (FINER * SIDE, FINER * SIDE), 40)
    ink = int(random.uniform(120, 220))
    ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in points], fill=ink)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), float)


def classes(random: np.random.Generator, count: int) -> Drawn:
    """Draw rows of six numbers and a category, of three classes that overlap."""
    x = random.normal(size=(count, 6))
    plan = random.choice(["basic", "family", "trial"], count)
    scores = np.stack(
        [
            np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2],
            x[:, 3] ** 2 - 1 + (plan == "family"),
            x[:, 4] - x[:, 0] * (plan == "trial"),
        ],
        axis=1,
    )
    best = (scores + random.normal(0, 0.3, scores.shape)).argmax(1)
    return Drawn(_columns(x).assign(plan=plan), np.array(["left", "middle", "right"])[best])


def numbers(random: np.random.Generator, count: int) -> Drawn:
    """Draw Friedman's first problem (1991, Multivariate adaptive regression splines, 4.3).

    Five of its ten columns count; the noise has deviation 1, of which 0.80 remains as the mean
    absolute error of the best prediction.
    """
    x = random.uniform(size=(count, 10))
    curved = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2
    straight = 10 * x[:, 3] + 5 * x[:, 4]
    return Drawn(_columns(x), curved + straight + random.normal(size=count))


def chirps(random: np.random.Generator, count: int) -> Drawn:
    """Draw noisy waves of unequal length whose frequency rises, falls or stays; a row is a step."""
    names = random.choice(["falls", "rises", "stays"], count)
    lengths = random.integers(STEPS[0], STEPS[1] + 1, count)
    ids = np.repeat(np.arange(count), lengths)
    step = np.concatenate([np.arange(length) for length in lengths])
    low, high = 0.05, 0.20  # of a period, at each step
    share = step / lengths[ids]
    rate = np.select(
        [names[ids] == "rises", names[ids] == "falls"],
        [low + (high - low) * share, high - (high - low) * share],
        (low + high) / 2,
    )
    turned = np.concatenate([part.cumsum() for part in np.split(rate, lengths.cumsum()[:-1])])
    phase = random.uniform(size=count)[ids]
    value = np.sin(2 * np.pi * (turned + phase)) + random.normal(0, 0.4, len(ids))
    return Drawn(pd.DataFrame({"id": ids, "step": step, "value": value}), names)


def chance(random: np.random.Generator, count: int) -> Drawn:
    """Draw rows that say nothing of their three classes."""
    return Drawn(
        _columns(random.normal(size=(count, 6))), random.choice(["left", "middle", "right"], count)
    )


def apart(random: np.random.Generator, count: int) -> Drawn:
    """Draw rows of two classes that a plane divides, with room on either side of it."""
    x = random.normal(size=(3 * count, 5))
    side = x @ np.array([1.0, -1.0, 0.5, 0.5, 1.0]) / np.sqrt(3.5)  # a standard normal
    clear = np.flatnonzero(np.abs(side) > 0.5)[:count]
    return Drawn(_columns(x[clear]), np.where(side[clear] > 0, "above", "below"))


def _columns(x: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(x, columns=[f"x{number}" for number in range(1, x.shape[1] + 1)])


class DataSet(NamedTuple):
    """A set: how the command is told of it, and how it is drawn.

    Args:
        families: of networks that suit it.
        overrides: what is typed; {folder} stands for where the sets are.
        draw: draws samples; None for sets that come with sizewise.
        samples: in all, test split included.
        file: that the samples are written to, below {folder}.
        fresh: samples that are drawn besides.
        smallest: size that each of the families can have: a sweep with a smaller one is refused.
    """

    families: tuple[str, ...]
    overrides: tuple[str, ...]
    draw: Draw | None = None
    samples: int = 0
    file: str = ""
    fresh: int = FRESH
    smallest: int = 250


def _table(file: str, *more: str) -> tuple[str, ...]:
    return ("data=table", f"data.path={{folder}}/{file}", f"data.target={TARGET}", *more)


SETS = {
    "mnist1d": DataSet(SEQUENCE, ("data=mnist1d",)),
    "digits": DataSet(IMAGE, ("data=digits",), fresh=0),
    "shapes": DataSet(
        *(IMAGE, ("data=folder", "data.path={folder}/shapes"), shapes, 3_000, "shapes"),
        smallest=1_000,
    ),
    "classes": DataSet(ROW, _table("classes.csv"), classes, 4_000, "classes.csv"),
    "numbers": DataSet(ROW, _table("numbers.parquet"), numbers, 4_000, "numbers.parquet"),
    "chirps": DataSet(
        SEQUENCE,
        _table("chirps.csv", "data.id=id", "data.time=step"),
        *(chirps, 2_000, "chirps.csv", FRESH_SEQUENCES),
    ),
    "chance": DataSet(ROW, _table("chance.csv"), chance, 2_000, "chance.csv"),
    "apart": DataSet(ROW, _table("apart.csv"), apart, 2_000, "apart.csv"),
}


def overrides_of(name: str, folder: Path) -> list[str]:
    """Return what is typed of a set, after it was written below `folder`."""
    return [each.format(folder=folder.resolve()) for each in SETS[name].overrides]


def write(name: str, folder: Path) -> None:
    """Write a set below `folder`, if it isn't there; what is there is whole."""
    wanted = SETS[name]
    path = folder / wanted.file
    if wanted.draw is None:  # MNIST-1D is generated by whoever reads it first
        read_arrays(config_of(f"data={name}", f"data.root={folder}").data)
        return
    if path.exists():
        return
    part = folder / f"part-{wanted.file}"
    drawn = wanted.draw(np.random.default_rng(0), wanted.samples)
    if isinstance(drawn.inputs, np.ndarray):
        _write_images(part, drawn)
    else:
        ids = drawn.inputs.get("id")
        table = drawn.inputs.assign(
            **{TARGET: drawn.targets if ids is None else drawn.targets[ids]}
        )
        if path.suffix == ".parquet":
            table.to_parquet(part)
        else:
            table.to_csv(part, index=False)
    part.rename(path)


def _write_images(root: Path, drawn: Drawn) -> None:
    """Write train/ and test/, a fifth of all, with a folder for each class."""
    for number, (pixels, name) in enumerate(zip(drawn.inputs, drawn.targets, strict=True)):
        path = root / ("test" if number % 5 == 0 else "train") / name / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[0]).save(path)


def fresh_of(name: str, folder: Path) -> Drawn | None:
    """Return samples that the set has not got, from where it has come; None where none are had."""
    wanted = SETS[name]
    if wanted.draw is not None:
        return wanted.draw(np.random.default_rng(1), wanted.fresh)
    if not wanted.fresh:
        return None
    tested = f"data.test_samples={MNIST1D_TESTED + wanted.fresh}"
    arrays = read_arrays(config_of(f"data={name}", f"data.root={folder}", tested).data)
    new = slice(MNIST1D_TESTED, None)
    return Drawn(arrays.test_inputs[new], arrays.test_targets[new].astype(str))
