"""Building by name: what every family has in common, and a user's own classes."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sizewise.data.spec import Column, DataSpec, TableForm
from sizewise.errors import UserError
from sizewise.models import Architecture, build
from tests.builders import CLASSIFIERS, DEPTHS, SHAPES, make_model, make_spec

USER_MODULE = """
from torch import nn

class Tiny(nn.Sequential):
    def __init__(self, spec, width):
        super().__init__(nn.Flatten(), nn.Linear(spec.num_features, width), nn.ReLU(),
                         nn.Linear(width, spec.num_classes))

class Deep(nn.Module):
    def __init__(self, spec, width, depth):
        super().__init__()
        self.shape = width, depth

class Fixed(nn.Module):
    def __init__(self, spec):
        super().__init__()

class NotANetwork:
    pass

def function(spec, width):
    return nn.Linear(spec.num_features, width)
"""


@pytest.fixture
def user_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of an importable module with a user's own classes."""
    (tmp_path / "my_networks.py").write_text(USER_MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "my_networks"


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("family", CLASSIFIERS)
def test_every_family_takes_every_shape(family: str, shape: tuple[int, ...]) -> None:
    model = make_model(family, 5, shape)
    logits = model(torch.randn(3, *shape))
    assert logits.shape == (3, 10)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("family", CLASSIFIERS)
def test_every_trainable_parameter_gets_a_gradient(family: str, shape: tuple[int, ...]) -> None:
    model = make_model(family, 5, shape)
    logits = model(torch.randn(8, *shape))
    torch.nn.functional.cross_entropy(logits, torch.arange(8)).backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_a_sample_does_not_depend_on_its_batch(family: str) -> None:
    model, inputs = make_model(family, 5), torch.randn(4, 1, 40)
    alone = torch.cat([model(sample) for sample in inputs.split(1)])
    torch.testing.assert_close(model(inputs), alone)


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_the_seed_decides_the_initial_weights(family: str) -> None:
    first, same, other = (make_model(family, 5, seed=seed) for seed in (0, 0, 1))
    differs = False
    for one, two, three in zip(
        first.parameters(), same.parameters(), other.parameters(), strict=True
    ):
        assert torch.equal(one, two)
        differs |= not torch.equal(one, three)
    assert differs


def test_an_unknown_family_suggests_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no model family lstn: did you mean lstm\? \(there are:"):
        build(make_spec(), Architecture("lstn", 5))


@pytest.mark.parametrize("family", sorted(set(CLASSIFIERS) - {"logistic"}))
def test_a_missing_width_is_asked_for(family: str) -> None:
    with pytest.raises(UserError, match=rf"model={family} needs a width.*model\.width=NUMBER"):
        build(make_spec(), Architecture(family, None, DEPTHS.get(family)))


@pytest.mark.parametrize("family", DEPTHS)
def test_a_missing_depth_is_asked_for(family: str) -> None:
    with pytest.raises(UserError, match=rf"model={family} needs a depth.*model\.depth=NUMBER"):
        build(make_spec(), Architecture(family, 5))


@pytest.mark.parametrize("family", sorted(set(CLASSIFIERS) - set(DEPTHS) - {"transformer"}))
def test_a_depth_that_a_family_lacks_is_refused(family: str) -> None:
    with pytest.raises(UserError, match=rf"model={family} has no depth.*model\.depth=null"):
        build(make_spec(), Architecture(family, 5, depth=2))


def test_a_class_of_the_users_own_is_built_at_the_width(user_module: str) -> None:
    model = build(make_spec(), Architecture("ignored", 7, target=f"{user_module}.Tiny"))
    assert type(model).__module__ == user_module
    assert sum(p.numel() for p in model.parameters()) == (40 + 1) * 7 + (7 + 1) * 10
    assert model(torch.randn(3, 1, 40)).shape == (3, 10)


def test_a_class_of_the_users_own_may_have_a_depth(user_module: str) -> None:
    assert build(make_spec(), Architecture("ignored", 7, 3, f"{user_module}.Deep")).shape == (7, 3)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("my_networks.Missing", "can't be imported .*: expected package.Class"),
        ("no_such_package.Tiny", "can't be imported .*installed or on PYTHONPATH"),
        ("Tiny", "can't be imported .*: expected package.Class"),
        ("", "can't be imported .*: expected package.Class"),
        (".Tiny", "can't be imported .*: expected package.Class"),
        ("my_networks.NotANetwork", "is not a torch.nn.Module class"),
        ("my_networks.function", "is not a torch.nn.Module class"),
        ("my_networks.Fixed", "has no width; expected model.width=null"),
        ("my_networks.Deep", "needs a depth; give it with model.depth=NUMBER"),
    ],
)
def test_a_wrong_target_says_what_is_wrong(user_module: str, target: str, words: str) -> None:
    with pytest.raises(UserError, match=rf"model\._target_={target} {words}") as caught:
        build(make_spec(), Architecture("ignored", 7, target=target))
    assert "\n" not in str(caught.value)


def test_families_are_offered_for_what_a_table_asks() -> None:
    form = TableForm((Column("a"),), "spent")
    classes = DataSpec("rows", (1, 1), ("no", "yes"), table=form)
    numbers = replace(classes, class_names=(), task="regress", outputs=1)
    with pytest.raises(UserError, match=r"expected model=.*knn.*linear"):
        build(classes, Architecture("lstm", 4))
    offered = "model=mlp or logistic or random_forest or gradient_boosting$"
    with pytest.raises(UserError, match=f"lstm can't read rows, .*: expected {offered}"):
        build(numbers, Architecture("lstm", 4))
    assert build(numbers, Architecture("mlp", 4, 1)) is not None
