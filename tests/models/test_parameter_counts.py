"""The size of each family against formulas written by hand."""

from collections.abc import Callable

import pytest

from sizewise.models import Architecture, build
from sizewise.sizing import count_parameters
from tests.builders import make_spec

IMAGE = (1, 28, 28)


def cnn(w: int) -> int:  # 28 - 26 - 13 - 11 - 5 - 3
    convolutions = (9 * 1 + 1) * w + (9 * w + 1) * 2 * w + (9 * 2 * w + 1) * 2 * w
    return convolutions + (3 * 3 * 2 * w + 1) * 2 * w + (2 * w + 1) * 10


def cnn_padded(w: int) -> int:  # 8 - 4 - 2, padded
    convolutions = (9 * 1 + 1) * w + (9 * w + 1) * 2 * w + (9 * 2 * w + 1) * 2 * w
    return convolutions + (2 * 2 * 2 * w + 1) * 2 * w + (2 * w + 1) * 10


def cnn_sequence(w: int) -> int:  # 40 - 38 - 19 - 17 - 8 - 6
    convolutions = (3 * 1 + 1) * w + (3 * w + 1) * 2 * w + (3 * 2 * w + 1) * 2 * w
    return convolutions + (6 * 2 * w + 1) * 2 * w + (2 * w + 1) * 10


def lstm(w: int) -> int:
    return 4 * w * (28 + w + 1) + 4 * w * (w + w + 1) + (w + 1) * (w // 2) + (w // 2 + 1) * 10


def lstm_of_depth_1(w: int) -> int:
    return 4 * w * (28 + w + 1) + (w + 1) * (w // 2) + (w // 2 + 1) * 10


def gru(w: int) -> int:  # two biases, as Keras's with reset_after
    return 3 * w * (28 + w + 2) + 3 * w * (w + w + 2) + (w + 1) * (w // 2) + (w // 2 + 1) * 10


def rnn(w: int) -> int:
    return w * (28 + w + 1) + (w + 1) * 10


def rnn_of_depth_3(w: int) -> int:
    return w * (28 + w + 1) + 2 * w * (w + w + 1) + (w + 1) * 10


def attention(w: int) -> int:
    return 4 * w * (28 + w + 1) + (w + 1) * 10


def mlp(w: int) -> int:
    return (784 + 1) * w + (w + 1) * w + (w + 1) * 10


def residual_mlp(w: int) -> int:
    return (40 + 1) * w + (w + 1) * w + (w + 1) * 10


def strided_cnn(w: int) -> int:  # 40 - 19 - 10 - 5
    return (5 + 1) * w + 2 * (3 * w + 1) * w + (5 * w + 1) * 10


def strided_cnn_image(w: int) -> int:  # 28 - 13 - 7 - 4
    return (25 + 1) * w + 2 * (9 * w + 1) * w + (16 * w + 1) * 10


def bigru(w: int) -> int:  # two biases, as PyTorch's
    return 2 * 3 * w * (1 + w + 2) + (2 * w * 40 + 1) * 10


def transformer(w: int) -> int:  # of depth 4
    attention, dense = 4 * (w + 1) * w, (w + 1) * 4 * w + (4 * w + 1) * w
    block = 2 * 2 * w + attention + dense
    return (28 + 1) * w + 4 * block + 2 * w + (w + 1) * 10


def factored_logistic(w: int) -> int:
    return 784 * w + (w + 1) * 10


@pytest.mark.parametrize(
    ("family", "width", "depth", "keras"),
    [
        ("cnn", 32, None, 93_322),
        ("lstm", 128, 2, 220_874),
        ("attention", 64, None, 24_458),
    ],
)
def test_the_articles_networks_count_as_in_keras(
    family: str, width: int, depth: int | None, keras: int
) -> None:
    assert count_parameters(build(make_spec(IMAGE), Architecture(family, width, depth))) == keras


@pytest.mark.parametrize(
    ("family", "width", "published"),
    [("residual_mlp", 100, 15_210), ("strided_cnn", 25, 5_210), ("bigru", 6, 5_134)],
)
def test_the_networks_of_the_mnist1d_paper_count_as_its_authors(
    family: str, width: int, published: int
) -> None:
    assert count_parameters(build(make_spec(), Architecture(family, width))) == published


@pytest.mark.parametrize("width", [2, 7, 30])
@pytest.mark.parametrize(
    ("family", "depth", "shape", "formula"),
    [
        ("cnn", None, IMAGE, cnn),
        ("cnn", None, (1, 8, 8), cnn_padded),
        ("cnn", None, (1, 40), cnn_sequence),
        ("lstm", 2, IMAGE, lstm),
        ("lstm", 1, IMAGE, lstm_of_depth_1),
        ("gru", 2, IMAGE, gru),
        ("rnn", 1, IMAGE, rnn),
        ("rnn", 3, IMAGE, rnn_of_depth_3),
        ("attention", None, IMAGE, attention),
        ("mlp", 2, IMAGE, mlp),
        ("logistic", None, IMAGE, factored_logistic),
        ("residual_mlp", None, (1, 40), residual_mlp),
        ("strided_cnn", None, (1, 40), strided_cnn),
        ("strided_cnn", None, IMAGE, strided_cnn_image),
        ("bigru", None, (1, 40), bigru),
        ("transformer", None, IMAGE, transformer),
    ],
)
def test_counts_follow_the_formula(
    family: str,
    depth: int | None,
    shape: tuple[int, ...],
    formula: Callable[[int], int],
    width: int,
) -> None:
    assert count_parameters(build(make_spec(shape), Architecture(family, width, depth))) == formula(
        width
    )


def test_logistic_regression_without_a_width_is_one_matrix() -> None:
    assert (
        count_parameters(build(make_spec(IMAGE), Architecture("logistic", None))) == 784 * 10 + 10
    )


@pytest.mark.parametrize("family", ["lstm", "gru"])
def test_a_gated_network_of_width_1_keeps_one_dense_unit(family: str) -> None:
    assert build(make_spec(), Architecture(family, 1, 1)).head.weight.shape == (10, 1)  # type: ignore[union-attr]
