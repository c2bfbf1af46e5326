"""Where a network is trained, and what makes that give the same numbers twice."""

import ctypes
import os
from contextlib import suppress
from pathlib import Path

import torch
from torch.utils import deterministic

from sizewise.errors import UserError, say_once

BFLOAT16 = "bfloat16"
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
MIB = 2**20
CPU_FLAGS = {"amx_bf16", "avx512_bf16", "bf16"}  # of /proc/cpuinfo: products in bfloat16 are fast


def prepare_torch(name: str, *, warn_only: bool = False) -> torch.device:
    """Set PyTorch's determinism and how memory is kept, and return the device to train on.

    Args:
        name: of the device, as `device=` takes it.
        warn_only: whether a kernel on a GPU that has no deterministic way is warned of, and used:
            so are those of attention then that have one.

    Raises:
        UserError: there is no such device here.
    """
    _keep_freed_memory()
    torch.set_flush_denormal(True)  # denormal weights of dying units slow a CPU down tenfold
    name = device_name(name)
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            f"device={name} is not available here; expected auto, cpu, cuda, cuda:N or mps"
        ) from error
    if device.type == "cuda":
        torch.cuda.set_device(device.index or 0)  # where streams and graphs are made
        # With it, convolutions and recurrent layers in float32 have 10 bits of mantissa.
        torch.backends.cudnn.allow_tf32 = False
        # A kernel for each new tensor, to find reads of memory that nothing was written to.
        deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is random without it
    if device.type == "cuda" or torch.are_deterministic_algorithms_enabled():  # it is slow to set
        torch.use_deterministic_algorithms(device.type == "cuda", warn_only=warn_only)
    return device


def _keep_freed_memory() -> None:
    """Have what a step frees kept for the next step.

    Of the system it would come in new pages, whose faults take up to half of a small LSTM's step
    and a fifth of the article's CNN's. glibc finds out by itself what to keep, with luck: by what
    was freed before. It goes up to these 32 MiB in one piece, and 64 in all.
    """
    with suppress(OSError, TypeError, AttributeError):  # another system than Linux with glibc
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, 32 * MIB)
        libc.mallopt(M_TRIM_THRESHOLD, 256 * MIB)


def device_name(name: str) -> str:
    """Return what `device=` means here: `auto` is CUDA, then MPS, then the CPU."""
    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def is_here(name: str) -> bool:
    """Return whether there is such a device: plans are also made where there is none."""
    return not device_name(name).startswith("cuda") or torch.cuda.is_available()


def settle_precision(asked: str | None, device: str) -> str | None:
    """Return what `precision=` means on a device: bfloat16, or None, which is float32."""
    where = device_name(device)
    if asked == "auto":
        return BFLOAT16 if where.startswith("cuda") else None
    if asked != BFLOAT16:
        return None
    if where == "cpu" and not _cpu_has_bfloat16():
        say_once(
            f"precision={BFLOAT16}: this processor has no instructions for it, so expect it to be "
            "slower than precision=float32"
        )
    return BFLOAT16


def _cpu_has_bfloat16() -> bool:
    """Return whether the processor multiplies in bfloat16; True where it does not tell."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:  # not Linux
        return True
    return not CPU_FLAGS.isdisjoint(text.split())
