"""Sounds in files of every kind, and the frames that are made of them."""

import io
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from sizewise.data.files import sounds
from sizewise.data.files.sounds import BANDS, Clip, decode, fit_clip, frames, seconds_of
from sizewise.errors import UserError
from tests.data.own.clips import RATE, save, sweep


def tone(hertz: float, rate: int, seconds: float = 0.2) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def clip(samples: np.ndarray, rate: int) -> Clip:
    return Clip(rate, samples.astype(np.float32), b"")


def written(samples: np.ndarray, rate: int = RATE) -> io.BytesIO:
    file = io.BytesIO()
    wavfile.write(file, rate, samples)
    return file


def of_24_bits(samples: np.ndarray) -> io.BytesIO:
    file, whole = io.BytesIO(), np.rint(samples * (2**23 - 1)).astype("<i4")
    with wave.open(file, "wb") as opened:
        opened.setparams((1, 3, RATE, 0, "NONE", ""))
        opened.writeframes(whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes())
    return io.BytesIO(file.getvalue())


KINDS: dict[str, Callable[[np.ndarray], io.BytesIO]] = {
    "8 bit": lambda samples: written(np.rint(samples * 127 + 128).astype(np.uint8)),
    "16 bit": lambda samples: written(np.rint(samples * 32767).astype(np.int16)),
    "24 bit": of_24_bits,
    "32 bit": lambda samples: written(np.rint(samples * (2**31 - 1)).astype(np.int32)),
    "float": lambda samples: written(samples.astype(np.float32)),
    "double": written,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_is_the_same_in_files_of_every_kind(kind: str) -> None:
    samples = sweep(True, 0, 0.2)
    found = decode(KINDS[kind](samples))
    assert found.rate == RATE
    assert found.samples == pytest.approx(samples, abs=1e-2 if kind == "8 bit" else 1e-4)
    assert found.done == ()


def test_channels_are_averaged() -> None:
    samples = tone(500, RATE)
    both = np.stack([samples, samples / 2], axis=1)
    found = decode(written((both * 32767).astype(np.int16)))
    assert found.samples == pytest.approx(0.75 * samples, abs=1e-4)
    assert [str(each) for each in found.done] == ["2 channels averaged"]


def test_a_tone_is_in_the_band_of_its_pitch_and_a_louder_one_above_it_by_its_energy() -> None:
    # 1,000 Hz are 1,000 mel, and 4,000 Hz 2,146.1: bands' centres lie 2,146.1 / 41 mel apart.
    quiet, _ = frames(clip(tone(1_000, RATE), RATE), RATE)
    loud, _ = frames(clip(2 * tone(1_000, RATE), RATE), RATE)
    assert quiet.shape == (BANDS, 18)  # 25 ms, and 17 times 10 ms more, in 200 ms
    assert set(quiet.argmax(axis=0)) == {round(1_000 / (2_146.1 / 41)) - 1}
    assert (loud - quiet)[18] == pytest.approx(np.log(4), abs=1e-4)
    assert seconds_of(18) == pytest.approx(0.195)


def test_silence_is_a_number() -> None:
    values, _ = frames(clip(np.zeros(RATE // 5), RATE), RATE)
    assert set(values.ravel()) == {np.float32(np.log(1e-10))}


def test_at_another_rate_it_is_nearly_the_same() -> None:
    here, done = frames(clip(tone(1_000, RATE), RATE), RATE)
    there, more = frames(clip(tone(1_000, 44_100), 44_100), RATE)
    assert here.shape == there.shape
    middle = slice(2, -2)  # the ends hear the silence around the sound
    assert there[17:20, middle] == pytest.approx(here[17:20, middle], abs=0.02)
    assert (done, [str(each) for each in more]) == ((), ["resampled from 44,100 to 8,000"])


@pytest.mark.parametrize("rate", [1_000, 2_000, 192_000])
def test_no_band_is_deaf_at_any_rate(rate: int) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, rate // 2)
    values, _ = frames(clip(noise, rate), rate)
    assert values.min() > np.log(1e-10)


def test_it_is_brought_to_the_length_of_those_learnt_from_unless_it_is_longer() -> None:
    found = clip(tone(1_000, RATE), RATE)
    values, _ = fit_clip(found, RATE, (BANDS, 20))
    assert np.isnan(values).all(axis=0).tolist() == [False] * 18 + [True] * 2
    with pytest.raises(UserError, match=r"0\.200 s long; expected at most 0\.115 s, as were"):
        fit_clip(found, RATE, (BANDS, 10))


WHOLE = written(np.zeros(RATE, np.int16)).getvalue()
BAD = {
    "empty": (b"", "not a .wav that can be read"),
    "text": (b"hello, this is no sound", "not a .wav that can be read"),
    "cut short": (WHOLE[:3_000], "cut short: 3,000 bytes of the 16,044 that it says it has"),
    "cut in its head": (WHOLE[:30], "cut short: 30 bytes"),
    "no sound": (
        WHOLE[:4] + b"\x24\0\0\0" + WHOLE[8:40] + bytes(4),
        "0 ms long; expected at least",
    ),
    "short": (written(np.zeros(100, np.int16)).getvalue(), "12.5 ms long; expected at least 25 ms"),
    "long": (written(np.zeros(61_000, np.uint8), 1_000).getvalue(), "61 s long; expected 25 ms to"),
    "slow": (written(np.zeros(900, np.int16), 900).getvalue(), "900 samples a second; expected"),
    "not finite": (written(np.full(RATE, np.nan, np.float32)).getvalue(), "NaN or infinity"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_sound_is_said(kind: str) -> None:
    body, words = BAD[kind]
    with pytest.raises(UserError, match=words):
        decode(io.BytesIO(body))


def test_a_file_too_large_is_not_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sounds, "MOST_BYTES", 1_000)
    with save(tmp_path / "a.wav", tone(500, RATE)).open("rb") as file:
        with pytest.raises(UserError, match="more than 1,000 bytes; expected 25 ms to 60 s"):
            decode(file)
        assert file.tell() == 1_001
