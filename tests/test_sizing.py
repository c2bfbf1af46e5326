"""From a parameter budget to a width."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sizewise import sizing
from sizewise.data import DataSpec
from sizewise.errors import UserError
from sizewise.models import Architecture, build
from sizewise.sizing import count_parameters, solve_width
from tests.builders import CLASSIFIERS, DEPTHS, SHAPES, make_spec

families = st.sampled_from(sorted(CLASSIFIERS))


@st.composite
def specs(draw: st.DrawFn) -> DataSpec:
    """Draw the shape of a data set: sequences or images, of 2 to 20 classes."""
    channels, classes = draw(st.integers(1, 4)), draw(st.integers(2, 20))
    axes = draw(st.lists(st.integers(4, 40), min_size=1, max_size=2))
    return make_spec((channels, *axes), classes)


def count(spec: DataSpec, family: str, width: int, depth: int | None) -> int:
    with torch.device("meta"):
        return count_parameters(build(spec, Architecture(family, width, depth)))


def draw_depth(data: st.DataObject, family: str) -> int | None:
    return data.draw(st.integers(1, 3)) if family in DEPTHS else None


@settings(max_examples=150, deadline=None)
@given(data=st.data(), family=families, spec=specs(), size=st.integers(1, 3_000_000))
def test_no_width_is_nearer_than_the_one_returned(
    data: st.DataObject, family: str, spec: DataSpec, size: int
) -> None:
    depth = draw_depth(data, family)
    smallest = count(spec, family, 1, depth)
    if size < smallest:
        with pytest.raises(UserError, match=rf"has {smallest} parameters; try size={smallest}$"):
            solve_width(size, spec, Architecture(family, depth=depth))
        return
    width = solve_width(size, spec, Architecture(family, depth=depth))
    distance = abs(count(spec, family, width, depth) - size)
    assert distance <= abs(count(spec, family, width + 1, depth) - size)
    if width > 1:
        # Of two that are equally near, the smaller.
        assert distance < abs(count(spec, family, width - 1, depth) - size)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), family=families, spec=specs(), width=st.integers(1, 500))
def test_a_count_that_is_asked_for_is_reached_exactly(
    data: st.DataObject, family: str, spec: DataSpec, width: int
) -> None:
    depth = draw_depth(data, family)
    assert (
        solve_width(count(spec, family, width, depth), spec, Architecture(family, depth=depth))
        == width
    )


@settings(max_examples=100, deadline=None)
@given(data=st.data(), family=families, spec=specs(), width=st.integers(1, 1000))
def test_the_count_grows_with_the_width(
    data: st.DataObject, family: str, spec: DataSpec, width: int
) -> None:
    depth = draw_depth(data, family)
    assert count(spec, family, width, depth) < count(spec, family, width + 1, depth)


@pytest.mark.parametrize(
    ("family", "size", "width"),
    [("cnn", 93_322, 32), ("lstm", 220_874, 128), ("mlp", 118_282, 128)],
)
def test_a_known_networks_count_gives_back_its_width(family: str, size: int, width: int) -> None:
    spec, depth = make_spec((1, 28, 28)), DEPTHS.get(family)
    for near in (size - 1, size, size + 1):
        assert solve_width(near, spec, Architecture(family, depth=depth)) == width


def test_a_budget_below_the_smallest_names_the_smallest() -> None:
    expected = "size=20 is too small: the smallest attention for made-up has 32 parameters"
    with pytest.raises(UserError, match=f"{expected}; try size=32"):
        solve_width(20, make_spec(), Architecture("attention"))
    assert solve_width(32, make_spec(), Architecture("attention")) == 1


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("family", CLASSIFIERS)
def test_nothing_is_allocated_for_a_billion_parameters(
    family: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    devices: set[str] = set()

    def build_and_note(*arguments: object) -> nn.Module:
        model = build(*arguments)  # type: ignore[arg-type]
        devices.update(parameter.device.type for parameter in model.parameters())
        return model

    monkeypatch.setattr(sizing, "build", build_and_note)
    spec, depth = make_spec(shape), DEPTHS.get(family)
    width = solve_width(1_000_000_000, spec, Architecture(family, depth=depth))
    assert devices == {"meta"}
    assert count(spec, family, width, depth) == pytest.approx(1e9, rel=1e-3)


def test_only_trainable_parameters_count() -> None:
    layer = nn.Linear(3, 2)
    layer.bias.requires_grad_(False)
    assert count_parameters(layer) == 6


def test_a_network_that_does_not_grow_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_fixed_network.py").write_text(
        "from torch import nn\n"
        "class Fixed(nn.Linear):\n"
        "    def __init__(self, spec, width):\n"
        "        super().__init__(spec.num_features, spec.num_classes)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match=r"size=5000 can't be reached: .*does not grow"):
        solve_width(5000, make_spec(), Architecture("ignored", target="my_fixed_network.Fixed"))
