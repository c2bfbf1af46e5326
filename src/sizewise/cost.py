"""What a network costs: parameters, FLOPs, memory and time."""

import contextlib
import math
import resource
import statistics
import sys
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sizewise.data.spec import DataSpec
from sizewise.models.attention import DotProductAttention
from sizewise.models.classic import Classical

WARM_UP_CALLS = 5
MOST_CALLS = 200
SECONDS = 0.5  # spent at most on each of latency and throughput, beyond the fewest calls
FEWEST_CALLS = 10
THROUGHPUT_BATCH = 256


def parameters_by_group(model: nn.Module) -> dict[str, int]:
    """Return the trainable parameters of each direct child of `model`; they sum to its size.

    A classical model has one group, or none where it has nothing to count.
    """
    if isinstance(model, Classical):
        count = model.num_parameters()
        return {} if count is None else {"estimator": count}
    groups: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            group = name.partition(".")[0]
            groups[group] = groups.get(group, 0) + parameter.numel()
    return groups


class Flops(NamedTuple):
    """Floating-point operations for one sample, a multiply-add counted as two."""

    inference: int
    training: int


class _Product(NamedTuple):
    """FLOPs of one layer's matrix products, and of those that read the layer's input."""

    total: int
    on_input: int


def _linear(layer: nn.Linear, _: Tensor, output: Tensor) -> _Product:
    flops = 2 * layer.in_features * output[0].numel()
    return _Product(flops, flops)


def _convolution(layer: nn.Conv1d | nn.Conv2d, _: Tensor, output: Tensor) -> _Product:
    taps = math.prod(layer.kernel_size) * layer.in_channels // layer.groups
    flops = 2 * taps * output[0].numel()
    return _Product(flops, flops)


GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}


def _recurrent(layer: nn.RNNBase, inputs: Tensor, _: Any) -> _Product:
    steps = inputs.shape[1 if layer.batch_first else 0]
    width, directions = layer.hidden_size, 2 if layer.bidirectional else 1
    per_input = 2 * steps * GATES[layer.mode] * width * directions  # for each feature read
    first = per_input * layer.input_size
    deeper = per_input * width * directions * (layer.num_layers - 1)
    recurrence = per_input * width * layer.num_layers
    return _Product(first + deeper + recurrence, first)


def _attention(_: DotProductAttention, states: Tensor, __: Any) -> _Product:
    steps, width = states.shape[1:]
    flops = 2 * (2 * steps * steps * width)  # scores, and the weighted sum
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
FREE = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.PReLU, nn.Embedding)


def flops_per_sample(model: nn.Module, spec: DataSpec) -> Flops | None:
    """Return the FLOPs of `model` on one sample, by formula; None where a layer has none.

    Matrix products and convolutions are counted, elementwise operations are not, as is usual
    (Kaplan et al., 2020, section 2.1). The backward pass takes each product twice, once for each
    operand's gradient, but none for the gradient of the network's own input. (A recurrent layer's
    initial state counts as any other step's.) A classical model does little of that kind.
    """
    if isinstance(model, Classical):
        return None
    products: list[_Product] = []

    def count(module: nn.Module, arguments: tuple[Tensor, ...], output: Any) -> None:
        products.append(FORMULAS[type(module)](module, arguments[0], output))

    leaves = [m for m in model.modules() if next(m.parameters(recurse=False), None) is not None]
    if any(type(m) not in FORMULAS and not isinstance(m, FREE) for m in leaves):
        return None
    hooks = [m.register_forward_hook(count) for m in model.modules() if type(m) in FORMULAS]
    was_training = model.training
    model.eval()  # batch normalisation can't train on one sample
    try:
        with torch.no_grad():
            model(_random_batch(model, spec, 1))
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    inference = sum(product.total for product in products)
    return Flops(inference, 3 * inference - (products[0].on_input if products else 0))


class Speed(NamedTuple):
    """Median and 95th percentile of the time for one sample, and samples a second in bulk."""

    latency_ms_p50: float
    latency_ms_p95: float
    throughput: float


@torch.no_grad()
def measure_speed(model: nn.Module, spec: DataSpec) -> Speed:
    """Time inference at batch 1 and at batch 256, on the model's device and torch's threads."""
    was_training = model.training
    model.eval()
    single = _time_calls(model, _random_batch(model, spec, 1))
    bulk = _time_calls(model, _random_batch(model, spec, THROUGHPUT_BATCH))
    model.train(was_training)
    return Speed(
        latency_ms_p50=1e3 * statistics.median(single),
        latency_ms_p95=1e3 * statistics.quantiles(single, n=20, method="inclusive")[-1],
        throughput=THROUGHPUT_BATCH / statistics.median(bulk),
    )


def _time_calls(model: nn.Module, inputs: Tensor) -> list[float]:
    seconds: list[float] = []
    started = time.perf_counter()
    for call in range(WARM_UP_CALLS + MOST_CALLS):
        before = time.perf_counter()
        model(inputs)
        if inputs.device.type != "cpu":
            getattr(torch, inputs.device.type).synchronize()
        if call >= WARM_UP_CALLS:
            seconds.append(time.perf_counter() - before)
        if len(seconds) >= FEWEST_CALLS and time.perf_counter() - started > SECONDS:
            break
    return seconds


def _random_batch(model: nn.Module, spec: DataSpec, batch_size: int) -> Tensor:
    device = next(chain(model.parameters(), model.buffers())).device
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch_size, *spec.input_shape, generator=generator).to(device)


def reset_peak_memory(device: torch.device) -> None:
    """Start a new measurement of peak memory, where the system can."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif sys.platform == "linux":
        # Forbidden in some containers: the peak is then that of the whole process.
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM; see proc(5)


def peak_memory_mb(device: torch.device) -> float:
    """Return the peak since `reset_peak_memory` in MB of 10^6 bytes.

    On CUDA it is what PyTorch allocated on the device, elsewhere the process's resident memory.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text()
        kibibytes = next(line.split()[1] for line in status.splitlines() if "VmHWM" in line)
        return int(kibibytes) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS counts in bytes
