"""A run's network, and what PyTorch is set to before it is trained."""

import os

import torch
from torch import nn

from sizewise.config import Config
from sizewise.data import Dataset, DataSpec
from sizewise.errors import UserError
from sizewise.flops import flops_of_step
from sizewise.models import Architecture, build
from sizewise.threads import share_of_cores, threads_for


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


def check_outputs(model: nn.Module, dataset: Dataset) -> None:
    """Try the network on two samples: one of the user's own may not fit the data.

    Raises:
        UserError: it can't read them, or does not return logits of the shape that the data ask for.
    """
    expected = (2, *dataset.spec.output_shape)
    named = type(model).__name__
    try:
        with torch.no_grad():
            logits = model.eval()(*dataset.train.batch(slice(0, 2)).given)
    except Exception as error:
        shape = (2, *dataset.spec.input_shape)
        raise UserError(f"{named} can't read inputs of shape {shape}: {error}") from error
    found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if found != expected:
        raise UserError(f"{named} returns {found} for two samples; expected logits {expected}")


def build_on_threads(
    config: Config, spec: DataSpec, architecture: Architecture, share: int | None
) -> nn.Module:
    """Set PyTorch's threads for this run, and build its network on the CPU.

    Without `config.threads` they follow from the work of a training step, which is known only of a
    network that is there. So it may be built twice: threads decide the last bits of its weights.

    Args:
        config: the run's.
        spec: of its data.
        architecture: of the network.
        share: how many cores the run may use; None for all that this process may.
    """
    share = share_of_cores() if share is None else share
    model = initialise(config.seed, spec, architecture, config.threads or share)
    if config.threads is None:
        flops = flops_of_step(model, spec, config.training.batch_size)
        threads = threads_for(flops, share)
        if threads != share:
            model = initialise(config.seed, spec, architecture, threads)
    return model


def initialise(seed: int, spec: DataSpec, architecture: Architecture, threads: int) -> nn.Module:
    """Set PyTorch's threads and its seed, and build the network on the CPU."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    return build(spec, architecture)
