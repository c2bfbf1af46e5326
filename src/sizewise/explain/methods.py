"""Maps of what a network looks at when it answers.

Shapes: N samples, C channels, S their spatial axes (L, or H and W), T steps, K outputs. Inputs are
normalised, so that 0 is the training mean.

Attention weights are the network's own (section 3.3 of the article); the others are captum's.
Integrated gradients: Sundararajan, Taly & Yan, "Axiomatic Attribution for Deep Networks" (2017).
Grad-CAM: Selvaraju et al. (2017). Saliency: Simonyan, Vedaldi & Zisserman (2013).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sizewise.data.spec import DataSpec
from sizewise.data.splits import Batch
from sizewise.errors import UserError
from sizewise.models import Classical
from sizewise.models.attention import Attention
from sizewise.models.masks import after_end, mean_of_steps
from sizewise.models.recurrent import as_sequence

PATHS = (  # of the integral, finer where it is not complete; nodes of Gauss take long to find
    *((points, "gausslegendre") for points in (32, 128, 512)),
    (4096, "riemann_middle"),
)
COMPLETE = 0.01  # how much of a map's mass may be missing
EVALUATIONS = 1024  # of a network at a time
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d)


class Maps(NamedTuple):
    """What a network looks at in each of N samples.

    Args:
        method: by its name in `METHODS`.
        values: (N, *S); of a table's rows, which have no axes, (N, C). Integrated gradients have a
            sign: what is below zero speaks against the answer.
        incomplete: by which share of its mass each map fails to sum to the output less that at the
            baseline, (N,); 0 where a method promises no sum.
        attention: what each step attends to, (N, T, T), where the network does.
    """

    method: str
    values: NDArray[np.float32]
    incomplete: NDArray[np.float32]
    attention: NDArray[np.float32] | None = None


def methods_for(model: nn.Module, spec: DataSpec) -> list[str]:
    """Return the methods that tell something of a network, what suits its family best first.

    Raises:
        UserError: there is none.
    """
    if isinstance(model, Classical):
        raise UserError("a classical family has no gradients to make maps of: expected a network")
    if spec.per_step:
        raise UserError(
            f"there are no maps of {spec.name}, which is text: expected a run on images, sequences "
            "or the rows of a table"
        )
    layers = list(model.modules())
    suited = {
        "attention": isinstance(model, Attention),
        "grad_cam": any(isinstance(each, CONVOLUTIONS) for each in layers),
        "saliency": any(isinstance(each, nn.RNNBase) for each in layers),
        "integrated_gradients": True,
    }
    return [name for name, suits in suited.items() if suits]


def explained(model: nn.Module, samples: Batch, spec: DataSpec, method: str) -> Maps:
    """Return maps of what a network's outputs come from.

    Args:
        model: in evaluation mode, on the CPU.
        samples: their targets are which of the K outputs of each is asked about, (N,).
        spec: of the data.
        method: one of `methods_for`.

    Raises:
        UserError: the method does not suit the network.
    """
    able = methods_for(model, spec)
    if method not in able:
        raise UserError(
            f"--method {method} does not suit {type(model).__name__}: expected {' or '.join(able)}"
        )
    return METHODS[method](model, samples, spec)


def _attention(model: nn.Module, samples: Batch, spec: DataSpec) -> Maps:
    """Return the weight with which each step's state enters the average that is answered from.

    That is the mean of what all steps attend to it with. A state holds what came before, too.
    """
    assert isinstance(model, Attention)
    with torch.no_grad():
        _, weights = model.forward_with_weights(*samples.given)
    received = mean_of_steps(weights, samples.lengths)  # B T T -> B T
    return _maps("attention", _over_input(received, samples.inputs), attention=weights.numpy())


def _saliency(model: nn.Module, samples: Batch, spec: DataSpec) -> Maps:
    """Return the length of the output's gradient with respect to each step's features."""
    from captum.attr import Saliency  # takes a second: it pulls in pyplot

    inputs, *lengths = samples.given
    gradients = Saliency(model).attribute(
        inputs.clone().requires_grad_(),
        target=samples.targets,
        abs=False,
        additional_forward_args=tuple(lengths) or None,
    )
    return _maps("saliency", _over_input(as_sequence(gradients).norm(dim=2), inputs))


def _integrated_gradients(model: nn.Module, samples: Batch, spec: DataSpec) -> Maps:
    """Return the gradient along the straight path from the training mean, times the way.

    A map sums to the output less that at the training mean; where it fails to by more than 1 % of
    its mass, the path is cut finer.
    """
    from captum.attr import IntegratedGradients

    inputs, *lengths = samples.given
    method = IntegratedGradients(model)
    found, gaps = torch.zeros_like(inputs), torch.zeros(len(inputs))
    left = torch.arange(len(inputs))
    for points, rule in PATHS:
        values, gap = method.attribute(
            inputs[left],
            target=samples.targets[left],
            additional_forward_args=tuple(each[left] for each in lengths) or None,
            n_steps=points,
            method=rule,
            internal_batch_size=EVALUATIONS,
            return_convergence_delta=True,
        )
        mass = values.abs().flatten(1).sum(dim=1)
        found[left] = values.detach().float()
        gaps[left] = (gap.abs() / mass.clamp(min=1e-12)).float()
        left = left[gaps[left] > COMPLETE]
        if not len(left):
            break
    shown = found[..., 0] if spec.kind == "row" else found.sum(dim=1)
    return _maps("integrated_gradients", shown, incomplete=gaps)


def _grad_cam(model: nn.Module, samples: Batch, spec: DataSpec) -> Maps:
    """Return the last convolution's maps, weighted by the output's mean gradient, above zero.

    A cell stands at the middle of what it sees of the input: unpadded convolutions see little of
    the edges, and a map that is stretched over the whole input would be off by several steps.
    """
    from captum.attr import LayerGradCam

    inputs, *lengths = samples.given
    layers = list(model.modules())
    last = max(i for i, each in enumerate(layers) if isinstance(each, CONVOLUTIONS))
    rectified = last + 1 < len(layers) and isinstance(layers[last + 1], nn.ReLU)
    cells = LayerGradCam(model, layers[last + rectified]).attribute(
        inputs,
        target=samples.targets,
        additional_forward_args=tuple(lengths) or None,
        relu_attributions=True,
    )
    found = cells.detach()[:, 0]
    for axis, length in enumerate(inputs.shape[2:]):
        across = _interpolation(layers[: last + 1], axis, found.shape[1 + axis], length)
        found = torch.tensordot(found, across, dims=([1 + axis], [1])).movedim(-1, 1 + axis)
    if samples.lengths is not None:
        found = found.masked_fill(after_end(samples.lengths, found.shape[1]), 0.0)
    return _maps("grad_cam", found)


def _interpolation(layers: list[nn.Module], axis: int, cells: int, length: int) -> Tensor:
    """Return what makes of the cells of a chain of layers, along an axis, the points of its input.

    Raises:
        UserError: the layers are no chain, so that it can't be told where a cell lies.
    """
    start, jump, left = 0.0, 1, length
    for layer in layers:
        if isinstance(layer, (*CONVOLUTIONS, *POOLS)):
            kernel, stride, padding = (
                each if isinstance(each, int) else int(each[axis])
                for each in (layer.kernel_size, layer.stride, layer.padding)
            )
            start += ((kernel - 1) / 2 - padding) * jump
            jump *= stride
            gone = left + 2 * padding - kernel
            left = (
                -(-gone // stride) if getattr(layer, "ceil_mode", False) else gone // stride
            ) + 1
    if left != cells:
        raise UserError(
            "--method grad_cam can't tell where the last convolution's cells lie, since its layers "
            "are no plain chain: expected --method integrated_gradients"
        )
    points = (np.arange(length) - start) / jump
    lines = [np.interp(points, np.arange(cells), each) for each in np.eye(cells)]
    return torch.tensor(np.stack(lines, axis=1), dtype=torch.float32)  # (length, cells)


def _over_input(steps: Tensor, inputs: Tensor) -> Tensor:
    """Return (N, T) over the axes of the inputs, (N, *S): of an image, each row is a step."""
    shape = inputs.shape[2:]
    return steps.view(*steps.shape, *[1] * (len(shape) - 1)).expand(-1, *shape)


def _maps(
    method: str,
    values: Tensor,
    incomplete: Tensor | None = None,
    attention: NDArray[np.float32] | None = None,
) -> Maps:
    gaps = torch.zeros(len(values)) if incomplete is None else incomplete
    return Maps(method, values.numpy(), gaps.numpy(), attention)


METHODS: dict[str, Callable[[nn.Module, Batch, DataSpec], Maps]] = {
    "attention": _attention,
    "grad_cam": _grad_cam,
    "saliency": _saliency,
    "integrated_gradients": _integrated_gradients,
}
