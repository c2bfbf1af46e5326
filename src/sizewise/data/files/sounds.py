"""Sounds in .wav files, as frames of how loud each band of pitch is.

Shapes: n samples of a clip, T frames, K frequencies, C bands.
"""

import functools
import hashlib
import io
import math
import warnings
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

from sizewise.data.files import Adapted
from sizewise.data.files.sequences import fit_sequence
from sizewise.errors import UserError, first_line

SUFFIXES = (".wav", ".wave")
WINDOW, HOP = 0.025, 0.010  # seconds: a frame's, and from one frame to the next
BANDS = 40
LEAST_FREQUENCIES = 256  # so that at low rates, too, no band lies between two of them
QUIET = 1e-10  # of a full-scale band's energy, below which all is silence: 16 bits end near it
RATES = (1_000, 192_000)  # samples a second
MOST_SECONDS = 60
MOST_MEMORY = 0.25  # of this machine's, for the frames of a folder
MOST_BYTES = 100_000_000  # a minute, in stereo, of 32 bits at the highest rate


class Clip(NamedTuple):
    """A sound: samples a second, its samples from -1 to 1 (n,), a digest, and what was done."""

    rate: int
    samples: NDArray[np.float32]
    digest: bytes
    done: tuple[Adapted, ...] = ()

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def decode(file: IO[bytes]) -> Clip:
    """Return the sound in a .wav of 8 to 64 bits a sample or of floats; channels are averaged.

    Raises:
        UserError: it is no such file, cut short, too short or too long, or not finite.
    """
    body = file.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise UserError(f"more than {MOST_BYTES:,} bytes; {_limit()}")
    declared = 8 + int.from_bytes(body[4:8], "big" if body[:4] == b"RIFX" else "little")
    if body[:4] in (b"RIFF", b"RIFX") and declared > len(body):
        raise UserError(f"cut short: {len(body):,} bytes of the {declared:,} that it says it has")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # of notes beside the sound
            rate, values = wavfile.read(io.BytesIO(body))
    except Exception as error:  # a damaged file can raise anything from its parser
        raise UserError(f"not a .wav that can be read ({first_line(error)})") from error
    _check(rate, values)
    digest = hashlib.sha256(f"{rate} {values.dtype} {values.shape}".encode() + values.tobytes())
    samples, channels = _scaled(values), values.shape[1:]
    done = (Adapted(f"{channels[0]} channels averaged"),) if channels else ()
    if channels:
        samples = samples.mean(axis=1)
    return Clip(rate, samples, digest.digest(), done)


def frames(clip: Clip, rate: int) -> tuple[NDArray[np.float32], tuple[Adapted, ...]]:
    """Return the log-mel frames of a clip at a rate, (C, T), and what was done for them.

    A frame is the logarithm of the energy in `BANDS` triangular bands of equal width in mel, of a
    Hann window of 25 ms, every 10 ms (Davis & Mermelstein, "Comparison of Parametric
    Representations for Monosyllabic Word Recognition", 1980, of whose cosine transform nothing is
    left here).
    """
    samples, done = clip.samples, clip.done
    if clip.rate != rate:
        from scipy.signal import resample_poly  # it takes most of a second to import

        common = math.gcd(clip.rate, rate)
        samples = resample_poly(samples, rate // common, clip.rate // common)
        done += (Adapted(f"resampled to {rate:,}", f"resampled from {clip.rate:,} to {rate:,}"),)
    window = np.hanning(round(WINDOW * rate) + 1)[:-1].astype(np.float32)
    pieces = np.lib.stride_tricks.sliding_window_view(samples, len(window))[:: round(HOP * rate)]
    filters = _filters(rate)
    spectrum = np.fft.rfft(pieces * window, 2 * (len(filters) - 1))  # T K
    energy = (np.abs(spectrum) / window.sum()) ** 2 @ filters  # T K -> T C
    return np.log(np.maximum(energy, QUIET)).T.astype(np.float32), done


def fit_clip(
    clip: Clip, rate: int, shape: tuple[int, ...]
) -> tuple[NDArray[np.float32], tuple[Adapted, ...]]:
    """Return the frames of a clip as a network reads them, NaN after their end, and what was done.

    Args:
        clip: a sound.
        rate: samples a second of those that were learnt from.
        shape: (C, T) of the longest of these.

    Raises:
        UserError: it is longer.
    """
    values, done = frames(clip, rate)
    if values.shape[1] > shape[1]:
        raise UserError(
            f"{clip.seconds:.3f} s long; expected at most {seconds_of(shape[1]):.3f} s, as were "
            "learnt from"
        )
    return fit_sequence(values, shape), done


def seconds_of(count: int) -> float:
    """Return how long a sound of so many frames is."""
    return WINDOW + (count - 1) * HOP


def _limit() -> str:
    return f"expected {WINDOW * 1000:g} ms to {MOST_SECONDS} s: cut it into clips"


def _check(rate: int, values: np.ndarray) -> None:
    """Check that a sound is one that frames can be made of."""
    least, most = RATES
    if not least <= rate <= most:
        raise UserError(f"{rate:,} samples a second; expected {least:,} to {most:,}")
    seconds = len(values) / rate
    if len(values) < round(WINDOW * rate) + 1:  # one more: rates are rounded when resampled
        raise UserError(f"{seconds * 1000:.3g} ms long; expected at least {WINDOW * 1000:g} ms")
    if seconds > MOST_SECONDS:
        raise UserError(f"{seconds:.0f} s long; {_limit()}")
    if not np.isfinite(values).all():
        raise UserError("NaN or infinity in it; expected finite samples")


def _scaled(values: np.ndarray) -> NDArray[np.float32]:
    """Return samples from -1 to 1: whole numbers by their bits, floats as they are."""
    if values.dtype.kind == "u":  # up to 8 bits, with silence in the middle
        values = (values - 128.0) / 128
    elif values.dtype.kind == "i":
        values = values / 2.0 ** (8 * values.dtype.itemsize - 1)
    return values.astype(np.float32)


@functools.cache  # of each rate, not of each clip
def _filters(rate: int) -> NDArray[np.float32]:
    """Return the weights of each band's frequencies, (K, C), from 0 to half the rate.

    A pitch of m mel is one of 700 (10^(m / 2595) - 1) Hz (O'Shaughnessy, Speech Communication,
    1987).
    """
    top = 2595 * math.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, BANDS + 2) / 2595) - 1)
    count = 2 ** math.ceil(math.log2(WINDOW * rate)) // 2
    frequencies = np.linspace(0, rate / 2, max(LEAST_FREQUENCIES, count) + 1)[:, None]
    below, centre, above = edges[:-2], edges[1:-1], edges[2:]
    rising = (frequencies - below) / (centre - below)
    falling = (above - frequencies) / (above - centre)
    return np.maximum(np.minimum(rising, falling), 0).astype(np.float32)
