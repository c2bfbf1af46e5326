"""Folders of made-up sounds: tones that rise, and tones that fall."""

from pathlib import Path

import numpy as np
from scipy.io import wavfile

RATE = 8_000


def sweep(rises: bool, seed: int, seconds: float, rate: int = RATE) -> np.ndarray:
    """Return a tone in noise that goes from about 400 to 2,000 Hz or back, (n,), from -1 to 1."""
    random = np.random.default_rng(seed)
    low, high = random.uniform(300, 600), random.uniform(1_500, 2_500)
    first, last = (low, high) if rises else (high, low)
    times = np.arange(round(seconds * rate)) / rate
    turns = first * times + (last - first) * times**2 / (2 * seconds)
    loud = random.uniform(0.3, 0.8)
    return loud * np.sin(2 * np.pi * turns) + random.normal(0, 0.02, len(times))


def save(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """Write samples (n,) or (n, channels) as 16 bits, and return where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, rate, np.rint(samples * 32767).astype(np.int16))
    return path


def fill(folder: Path, count: int, seed: int = 0, rate: int = RATE) -> None:
    """Write so many sounds of 0.15 to 0.3 s of each class, `up` and `down`."""
    for each in range(2 * count):
        seconds = 0.15 + 0.15 * ((7 * each) % count) / count
        path = folder / ("down", "up")[each % 2] / f"{each // 2}.wav"
        save(path, sweep(each % 2 == 1, 10_000 * seed + each, seconds, rate), rate)
