import pytest

from sizewise.data import DataSpec


@pytest.mark.parametrize(
    ("input_shape", "spatial_shape", "num_features", "sequence_shape"),
    [
        ((1, 40), (40,), 40, (40, 1)),
        ((6, 128), (128,), 768, (128, 6)),
        ((1, 28, 28), (28, 28), 784, (28, 28)),
        ((3, 32, 20), (32, 20), 1920, (32, 60)),
    ],
)
def test_shapes_follow_from_the_input_shape(
    input_shape: tuple[int, ...],
    spatial_shape: tuple[int, ...],
    num_features: int,
    sequence_shape: tuple[int, int],
) -> None:
    spec = DataSpec("any", input_shape, ("a", "b", "c"))
    assert spec.num_classes == 3
    assert spec.spatial_shape == spatial_shape
    assert spec.num_features == num_features
    assert spec.sequence_shape == sequence_shape
