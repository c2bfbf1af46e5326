"""A run's network: tried on its data, and built on as many threads as its steps keep busy."""

import torch
from torch import nn

from sizewise.config import Config
from sizewise.data import Dataset, DataSpec
from sizewise.errors import UserError
from sizewise.flops import flops_of_step
from sizewise.models import Architecture, Classical, build
from sizewise.threads import share_of_cores, threads_for


def check_outputs(model: nn.Module, dataset: Dataset) -> None:
    """Try the network on two samples: one of the user's own may not fit the data.

    Raises:
        UserError: it can't read them, or does not return logits of the shape that the data ask for,
            or these hang on nothing that could be trained.
    """
    named = type(model).__name__
    batch = dataset.train.batch(slice(0, 2))
    count = len(batch.targets)  # there may be but one
    expected = (count, *dataset.spec.output_shape)
    if dataset.spec.kind == "pair":  # as many steps as the longest answer has
        expected = (count, batch.targets.shape[2], dataset.spec.num_outputs)
    try:
        logits = model.eval()(*batch.given)
    except Exception as error:
        shape = (count, *dataset.spec.input_shape)
        beside = f", with the lengths ({count},) beside them" if dataset.spec.unequal else ""
        raise UserError(f"{named} can't read inputs of shape {shape}{beside}: {error}") from error
    found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if found != expected:
        raise UserError(f"{named} returns {found} for {count} samples; expected logits {expected}")
    if not (isinstance(model, Classical) or logits.requires_grad):
        raise UserError(
            f"{named} has nothing to train: expected logits that hang on parameters which require "
            "gradients"
        )


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
