"""Where a network is trained, and what makes that give the same numbers twice."""

import os

import torch

from sizewise.errors import UserError


def prepare_torch(name: str) -> torch.device:
    """Set PyTorch's determinism, and return the device to train on.

    Args:
        name: of the device, as `device=` takes it.

    Raises:
        UserError: there is no such device here.
    """
    torch.set_flush_denormal(True)  # denormal weights of dying units slow a CPU down tenfold
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
        if name == "cpu" and torch.backends.mps.is_available():
            name = "mps"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            f"device={name} is not available here; expected auto, cpu, cuda, cuda:N or mps"
        ) from error
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is random without it
    if torch.are_deterministic_algorithms_enabled() != (device.type == "cuda"):  # it is slow to set
        torch.use_deterministic_algorithms(device.type == "cuda", warn_only=True)
    return device
