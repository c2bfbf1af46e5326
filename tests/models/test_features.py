"""Features against values worked out by hand, and against scikit-image and plain loops."""

from dataclasses import replace

import numpy as np
import pytest
from skimage.feature import hog as skimage_hog

from sizewise.errors import UserError
from sizewise.models.classical.features import choose_features, hog, raw, signal
from tests.builders import make_spec

SUMMARY = 12  # statistics, ahead of the autocorrelation and the spectrum


def sequence(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)[None, None]  # B C L


def test_raw_features_are_the_numbers_in_order() -> None:
    inputs = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    assert raw(inputs).tolist() == [list(range(12)), list(range(12, 24))]


def test_summary_of_a_short_sequence() -> None:
    mean, deviation, least, greatest, low, median, high, skew, kurtosis, step, cross, turn = signal(
        sequence(0, 4, 0, 0)
    )[0, :SUMMARY].tolist()
    assert (mean, least, greatest) == (1, 0, 4)
    assert deviation == pytest.approx(3**0.5)
    assert (low, median, high) == (0, 0, 1)  # of 0, 0, 0, 4, the upper quartile in between
    assert skew == pytest.approx((3 * -1 + 27) / 4 / 3**1.5)
    assert kurtosis == pytest.approx((3 * 1 + 81) / 4 / 9 - 3, abs=1e-6)
    assert step == pytest.approx(8 / 3)
    assert cross == pytest.approx(2 / 3)
    assert turn == pytest.approx(1 / 2)  # up, down, level: one of two


def test_autocorrelation_is_that_of_the_definition() -> None:
    x = np.random.default_rng(0).normal(size=40)
    centred = x - x.mean()
    expected = [centred[lag:] @ centred[: len(x) - lag] / (centred @ centred) for lag in range(17)]
    found = signal(sequence(*x))[0, SUMMARY : SUMMARY + 16]
    assert np.allclose(found, expected[1:], atol=1e-5)


def test_spectrum_peaks_in_the_band_of_a_sine() -> None:
    length, frequency = 64, 10 / 64
    x = np.sin(2 * np.pi * frequency * np.arange(length))
    spectrum = signal(sequence(*x))[0, SUMMARY + 16 :]
    bands, centre = spectrum[:-1], spectrum[-1]
    assert len(bands) == 16
    assert bands.argmax() == (10 - 1) // 2  # 32 frequencies from 1/64 on, two to a band
    assert centre == pytest.approx(frequency, abs=1e-4)
    # a sine's periodogram is N/2 at its own frequency; here it shares its band with a zero
    assert bands.max() == pytest.approx(np.log(length / 2 / 2), abs=1e-3)


@pytest.mark.parametrize("length", [3, 4, 9, 40])
def test_signal_features_are_finite_for_constant_and_short_sequences(length: int) -> None:
    found = signal(np.full((2, 3, length), 5, dtype=np.float32))
    assert np.isfinite(found).all()
    assert found.shape[1] % 3 == 0  # as many of each channel


def test_signal_features_of_a_channel_do_not_depend_on_the_others() -> None:
    x = np.random.default_rng(0).normal(size=(4, 2, 30)).astype(np.float32)
    both = signal(x).reshape(4, 2, -1)
    assert np.allclose(both[:, 1], signal(x[:, 1:]), atol=1e-6)


def test_hog_is_scikit_images() -> None:
    image = np.random.default_rng(0).normal(size=(1, 1, 28, 28)).astype(np.float32)
    found = hog(image)
    expected = skimage_hog(
        image[0, 0].astype(float), orientations=9, pixels_per_cell=(5, 5), cells_per_block=(2, 2)
    )
    assert found.shape == (1, 4 * 4 * 2 * 2 * 9)
    assert np.allclose(found[0], expected, atol=1e-6)


def test_hog_of_a_ramp_has_one_orientation() -> None:
    image = np.tile(np.arange(28, dtype=np.float32), (28, 1))[None, None]  # grows to the right
    histograms = hog(image)[0].reshape(-1, 9)
    assert (histograms.argmax(axis=1) == 0).all()
    assert np.allclose(histograms[:, 1:], 0)


def test_hog_does_not_change_with_brightness_and_contrast() -> None:
    images = np.random.default_rng(0).normal(size=(3, 3, 32, 32)).astype(np.float32)
    assert np.allclose(hog(images), hog(7 * images + 100), atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 2, 3), (3, 9, 30)])
def test_small_images_have_hog_features_too(shape: tuple[int, ...]) -> None:
    found = hog(np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32))
    assert found.shape[0] == 2
    assert found.shape[1] > 0


def test_features_that_suit_the_data_are_chosen() -> None:
    assert choose_features(None, make_spec((1, 28, 28))) == "hog"
    assert choose_features(None, make_spec((1, 40))) == "signal"
    assert choose_features("raw", make_spec((1, 40))) == "raw"
    assert choose_features(None, make_spec((1, 2))) == "raw"  # too short to say anything of


@pytest.mark.parametrize(
    ("wanted", "shape", "message"),
    [
        ("hog", (1, 40), "features=hog is made of images, and made-up has sequences: expected"),
        ("signal", (1, 8, 8), "features=signal is made of sequences, and made-up has images"),
        ("hog", (1, 1, 8), "features=hog needs at least 2 values a side"),
        ("signal", (1, 2), "features=signal needs at least 3 values a side"),
    ],
)
def test_features_that_do_not_fit_are_errors(
    wanted: str, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        choose_features(wanted, make_spec(shape))


def test_sequences_of_unequal_length_are_described_as_if_each_were_alone() -> None:
    rng, lengths = np.random.default_rng(0), np.array([20, 1, 7, 20, 2, 19])
    padded = np.full((6, 2, 20), 99, np.float32)
    own = [rng.normal(size=(2, length)).astype(np.float32) for length in lengths]
    for row, each in zip(padded, own, strict=True):
        row[:, : each.shape[1]] = each
    found = signal(padded, lengths)
    alone = [signal(each[None], lengths[[at]], longest=20)[0] for at, each in enumerate(own)]
    assert np.array_equal(found, np.stack(alone))
    assert found[:, 0].tolist() == lengths.tolist()
    assert np.isfinite(found).all()
    assert np.array_equal(found[[0, 3], 1:], signal(padded[[0, 3]]))  # of the longest


def test_a_short_sequences_spectrum_is_at_the_frequencies_of_the_longest() -> None:
    frequency, longest = 10 / 64, 64
    centres = []
    for length in (64, 32):
        x = np.sin(2 * np.pi * frequency * np.arange(length))
        found = signal(sequence(*x), np.array([length]), longest)[0, 1:]
        assert found[SUMMARY + 16 : -1].argmax() == (10 - 1) // 2
        assert found[SUMMARY : SUMMARY + 16].any()
        centres.append(found[-1])
    assert centres[1] == pytest.approx(centres[0], abs=0.02)


def test_lags_that_a_sequence_is_too_short_for_are_zero() -> None:
    found = signal(sequence(1, 2, 4, 3), np.array([4]), longest=40)[0, 1 + SUMMARY :]
    assert found[:3].all()
    assert not found[3:16].any()


@pytest.mark.parametrize("wanted", ["raw", "hog"])
def test_sequences_of_unequal_length_have_signal_features(wanted: str) -> None:
    spec = replace(make_spec(), unequal=True)
    assert choose_features(None, spec) == "signal"
    with pytest.raises(UserError, match=r"samples of one length.*expected features=signal"):
        choose_features(wanted, spec)
