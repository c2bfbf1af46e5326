"""Whether inputs are like those that a network was trained on, by range, mean and spread."""

import math
from typing import NamedTuple

import numpy as np

from sizewise.data import Normalisation

# Chosen so that no test sample of MNIST, MNIST-1D or the digits is taken for unlike, and every one
# of them on another scale is: divided by its highest number, by 255 or times 255, -1 to 1,
# standardised, light for dark, constant. The nearest misses, in the units of each: a digit light
# for dark has its mean at least 8.2 of the samples' own means' deviations off, and a true sample
# of MNIST at most 4.6; MNIST-1D from -1 to 1 has at most 0.71 of the least spread in training.
BEYOND = 0.25  # of the range trained on, past either end of it
MEAN_OFF = 6.5  # deviations of the samples' own means
LEAST_OFF = 0.25  # deviations of the numbers: samples may all have one mean
SPREAD = 0.8  # of the least of the samples' own deviations
# Networks of older versions know only the mean and deviation of all numbers, and samples differ.
OLD_MEAN_OFF = 1.5
OLD_SPREAD = 0.05


class Span(NamedTuple):
    """The numbers of some inputs; low and high are None where they are not known."""

    low: float | None
    high: float | None
    mean: float
    std: float

    def __str__(self) -> str:
        about = f"mean {self.mean:.3g} ± {self.std:.3g}"
        if self.low is None or self.high is None:
            return f"numbers of {about}"
        if self.low == self.high:
            return f"numbers that are all {self.low:.4g}"
        return f"numbers from {self.low:.4g} to {self.high:.4g}, {about}"


class Familiar:
    """What a network's training samples were like.

    Args:
        normalisation: of the training samples.
    """

    def __init__(self, normalisation: Normalisation) -> None:
        self._known = normalisation

    def unlike(self, inputs: np.ndarray) -> np.ndarray:
        """Return which of inputs (N, C, *S) are unlike all that was trained on: (N,), bool."""
        known = self._known
        flat = np.asarray(inputs, dtype=np.float64).reshape(*inputs.shape[:2], -1)  # N C F
        mean, std = np.array(known.mean), np.array(known.std)
        off, spread = np.abs(flat.mean(axis=2) - mean), flat.std(axis=2)
        if known.low is None or known.high is None:
            unlike = (off > OLD_MEAN_OFF * std) | (spread < OLD_SPREAD * std)
        else:
            low, high = np.array(known.low), np.array(known.high)
            most = np.maximum(MEAN_OFF * np.array(known.mean_std), LEAST_OFF * std)
            margin = BEYOND * (high - low)
            unlike = (
                (off > most)
                | (spread < SPREAD * np.array(known.least_std))
                | (flat.min(axis=2) < low - margin)
                | (flat.max(axis=2) > high + margin)
            )
        any_channel: np.ndarray = unlike.any(axis=1)
        return any_channel

    @property
    def trained_on(self) -> Span:
        """The numbers of all training samples, the channels together."""
        known = self._known
        mean = float(np.mean(known.mean))
        std = math.sqrt(np.mean(np.square(known.std)) + np.var(known.mean))
        if known.low is None or known.high is None:
            return Span(None, None, mean, std)
        return Span(min(known.low), max(known.high), mean, std)


class Tally:
    """Counts inputs that are unlike the training samples, and gathers their span."""

    def __init__(self) -> None:
        self.unlike = self.all = self._numbers = 0
        self._low, self._high = math.inf, -math.inf
        self._sum = self._squares = 0.0

    def add(self, values: np.ndarray, unlike: bool) -> None:
        """Count one input, (C, *S)."""
        self.all += 1
        if unlike:
            numbers = values.astype(np.float64)
            self.unlike += 1
            self._low = min(self._low, float(numbers.min()))
            self._high = max(self._high, float(numbers.max()))
            self._numbers += numbers.size
            self._sum += float(numbers.sum())
            self._squares += float((numbers**2).sum())

    def warning(self, trained_on: Span) -> str:
        """Return what to say of those that are unlike."""
        mean = self._sum / self._numbers
        variance = max(self._squares / self._numbers - mean**2, 0.0)
        seen = Span(self._low, self._high, mean, math.sqrt(variance))
        which = "" if self.all == 1 else f"{self.unlike:,} of {self.all:,}: "
        return f"{which}{seen}; the network was trained on {trained_on}"
