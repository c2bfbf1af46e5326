"""Features made by hand, as traditional learning reads images and sequences.

Shapes: B batch, C channels, H and W an image's sides, L steps of a sequence, F features.
"""

import numpy as np
from numpy.typing import NDArray

from sizewise.data.spec import DataSpec
from sizewise.errors import UserError

Array = NDArray[np.float32]

CELL = 5  # pixels on a side; an image below two blocks on a side gets smaller cells
BLOCK = 2  # cells on a side
ORIENTATIONS = 9
LAGS = 16  # of the autocorrelation, at most
BANDS = 16  # of the spectrum, at most


def raw(inputs: Array) -> Array:
    """Return the numbers of each sample as they are: B C *S -> B F."""
    return inputs.reshape(len(inputs), -1)


def hog(images: Array) -> Array:
    """Return histograms of oriented gradients (B, F) of images (B, C, H, W), by scikit-image.

    Nine orientations in cells of 5x5 pixels, normalised over blocks of 2x2 cells by L2-Hys (Dalal &
    Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005). A colour image's
    gradient at a pixel is that of the channel where it is steepest. They don't change with the
    images' brightness and contrast, and so not with the data set's normalisation.
    """
    from skimage.feature import hog as one  # takes a second, and only this needs it

    cell = min(CELL, *(side // BLOCK for side in images.shape[2:]))
    return np.stack(
        [
            one(
                image,
                orientations=ORIENTATIONS,
                pixels_per_cell=(cell, cell),
                cells_per_block=(BLOCK, BLOCK),
                channel_axis=0,
            )
            for image in images.astype(np.float64)
        ]
    ).astype(np.float32)


def signal(
    sequences: Array, lengths: NDArray[np.int64] | None = None, longest: int | None = None
) -> Array:
    """Return what describes each channel of sequences (B, C, L) without its position: (B, F).

    - summary: mean, standard deviation, least, greatest, quartiles, skewness, excess kurtosis, mean
      absolute step, and the shares of steps that cross the mean and that turn: the usual features
      of time series (Lubba et al., "catch22", Data Mining and Knowledge Discovery 33, 2019, take
      their kind);
    - autocorrelation at lags 1 to 16, normalised by that at lag 0 and not by the number of terms
      (Box & Jenkins, Time Series Analysis, section 2.1.5);
    - spectrum: the logarithm of the periodogram's power, averaged over at most 16 bands, and its
      centre of mass (Welch, 1967, with one segment).

    Of unequal length, each is described over its own steps, and its length stands before that. At
    lags that it is too short for its autocorrelation is 0; its spectrum is taken at the frequencies
    of the longest. One below 3 steps repeats its last.

    Args:
        sequences: the steps.
        lengths: of each, (B,), where what comes after is padding; None where all have L.
        longest: that there may be, in other batches too; None for L.
    """
    longest = max(longest or sequences.shape[2], SMALLEST["signal"])
    if lengths is None:
        return _described(sequences, longest)
    alike = [np.flatnonzero(lengths == each) for each in np.unique(lengths)]
    described = [_described(sequences[own, :, : lengths[own[0]]], longest) for own in alike]
    rows = np.concatenate(described)[np.argsort(np.concatenate(alike))]
    return np.column_stack([lengths.astype(np.float32), rows])


def _described(sequences: Array, longest: int) -> Array:
    lacking = max(0, SMALLEST["signal"] - sequences.shape[2])
    x = np.pad(sequences.astype(np.float64), ((0, 0), (0, 0), (0, lacking)), mode="edge")  # B C L
    parts = [_summary(x), _autocorrelation(x, longest), _spectrum(x, longest)]
    return np.concatenate(parts, axis=2).reshape(len(x), -1).astype(np.float32)  # B C F' -> B F


FEATURES = {"raw": raw, "hog": hog, "signal": signal}
SUITED = {"hog": 2, "signal": 1}  # to samples of so many spatial axes
KINDS = {1: "sequences", 2: "images"}
SMALLEST = {"hog": BLOCK, "signal": 3}  # on a side


def choose_features(wanted: str | None, spec: DataSpec) -> str:
    """Return the features that a classical family reads: `wanted`, or those suited to the data.

    Raises:
        UserError: `wanted` does not fit such data.
    """
    axes = len(spec.spatial_shape)
    if spec.unequal:
        if wanted not in (None, "signal"):
            raise UserError(
                f"features={wanted} needs samples of one length, and {spec.name} has sequences of "
                "unequal length: expected features=signal"
            )
        return "signal"
    suited = next((name for name, each in SUITED.items() if each == axes), "raw")
    if wanted is None:
        return suited if min(spec.spatial_shape) >= SMALLEST.get(suited, 1) else "raw"
    if wanted in SUITED and SUITED[wanted] != axes:
        raise UserError(
            f"features={wanted} is made of {KINDS[SUITED[wanted]]}, and {spec.name} has "
            f"{KINDS.get(axes, f'samples of {axes} axes')}: expected features={suited} or raw"
        )
    if min(spec.spatial_shape) < SMALLEST.get(wanted, 1):
        raise UserError(
            f"features={wanted} needs at least {SMALLEST[wanted]} values a side, and {spec.name} "
            f"has samples of {spec.spatial_shape}: expected features=raw"
        )
    return wanted


def _summary(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return twelve statistics of each channel: B C L -> B C 12."""
    mean, deviation = x.mean(axis=2), x.std(axis=2)
    standard = (x - mean[..., None]) / np.where(deviation > 0, deviation, 1)[..., None]
    steps = np.diff(x, axis=2)
    crossings = np.diff(standard > 0, axis=2).mean(axis=2)
    turns = np.diff(steps > 0, axis=2).mean(axis=2)
    statistics = [
        *(mean, deviation, x.min(axis=2), x.max(axis=2)),
        *np.quantile(x, (0.25, 0.5, 0.75), axis=2),
        *((standard**3).mean(axis=2), (standard**4).mean(axis=2) - 3),
        *(np.abs(steps).mean(axis=2), crossings, turns),
    ]
    return np.stack(statistics, axis=2)


def _autocorrelation(x: NDArray[np.float64], longest: int) -> NDArray[np.float64]:
    """Return each channel's autocorrelation from lag 1 on, 0 where it is constant: B C L -> B C A.

    As many lags as the longest sequence has, at most 16; 0 at those that a shorter one lacks. By
    the Fourier transform of the padded sequence (Wiener-Khinchin).
    """
    from scipy import fft

    length = x.shape[2]
    centred = x - x.mean(axis=2, keepdims=True)
    power = np.abs(fft.rfft(centred, n=2 * length, axis=2)) ** 2
    lags = min(LAGS, longest - 1)
    covariance = fft.irfft(power, n=2 * length, axis=2)[..., : min(lags, length - 1) + 1]
    first = covariance[..., :1]
    constant = first <= 1e-12 * length
    found = np.where(constant, 0.0, covariance[..., 1:] / np.where(constant, 1.0, first))
    return np.pad(found, ((0, 0), (0, 0), (0, lags - found.shape[2])))


def _spectrum(x: NDArray[np.float64], longest: int) -> NDArray[np.float64]:
    """Return the log power of each channel in bands, and its mean frequency: B C L -> B C P+1."""
    from scipy.signal import periodogram

    frequencies, power = periodogram(
        x, nfft=longest, axis=2
    )  # the mean is taken off: power at 0 is 0
    frequencies, power = frequencies[1:], power[..., 1:]
    starts = np.linspace(0, len(frequencies), min(BANDS, len(frequencies)) + 1).astype(int)[:-1]
    widths = np.diff([*starts, len(frequencies)])
    bands = np.add.reduceat(power, starts, axis=2) / widths
    total = power.sum(axis=2)
    centre = (power @ frequencies) / np.where(total > 0, total, 1)
    return np.concatenate([np.log(bands + 1e-6), centre[..., None]], axis=2)
