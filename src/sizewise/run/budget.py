"""A run's budget of FLOPs, turned into steps before the run gets its key."""

import functools
import math

import torch

from sizewise.config import Config
from sizewise.data import DataSpec
from sizewise.errors import UserError
from sizewise.flops import flops_per_sample
from sizewise.models import Architecture, build
from sizewise.run.identity import architecture_of
from sizewise.training.loop import total_steps


def in_steps(config: Config, spec: DataSpec, samples: int) -> Config:
    """Return the config with `training.flops` turned into the nearest `training.max_steps`.

    A step counts as forward and backward of a whole batch (`flops_per_sample`). The network is
    looked at on the meta device, which allocates nothing.

    Args:
        config: as parsed; it is returned as it is where no FLOPs are asked for.
        spec: of its data.
        samples: that it trains on in an epoch.

    Raises:
        UserError: the FLOPs can't be counted, or are less than a step or more than the epochs have;
            or steps are asked for, too.
    """
    training = config.training
    if training.flops is None:
        return config
    asked, name = f"training.flops={training.flops:g}", config.model.name
    if training.max_steps is not None:
        raise UserError(
            f"{asked} and training.max_steps={training.max_steps} both say how long to train: "
            "expected one of them, and null for the other"
        )
    each = flops_of_training(architecture_of(config, spec), spec)
    if each is None:
        raise UserError(
            f"{asked} asks for FLOPs to be counted, and those of model={name} can't be: expected "
            "training.flops=null and training.max_steps=N"
        )
    step = each * training.batch_size
    steps, most = round(training.flops / step), total_steps(training, samples)
    if steps < 1:
        raise UserError(
            f"{asked} is not one step of {training.batch_size} samples, which takes {step:.2g} of "
            f"this {name}: expected at least training.flops={step:.2g}, or a smaller size"
        )
    if steps > most:
        epochs = math.ceil(steps / (most // training.epochs))
        raise UserError(
            f"{asked} takes {steps:,} steps of this {name}, and training.epochs={training.epochs} "
            f"has {most:,} on {samples:,} training samples: expected training.epochs={epochs}, "
            "which repeats them, or more samples, or a larger size"
        )
    return config.model_copy(update={"training": training.model_copy(update={"max_steps": steps})})


@functools.cache  # a sweep has many runs of each network
def flops_of_training(architecture: Architecture, spec: DataSpec) -> int | None:
    """Return the FLOPs of training on one sample; None where they can't be counted."""
    with torch.device("meta"):
        model = build(spec, architecture)
    found = flops_per_sample(model, spec)
    return None if found is None else found.training
