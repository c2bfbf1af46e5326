"""muP: initial weights and rates that follow the width, so that one rate suits all widths.

Yang et al., "Tensor Programs V" (2022, https://arxiv.org/abs/2203.03466), table 3, for Adam. At its
family's base width a network is what it is without, but for its read-out. Of a weight with n times
as many inputs as there, the rate is divided by n and the initial variance too; where inputs are as
many (those of the data, tokens, biases) both are those of the base width, whatever the outputs.
What reads out, from a growing number of inputs to a fixed one of outputs, begins at zero.

What grows is seen by building the network at the base width and at twice that. Adam divides by the
gradient's size, so that its steps need no other rule; SGD's would. Its epsilon is not scaled.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sizewise.errors import UserError

RATE_SCALES, SCORE_SCALE = "rate_scales", "score_scale"  # attributes
DRAWS = 16  # of the network at the base width, by which its initial weights are known
READABLE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.RNNBase, nn.Embedding)


class Growth(NamedTuple):
    """How a parameter grows: times so many inputs as at the base width; whether it reads out."""

    inputs: float
    reads_out: bool


def parametrise(model: nn.Module, width: int, base: int, at: Callable[[int], nn.Module]) -> None:
    """Give a freshly built network of `width` its initial weights and rates under muP, in place.

    The rates are in `model.rate_scales`, by parameter, times that of training; 1 where it is not
    named. Dot products of two states are divided by the width: a module that makes them has a
    `score_scale`. So is what is read out by an embedding's own weights, which can't begin at zero.

    Args:
        model: on the CPU, or on the meta device, where weights stay as they are.
        width: of it.
        base: the width from which it scales.
        at: builds a network like it at another width.

    Raises:
        UserError: it is not known how some of its parameters grow.
    """
    grown = growth(model, base, at)
    scales = {name: 1 / each.inputs for name, each in grown.items() if each.inputs != 1}
    setattr(model, RATE_SCALES, scales)
    for module in model.modules():
        if hasattr(module, SCORE_SCALE):
            setattr(module, SCORE_SCALE, base / width)
    for head in tied(model):
        head.register_forward_pre_hook(partial(_scaled, base / width))
    if not next(model.parameters()).is_meta:
        _initialise(model, grown, [] if width == base else _drawn(base, at))


def growth(model: nn.Module, base: int, at: Callable[[int], nn.Module]) -> dict[str, Growth]:
    """Return how each parameter of `model` grows, by name; `parametrise` says from what."""
    with torch.device("meta"):
        small, large = (dict(at(width).named_parameters()) for width in (base, 2 * base))
    named = dict(model.named_parameters())
    if not named.keys() == small.keys() == large.keys():
        raise UserError(
            f"parametrization=mup compares {type(model).__name__} with itself at width {base}, "
            "which has other layers: expected model.depth=NUMBER, or a width nearer to it"
        )
    return {
        name: _growth_of(name, model, parameter, small[name], large[name])
        for name, parameter in named.items()
    }


def _growth_of(
    name: str, model: nn.Module, parameter: Tensor, small: Tensor, large: Tensor
) -> Growth:
    grows = [one != two for one, two in zip(small.shape, large.shape, strict=True)]
    owner = model.get_submodule(name.rpartition(".")[0])
    if parameter.ndim < 2 or not any(grows) or isinstance(owner, nn.Embedding):
        return Growth(1.0, reads_out=False)
    if not isinstance(owner, READABLE):
        raise UserError(
            f"parametrization=mup does not know which side of {name} in {type(model).__name__} "
            f"reads: expected {', '.join(each.__name__ for each in READABLE)}, or "
            "parametrization=null"
        )
    inputs = math.prod(parameter.shape[1:]) / math.prod(small.shape[1:])
    return Growth(inputs, reads_out=any(grows[1:]) and not grows[0])


def tied(model: nn.Module) -> list[nn.Linear]:
    """Return the layers whose weights are an embedding's, too."""
    tables = {id(each.weight) for each in model.modules() if isinstance(each, nn.Embedding)}
    layers = [each for each in model.modules() if isinstance(each, nn.Linear)]
    return [each for each in layers if id(each.weight) in tables]


def _scaled(scale: float, _: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return (scale * inputs[0], *inputs[1:])


def _drawn(base: int, at: Callable[[int], nn.Module]) -> list[dict[str, Tensor]]:
    """Return networks of the base width, the same at each call; the generator stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return [dict(at(base).named_parameters()) for _ in range(DRAWS)]


@torch.no_grad()
def _initialise(model: nn.Module, grown: dict[str, Growth], drawn: list[dict[str, Tensor]]) -> None:
    """Scale initial weights to the size that those `drawn` have, at the base width.

    They keep their distribution, whatever the network's class has made it.
    """
    for name, parameter in model.named_parameters():
        inputs, reads_out = grown[name]
        if reads_out:
            parameter.zero_()
        elif drawn and parameter.requires_grad and (own := _size([parameter])):
            parameter.mul_(_size([each[name] for each in drawn]) / own / math.sqrt(inputs))


def _size(tensors: list[Tensor]) -> float:
    """Return the root of the mean square of all numbers."""
    squares = torch.stack([each.double().square().mean() for each in tensors])
    return float(squares.mean().sqrt())
