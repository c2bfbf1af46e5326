"""Whether inputs are like those that a network was trained on, by range, mean and spread."""

import math

import numpy as np

from sizewise.data.normalisation import Normalisation

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
SHOWN = 3  # channels that are told one by one


def unlike(inputs: np.ndarray, known: Normalisation) -> np.ndarray:
    """Return which of inputs (N, C, *S) are unlike all training samples: (N,), bool.

    Of sequences that end early, NaN from there on, the rest is looked at.
    """
    return np.asarray(_unlike_channels(inputs, known).any(axis=1))


def _unlike_channels(inputs: np.ndarray, known: Normalisation) -> np.ndarray:
    """Return which channels of inputs (N, C, *S) are: (N, C), bool."""
    flat = np.asarray(inputs, dtype=np.float64).reshape(*inputs.shape[:2], -1)  # N C F
    mean, std = np.array(known.mean), np.array(known.std)
    off, spread = np.abs(np.nanmean(flat, axis=2) - mean), np.nanstd(flat, axis=2)
    if known.low is None or known.high is None:
        found = (off > OLD_MEAN_OFF * std) | (spread < OLD_SPREAD * std)
    else:
        low, high = np.array(known.low), np.array(known.high)
        most = np.maximum(MEAN_OFF * np.array(known.mean_std), LEAST_OFF * std)
        # What is left as it is, as whether a step is of a category, has no mean to compare with.
        most = np.where((mean == 0) & (std == 1), np.inf, most)
        if flat.shape[2] == 1:  # one number is its own mean: its range says all
            most = np.full_like(most, np.inf)
        margin = BEYOND * (high - low)
        found = (
            (off > most)
            | (spread < SPREAD * np.array(known.least_std))
            | (np.nanmin(flat, axis=2) < low - margin)
            | (np.nanmax(flat, axis=2) > high + margin)
        )
    return np.asarray(found)


def _range(low: float, high: float) -> str:
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"


def _words(low: float | None, high: float | None, mean: float, std: float) -> str:
    about = f"mean {mean:.3g} ± {std:.3g}"
    if low is None or high is None:  # not known
        return f"numbers of {about}"
    if low == high:
        return f"numbers that are all {low:.4g}"
    return f"numbers from {low:.4g} to {high:.4g}, {about}"


def _words_of(known: Normalisation) -> str:
    """Return the words for all training samples, the channels together."""
    low = min(known.low) if known.low else None
    high = max(known.high) if known.high else None
    std = math.sqrt(np.mean(np.square(known.std)) + np.var(known.mean))
    return _words(low, high, float(np.mean(known.mean)), std)


class Tally:
    """Counts inputs, all of one shape, that are unlike the training samples.

    Args:
        known: of the training samples.
        channels: what each is called, where they hold different things; of those that are unlike
            the first few are told one by one.
    """

    def __init__(self, known: Normalisation, channels: tuple[str, ...] = ()) -> None:
        self._known, self._channels = known, channels
        self._ranges: dict[int, tuple[float, float]] = {}  # of the channels that are unlike
        self.all = self.unlike = 0
        self._low, self._high = math.inf, -math.inf
        self._means = self._squares = 0.0  # summed over the unlike ones

    def add(self, values: np.ndarray, unlike: bool) -> "Tally":
        """Count one input, (C, *S), and return the tally."""
        self.all += 1
        if unlike:
            numbers = values[~np.isnan(values)].astype(np.float64)
            self.unlike += 1
            self._low = min(self._low, float(numbers.min()))
            self._high = max(self._high, float(numbers.max()))
            self._means += float(numbers.mean())
            self._squares += float((numbers**2).mean())
            strange = _unlike_channels(values[None], self._known)[0] & bool(self._channels)
            for place in np.flatnonzero(strange).tolist():
                low, high = self._ranges.get(place, (math.inf, -math.inf))
                least, most = float(np.nanmin(values[place])), float(np.nanmax(values[place]))
                self._ranges[place] = min(low, least), max(high, most)
        return self

    def warning(self) -> str:
        """Return what to say of those that are unlike, one or more."""
        which = "" if self.all == 1 else f"{self.unlike:,} of {self.all:,}: "
        if self._channels and self._known.low and self._known.high:
            trained = list(zip(self._known.low, self._known.high, strict=True))
            told = [
                f"{self._channels[place]} is {_range(*seen)}, in training {_range(*trained[place])}"
                for place, seen in list(self._ranges.items())[:SHOWN]
            ]
            more = len(self._ranges) - len(told)
            return which + "; ".join(told) + (f"; and {more:,} more" if more else "")
        mean = self._means / self.unlike
        std = math.sqrt(max(self._squares / self.unlike - mean**2, 0.0))
        seen = _words(self._low, self._high, mean, std)
        return f"{which}{seen}; the network was trained on {_words_of(self._known)}"
