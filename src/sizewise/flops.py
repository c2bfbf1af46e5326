"""A network's floating-point operations, by PyTorch's counter; recurrent layers by formula."""

import math
from collections.abc import Callable
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from sizewise.data.spec import DataSpec
from sizewise.models.classical.estimators import Classical


class Flops(NamedTuple):
    """Floating-point operations for one sample, a multiply-add counted as two."""

    inference: int
    training: int


def flops_per_sample(model: nn.Module, spec: DataSpec) -> Flops | None:
    """Return the FLOPs of `model` on one sample, or None where they can't all be counted.

    Matrix products and convolutions are counted, elementwise operations are not, as is usual
    (Kaplan et al., 2020, section 2.1). The backward pass takes each product twice, once for each
    operand's gradient, but none for the gradient of the network's own input nor of what is frozen.
    (A recurrent layer's initial state counts as any other step's.)

    Counted are the products of modules and of functions alike: `q @ k.T`, `einsum`, `F.linear`,
    `F.scaled_dot_product_attention`, `torch.lstm` and whatever else comes down to PyTorch's own
    products. None is for a network that multiplies by other means: single vectors by `@`,
    decompositions, inverses, Fourier transforms, `cdist`, `bilinear`, operators registered with
    `torch.library`; for one that can't read a single sample; and for a classical model, which does
    little of that kind. What can't be seen at all, and is missing from the count, is what NumPy or
    a compiled extension computes from a tensor's memory.
    """
    if isinstance(model, Classical):
        return None
    inputs = spec.random_batch(1, next(chain(model.parameters(), model.buffers())).device)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    counter = _Counter()
    was_training = model.training
    model.eval()  # batch normalisation can't train on one sample
    # A network may draw random numbers: it is to draw the same in training, counted or not.
    same_numbers = torch.random.fork_rng(devices=[])
    # The other kernels of attention are not counted on the CPU, and compute scores twice.
    plain = sdpa_kernel(SDPBackend.MATH)
    try:
        with same_numbers, plain, torch.enable_grad(), counter, counter.products:
            outputs = model(inputs)
            inference = counter.total()
            if outputs.requires_grad:
                torch.autograd.grad(outputs.sum(), weights, allow_unused=True)
    except Exception:  # whatever a network of the user's own makes of a single sample
        return None
    finally:
        model.train(was_training)
    training = counter.total() + counter.recurrent_gradients
    return None if math.isnan(training) else Flops(int(inference), int(training))


def flops_of_step(model: nn.Module, spec: DataSpec, batch_size: int) -> int | None:
    """Return the FLOPs of a training step, or None where they can't all be counted."""
    flops = flops_per_sample(model, spec)
    return None if flops is None else batch_size * flops.training


def _unknown(*_: Any, **__: Any) -> float:
    return math.nan  # and so is any sum with it


def _convolution_backward(output: Any, inputs: Any, weight: Any, *given: Any, **_: Any) -> int:
    """Of the gradients that are asked for; PyTorch's own formula is wrong with groups."""
    transposed, wanted = given[4], given[7]
    places = math.prod(inputs if transposed else output)
    return int(2 * places * math.prod(weight[1:]) * (wanted[0] + wanted[1]))


RECURRENT = torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu
# Operators that multiply, or may, and have no formula.
UNKNOWN = """
    mv addmv dot vdot addr addbmm _trilinear _cdist_forward _euclidean_dist
    _int_mm _grouped_mm _sparse_mm _fft_r2c _fft_c2c _fft_c2r
    _native_multi_head_attention _transformer_encoder_layer_fwd
    linalg_inv_ex _linalg_solve_ex linalg_solve_triangular linalg_lstsq
    _linalg_svd _linalg_eigh linalg_eig linalg_qr linalg_cholesky_ex
    linalg_lu linalg_lu_factor_ex linalg_matrix_exp _linalg_det _linalg_slogdet
    cholesky cholesky_solve cholesky_inverse triangular_solve geqrf ormqr
"""
OPERATORS = torch.ops.aten  # those of this version of PyTorch
FORMULAS: dict[Any, Callable[..., float]] = {
    getattr(OPERATORS, name): _unknown for name in UNKNOWN.split() if hasattr(OPERATORS, name)
} | {OPERATORS.convolution_backward: _convolution_backward}


class _Counter(TorchFunctionMode):
    """Counts recurrent layers by formula, and the rest by `products`; NaN where neither can.

    Some recurrent kernels are one product to PyTorch's counter, others none or one for each step.
    So a layer's output is cut from what computed it, and joined to the layer's inputs and weights
    by sums alone: the backward pass goes on beyond the layer without computing its products.
    """

    def __init__(self) -> None:
        # It imports Triton: a third of a second, for nothing where none is counted.
        from torch.utils.flop_counter import FlopCounterMode

        super().__init__()
        self.products = FlopCounterMode(display=False, custom_mapping=FORMULAS)
        self.recurrent_gradients = 0
        self._beyond: float = 0

    def total(self) -> float:
        """Return the FLOPs seen so far, without the gradients of recurrent layers."""
        return self.products.get_total_flops() + self._beyond

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run `function`; one of `torch.ops` that is not PyTorch's own is unknown."""
        if function in RECURRENT:
            return self._run_recurrent(function, args)
        module = getattr(function, "__module__", None) or ""
        if module.startswith("torch._ops.") and not module.endswith((".aten", ".prim")):
            self._beyond = math.nan
        return function(*args, **(kwargs or {}))

    def _run_recurrent(self, function: Any, args: tuple[Any, ...]) -> tuple[Tensor, ...]:
        """Count a layer by its weight matrices: each takes one product with a vector at each step.

        Args:
            function: one of `RECURRENT`.
            args: (inputs, states, weights, has_biases, num_layers, dropout, train, bidirectional),
                with the lengths after the inputs where these are packed; weights by layer and
                direction, the matrix that reads the layer's input first.
        """
        before = self.products.get_total_flops()
        outputs = function(*args)
        self._beyond -= self.products.get_total_flops() - before

        inputs = args[0]
        flag = next(index for index, each in enumerate(args) if isinstance(each, bool))
        states, weights, _, layers, _, _, bidirectional = args[flag - 2 : flag + 5]
        directions = 1 + bidirectional
        readers = weights[:: len(weights) // (layers * directions)][:directions]
        per_element = 2 * (inputs.numel() // inputs.shape[-1])
        total = per_element * sum(each.numel() for each in weights if each.ndim > 1)
        self._beyond += total

        sources = [inputs, *states, *weights]
        trained = any(each.requires_grad for each in weights)
        reached = any(each.requires_grad for each in sources)
        self.recurrent_gradients += total * (trained + reached)
        if trained and not inputs.requires_grad:
            self.recurrent_gradients -= per_element * sum(each.numel() for each in readers)
        link = torch.stack([0 * each.sum() for each in sources]).sum()
        return tuple(each.detach() + link for each in outputs)
