import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, max_pool2d

from sizewise.errors import UserError
from sizewise.models.cnn import CNN
from tests.builders import make_spec


@pytest.mark.parametrize("shape", [(1, 3), (1, 28, 3), (3, 2, 28)], ids=str)
def test_an_axis_too_short_for_two_pools_is_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"needs at least 4 points along each axis.*try model=mlp"):
        CNN(make_spec(shape), 2)


@pytest.mark.parametrize("length", [4, 5, 7, 17, 18, 19, 40])
@pytest.mark.parametrize("axes", [1, 2])
def test_every_longer_axis_fits(length: int, axes: int) -> None:
    shape = (1,) + (length,) * axes
    assert CNN(make_spec(shape), 2)(torch.randn(2, *shape)).shape == (2, 10)


@pytest.mark.parametrize(("length", "padding"), [(17, 1), (18, 0)])
def test_only_short_axes_are_padded(length: int, padding: int) -> None:
    layers = CNN(make_spec((1, length)), 2).convolutions
    paddings = [layer.padding for layer in layers if isinstance(layer, nn.Conv1d)]
    assert paddings == [(padding,)] * 3


def test_the_network_is_the_articles() -> None:
    torch.manual_seed(0)
    model, images = CNN(make_spec((1, 28, 28)), 4), torch.randn(5, 1, 28, 28)
    weights = list(model.parameters())
    hidden = images
    for index in range(3):
        hidden = conv2d(hidden, weights[2 * index], weights[2 * index + 1]).relu()
        if index < 2:
            hidden = hidden.unfold(2, 2, 2).unfold(3, 2, 2).amax(dim=(-2, -1))
    assert hidden.shape == (5, 8, 3, 3)
    hidden = (hidden.reshape(5, -1) @ weights[6].T + weights[7]).relu()
    torch.testing.assert_close(model(images), hidden @ weights[8].T + weights[9])


def test_a_relu_after_the_pool_is_one_before_it_to_the_bit() -> None:
    torch.manual_seed(0)
    model, images = CNN(make_spec((1, 28, 28)), 4), torch.randn(5, 1, 28, 28)
    layers = [layer for layer in model.convolutions if isinstance(layer, nn.Conv2d)]
    hidden = images
    for index, layer in enumerate(layers):
        hidden = layer(hidden).relu()
        hidden = max_pool2d(hidden, 2) if index < 2 else hidden
    maps = model.convolutions(images)
    assert torch.equal(maps, hidden)
    assert 0 < (maps == 0).sum() < maps.numel()
    parameters = list(model.convolutions.parameters())
    gradients = [torch.autograd.grad(each.square().sum(), parameters) for each in (maps, hidden)]
    assert all(torch.equal(*pair) for pair in zip(*gradients, strict=True))
