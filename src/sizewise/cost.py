"""What a network costs: parameters, memory and time. Its FLOPs are counted in `flops`."""

import contextlib
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sizewise.data.spec import DataSpec

WARM_UP_CALLS = 5
MOST_CALLS = 200
SECONDS = 0.25  # spent at most on each of latency and throughput, beyond the fewest calls
FEWEST_CALLS = 10
THROUGHPUT_BATCH = 256


def machine() -> str:
    """Return this machine's processor in words."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):  # not Linux
        name = platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


class Speed(NamedTuple):
    """Median and 95th percentile of the time for one sample, and samples a second in bulk."""

    latency_ms_p50: float
    latency_ms_p95: float
    throughput: float


def device_of(model: nn.Module) -> torch.device:
    """Return where a model is, by its first parameter or buffer."""
    return next(chain(model.parameters(), model.buffers())).device


@torch.no_grad()
def measure_speed(model: nn.Module, spec: DataSpec) -> Speed:
    """Time inference at batch 1 and at batch 256, on the model's device and torch's threads."""
    was_training = model.training
    model.eval()
    device = device_of(model)
    single = _time_calls(model, spec.random_batch(1, device))
    bulk = _time_calls(model, spec.random_batch(THROUGHPUT_BATCH, device))
    model.train(was_training)
    return Speed(
        latency_ms_p50=1e3 * statistics.median(single),
        latency_ms_p95=1e3 * statistics.quantiles(single, n=20, method="inclusive")[-1],
        throughput=THROUGHPUT_BATCH / statistics.median(bulk),
    )


def measure_latency(call: Callable[[Tensor], object], inputs: Tensor) -> float:
    """Return the median time of a call in milliseconds."""
    return 1e3 * statistics.median(_time_calls(call, inputs))


def _time_calls(call: Callable[[Tensor], object], inputs: Tensor) -> list[float]:
    seconds: list[float] = []
    started = time.perf_counter()
    for count in range(WARM_UP_CALLS + MOST_CALLS):
        before = time.perf_counter()
        call(inputs)
        if inputs.device.type != "cpu":
            getattr(torch, inputs.device.type).synchronize()
        if count >= WARM_UP_CALLS:
            seconds.append(time.perf_counter() - before)
        if len(seconds) >= FEWEST_CALLS and time.perf_counter() - started > SECONDS:
            break
    return seconds


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
