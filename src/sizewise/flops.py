"""A network's floating-point operations: by formula, and by PyTorch's counter.

The formulas are for sizewise's own families, whose products all stand in a few kinds of layer, and
for recurrent layers, whose products PyTorch's counter can't see. The counter is for everything
else; it takes a second to import.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torch.overrides import TorchFunctionMode

from sizewise.data.spec import DataSpec
from sizewise.models.attention import DotProductAttention
from sizewise.models.classic import Classical


class Flops(NamedTuple):
    """Floating-point operations for one sample, a multiply-add counted as two."""

    inference: int
    training: int


class _Product(NamedTuple):
    """FLOPs of one layer's matrix products, and of those that read the layer's input."""

    total: int
    on_input: int


def _linear(layer: nn.Linear, _: Tensor, output: Tensor) -> _Product:
    flops = 2 * layer.in_features * output.numel()
    return _Product(flops, flops)


def _convolution(layer: nn.Conv1d | nn.Conv2d, _: Tensor, output: Tensor) -> _Product:
    taps = math.prod(layer.kernel_size) * layer.in_channels // layer.groups
    flops = 2 * taps * output.numel()
    return _Product(flops, flops)


GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}


def _recurrent(layer: nn.RNNBase, inputs: Tensor, _: Any) -> _Product:
    steps = inputs.numel() // layer.input_size  # of all sequences
    width, directions = layer.hidden_size, 2 if layer.bidirectional else 1
    state = layer.proj_size or width
    per_input = 2 * steps * GATES[layer.mode] * width * directions  # for each feature read
    first = per_input * layer.input_size
    deeper = per_input * state * directions * (layer.num_layers - 1)
    recurrence = per_input * state * layer.num_layers
    projection = 2 * steps * width * directions * layer.proj_size * layer.num_layers
    return _Product(first + deeper + recurrence + projection, first)


def _attention(_: DotProductAttention, states: Tensor, __: Any) -> _Product:
    samples, steps, width = states.shape
    flops = 2 * (2 * samples * steps * steps * width)  # scores, and the weighted sum
    return _Product(flops, flops)


FORMULAS: dict[type[nn.Module], Callable[[Any, Tensor, Any], _Product]] = {
    nn.Linear: _linear,
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.RNN: _recurrent,
    nn.GRU: _recurrent,
    nn.LSTM: _recurrent,
    DotProductAttention: _attention,
}
RECURRENT = (nn.RNN, nn.GRU, nn.LSTM)


def flops_per_sample(model: nn.Module, spec: DataSpec) -> Flops | None:
    """Return the FLOPs of `model` on one sample, or None where they can't all be counted.

    Matrix products and convolutions are counted, elementwise operations are not, as is usual
    (Kaplan et al., 2020, section 2.1). The backward pass takes each product twice, once for each
    operand's gradient, but none for the gradient of the network's own input nor of what is frozen.
    (A recurrent layer's initial state counts as any other step's.)

    Counted are the products of modules and of functions alike: `q @ k.T`, `einsum`, `F.linear`,
    `F.scaled_dot_product_attention` and whatever else comes down to PyTorch's own products. None is
    for a network that multiplies by other means: single vectors by `@`, decompositions, inverses,
    Fourier transforms, `cdist`, `bilinear`, operators registered with `torch.library`, recurrent
    layers with a forward pass of their own; for one that can't read a single sample; and for a
    classical model, which does little of that kind. What can't be seen at all, and is missing from
    the count, is what NumPy or a compiled extension computes from a tensor's memory.
    """
    if isinstance(model, Classical):
        return None
    device = next(model.parameters()).device
    inputs = spec.random_batch(1)
    was_training = model.training
    model.eval()  # batch normalisation can't train on one sample
    by_formula = type(model).__module__.startswith("sizewise.")
    try:
        return (_by_formula if by_formula else _by_counter)(model, inputs.to(device))
    finally:
        model.train(was_training)


def flops_of_step(model: nn.Module, spec: DataSpec, batch_size: int) -> int | None:
    """Return the FLOPs of a training step, or None where they can't all be counted."""
    flops = flops_per_sample(model, spec)
    return None if flops is None else batch_size * flops.training


@torch.no_grad()
def _by_formula(model: nn.Module, inputs: Tensor) -> Flops:
    """Count the products of layers that have a formula; there are to be no others."""
    products: list[_Product] = []

    def count(module: nn.Module, arguments: tuple[Tensor, ...], output: Any) -> None:
        products.append(FORMULAS[type(module)](module, arguments[0], output))

    with _hooks() as hooks:
        for module in model.modules():
            if type(module) in FORMULAS:
                hooks.append(module.register_forward_hook(count))
        model(inputs)
    inference = sum(product.total for product in products)
    return Flops(inference, 3 * inference - products[0].on_input)


