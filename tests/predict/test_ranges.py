"""Inputs on another scale than the training set's are told from true ones, one by one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sizewise.config import DataConfig, Mnist1dConfig
from sizewise.data import Normalisation, carve_validation
from sizewise.data.files.familiar import unlike
from sizewise.data.normalisation import measure
from sizewise.data.published import read_arrays as read
from sizewise.predict import Predictor
from sizewise.predict.stream import predict_files
from sizewise.training.checkpoint import load_model, save_model
from tests.builders import make_saved

Scale = Callable[[np.ndarray, Normalisation], np.ndarray]


def high(normalisation: Normalisation) -> float:
    assert normalisation.high is not None
    return normalisation.high[0]


def low(normalisation: Normalisation) -> float:
    assert normalisation.low is not None
    return normalisation.low[0]


SCALES: dict[str, Scale] = {
    "0 to 1": lambda x, of: x / high(of),
    "over 255": lambda x, of: x / 255,
    "times 255": lambda x, of: x * 255,
    "-1 to 1": lambda x, of: 2 * (x - low(of)) / (high(of) - low(of)) - 1,
    "light for dark": lambda x, of: high(of) - x,
    "standardised": lambda x, of: (x - of.mean[0]) / of.std[0],
    "less 128": lambda x, of: x - 128,
    "constant": lambda x, of: np.full_like(x, of.mean[0]),
    "all zero": lambda x, of: np.zeros_like(x),
    "huge": lambda x, of: np.where(x == x.max(axis=-1, keepdims=True), 1e30, x),
}
# MNIST-1D is symmetric about 0, with a deviation of 1: these can't be told, or change nothing.
ALIKE = {("mnist1d", "light for dark"), ("mnist1d", "standardised")}


@pytest.fixture(scope="module")
def sets(
    mnist1d_config: Mnist1dConfig,
) -> Callable[[str, str], tuple[np.ndarray, Normalisation]]:
    """Return what gives a set's test samples, and the statistics of its training samples."""
    made: dict[str, tuple[np.ndarray, Normalisation]] = {}

    def get(name: str, root: str) -> tuple[np.ndarray, Normalisation]:
        if name not in made:
            own = DataConfig(name=name, root=root, validation_fraction=0.1, train_samples=None)
            arrays = read(mnist1d_config if name == "mnist1d" else own)
            training, _ = carve_validation(arrays.train_targets, 0.1, seed=0)
            statistics = measure(arrays.train_inputs, training)
            made[name] = arrays.test_inputs.astype(np.float32), statistics
        return made[name]

    return get


@pytest.fixture(params=["mnist", "mnist1d", "digits"])
def own(
    request: pytest.FixtureRequest, sets: Callable[..., tuple[np.ndarray, Normalisation]]
) -> tuple[str, np.ndarray, Normalisation]:
    name = request.param
    root = request.getfixturevalue("mnist_root") if name == "mnist" else "unused"
    return name, *sets(name, str(root))


def test_no_test_sample_of_the_set_itself_is_warned_of(
    own: tuple[str, np.ndarray, Normalisation],
) -> None:
    _, inputs, normalisation = own
    assert not unlike(inputs, normalisation).any()
    old = Normalisation(normalisation.mean, normalisation.std)
    assert not unlike(inputs, old).any()


@pytest.mark.parametrize("scale", SCALES)
def test_every_sample_on_another_scale_is(
    own: tuple[str, np.ndarray, Normalisation], scale: str
) -> None:
    name, inputs, normalisation = own
    if (name, scale) in ALIKE:
        pytest.skip(f"{name} is much the same so")
    scaled = SCALES[scale](inputs, normalisation)
    assert unlike(scaled, normalisation).all()


def test_a_set_of_few_samples_is_not_taken_for_all_there_is(
    own: tuple[str, np.ndarray, Normalisation],
) -> None:
    _, inputs, _ = own
    few = measure(inputs, np.arange(100))
    assert unlike(inputs, few).mean() < 0.002


def test_each_channel_is_looked_at() -> None:
    inputs = np.random.default_rng(0).normal([[0.0], [100.0]], [[1.0], [9.0]], (200, 2, 20))
    known = measure(inputs, np.arange(200))
    assert not unlike(inputs, known).any()
    assert unlike(inputs[:, ::-1], known).all()
    assert unlike(np.stack([inputs[:, 0], inputs[:, 1] / 100], axis=1), known).all()


@pytest.fixture
def predictor(tmp_path: Path) -> Predictor:
    """A network that knows 0..255, through a file."""
    known = Normalisation([100.0], [70.0], [0.0], [255.0], [10.0], [40.0])
    save_model(tmp_path / "model.pt", replace(make_saved(shape=(1, 5)), normalisation=known))
    return Predictor(load_model(tmp_path / "model.pt"))


GOOD = np.array([[0, 50, 100, 150, 255], [20, 40, 130, 120, 200]])


def test_an_array_scaled_0_to_1_is_answered_with_one_warning_that_names_both_ranges(
    predictor: Predictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "scaled.npy"
    np.save(path, np.repeat(GOOD, 150, axis=0) / 255)
    outcome = predict_files(predictor, [path], None)
    assert (outcome.predicted, outcome.failed, outcome.unlike) == (300, 0, 300)
    shown = capsys.readouterr()
    assert shown.err == (
        f"sizewise: {path}: 300 of 300: numbers from 0 to 1, mean 0.418 ± 0.304; "
        "the network was trained on numbers from 0 to 255, mean 100 ± 70\n"
    )
    assert shown.out.count("[unlike the training data]") == 300


def test_strict_refuses_what_is_unlike_and_answers_the_rest(
    predictor: Predictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mixed.csv"
    np.savetxt(path, [GOOD[0], GOOD[0] / 255, GOOD[1], 0 * GOOD[0]], delimiter=",")
    outcome = predict_files(predictor, [path], tmp_path / "out.csv", strict=True)
    assert (outcome.predicted, outcome.failed, outcome.unlike) == (2, 2, 0)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"sizewise: {path}, line 2: numbers from 0 to 1, mean 0.435 ± 0.")
    assert f"{path}, line 4: numbers that are all 0; the network was trained on" in second


def test_the_table_keeps_the_warning(predictor: Predictor, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", [GOOD[0], 255.0 - 2 * GOOD[0]])
    predict_files(predictor, [tmp_path / "in.npy"], tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert [line.rsplit(",", 1)[1] for line in lines] == ["warning", "", "unlike the training data"]


def test_a_network_of_an_older_version_warns_by_its_mean_and_deviation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictor = Predictor(make_saved(shape=(1, 5), mean=33.3, std=78.6))
    np.save(tmp_path / "in.npy", GOOD / 255)
    assert predict_files(predictor, [tmp_path / "in.npy"], None).unlike == 2
    assert "trained on numbers of mean 33.3 ± 78.6" in capsys.readouterr().err


def test_what_is_left_as_it_is_has_no_mean_to_be_off_from() -> None:
    """Whether a step is of a category, say: half of each sequence's steps are."""
    steps = np.tile([0.0, 1.0], 10)[None, None].repeat(30, axis=0)
    known = measure(steps, np.arange(30))._replace(mean=[0.0], std=[1.0])
    assert not unlike(steps, known).any()
    assert unlike(steps + 3, known).all()
