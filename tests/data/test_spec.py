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


def test_tokens_are_answered_per_step() -> None:
    spec = DataSpec("text", (128,), (), task="next_byte", num_tokens=256, per_step=True)
    batch = spec.random_batch(3)

    assert (spec.kind, spec.output_shape) == ("tokens", (128, 256))
    assert batch.shape == (3, 128)
    assert 0 <= batch.min() < batch.max() < 256


def test_a_spec_of_before_there_were_tasks_classifies() -> None:
    spec = DataSpec(name="digits", input_shape=(1, 8, 8), class_names=("0", "1"))

    assert (spec.task, spec.kind, spec.output_shape) == ("classify", "image", (2,))
    assert DataSpec("any", (3, 40), ("a", "b")).kind == "sequence"
    assert spec.random_batch(5).equal(spec.random_batch(5))