def _by_counter(model: nn.Module, inputs: Tensor) -> Flops | None:
    """Count by PyTorch's counter, but for recurrent layers, which are counted by formula."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    recurrent = [module for module in model.modules() if isinstance(module, nn.RNNBase)]
    if any(type(layer).forward not in {kind.forward for kind in RECURRENT} for layer in recurrent):
        return None
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    unknown = _Unknown()
    counter = FlopCounterMode(display=False, custom_mapping=unknown.mapping())
    layers = _RecurrentLayers(counter.get_total_flops, unknown)
    # The other kernels of attention are not counted on the CPU, and compute scores twice.
    plain = sdpa_kernel(SDPBackend.MATH)
    try:
        # A network may draw random numbers: it is to draw the same in training, counted or not.
        with torch.random.fork_rng(devices=[]), torch.enable_grad(), _hooks() as hooks:
            for layer in recurrent:
                hooks.append(layer.register_forward_pre_hook(layers.before))
                hooks.append(layer.register_forward_hook(layers.after, with_kwargs=True))
            with plain, unknown, counter:
                outputs = model(inputs)
                inference = counter.get_total_flops() - layers.unrolled
                if outputs.requires_grad:
                    torch.autograd.grad(outputs.sum(), weights, allow_unused=True)
    except Exception:  # whatever a network of the user's own makes of a single sample
        return None
    if unknown.seen:
        return None
    training = counter.get_total_flops() - layers.unrolled
    return Flops(inference + layers.inference, training + layers.training)


@contextlib.contextmanager
def _hooks() -> Iterator[list[torch.utils.hooks.RemovableHandle]]:
    """Yield a list for hooks, which are removed at the end."""
    hooks: list[torch.utils.hooks.RemovableHandle] = []
    try:
        yield hooks
    finally:
        for hook in hooks:
            hook.remove()


class _RecurrentLayers:
    """Hooks that count recurrent layers by formula, and what the counter has seen of them.

    Some kernels are one product to the counter, others none or one for each step. So a layer's
    output is cut from what computed it, and joined to the layer's inputs and weights by sums alone:
    the backward pass goes on beyond the layer without computing its products.
    """

    def __init__(self, total: Callable[[], int], unknown: "_Unknown") -> None:
        self._total = total
        self._unknown = unknown
        self._before = (0, False)
        self.unrolled = self.inference = self.training = 0

    def before(self, *_: Any) -> None:
        """Take note of what was seen before the layer."""
        self._before = self._total(), self._unknown.seen

    def after(
        self, layer: nn.RNNBase, given: tuple[Any, ...], named: dict[str, Any], output: Any
    ) -> Any:
        """Count the layer, and return its output cut and joined."""
        total, self._unknown.seen = self._before
        self.unrolled += self._total() - total
        inputs = given[0] if given else named["input"]
        if isinstance(inputs, PackedSequence):
            inputs = inputs.data
        product = _recurrent(layer, inputs, output)
        weights = list(layer.parameters())
        sources = [each for each in _tensors((given, named)) if each.is_floating_point()]
        trained = any(weight.requires_grad for weight in weights)
        reached = trained or any(source.requires_grad for source in sources)
        self.inference += product.total
        self.training += product.total * (1 + trained + reached)
        if trained and not inputs.requires_grad:
            self.training -= product.on_input
        link = sum((0 * each.sum() for each in (*sources, *weights)), torch.zeros(()))
        return _joined(output, link)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _tensors(each)


def _joined(value: Any, link: Tensor) -> Any:
    """Return a layer's output with `link` as all that its gradient goes to."""
    if isinstance(value, Tensor):
        return value.detach() + link
    if isinstance(value, PackedSequence):
        return value._replace(data=value.data.detach() + link)
    return tuple(_joined(each, link) for each in value)


def _convolution_backward(
    output: list[int], inputs: list[int], weight: list[int], *given: Any, **_: Any
) -> int:
    """Of the gradients that are asked for; PyTorch's own formula is wrong with groups."""
    transposed, wanted = given[4], given[7]
    places = math.prod(inputs if transposed else output)
    gradients: int = wanted[0] + wanted[1]
    return 2 * places * math.prod(weight[1:]) * gradients


UNKNOWN = (
    *(
        "mv",
        "addmv",
        "dot",
        "vdot",
        "addr",
        "addbmm",
        "_trilinear",
        "_cdist_forward",
        "_euclidean_dist",
    ),
    *("_int_mm", "_grouped_mm", "_sparse_mm", "_fft_r2c", "_fft_c2c", "_fft_c2r"),
    *("mkldnn_rnn_layer", "_cudnn_rnn", "miopen_rnn", "lstm_mps"),
    *("_native_multi_head_attention", "_transformer_encoder_layer_fwd"),
    *("linalg_inv_ex", "_linalg_solve_ex", "linalg_solve_triangular", "linalg_lstsq"),
    *("_linalg_svd", "_linalg_eigh", "linalg_eig", "linalg_qr", "linalg_cholesky_ex"),
    *("linalg_lu", "linalg_lu_factor_ex", "linalg_matrix_exp", "_linalg_det", "_linalg_slogdet"),
    *("cholesky", "cholesky_solve", "cholesky_inverse", "triangular_solve", "geqrf", "ormqr"),
)


class _Unknown(TorchFunctionMode):
    """Looks out for operators that multiply, or may, and have no formula."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = False

    def mapping(self) -> dict[Any, Callable[..., int]]:
        """Return formulas for the counter: what tells this, and what it counts wrongly."""

        def see(*_: Any, **__: Any) -> int:
            self.seen = True
            return 0

        there = (getattr(torch.ops.aten, name, None) for name in UNKNOWN)
        return {operator: see for operator in there if operator is not None} | {
            torch.ops.aten.convolution_backward: _convolution_backward
        }

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run `function`; one of `torch.ops` that is not PyTorch's own is unknown."""
        if getattr(function, "__module__", "").startswith("torch._ops."):
            self.seen |= not function.__module__.endswith((".aten", ".prim"))
        return function(*args, **(kwargs or {}))
