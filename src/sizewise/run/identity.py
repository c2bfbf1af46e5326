"""What a run is, known before it trains: its name, its size and its key."""

import functools
import os
from typing import NamedTuple

import torch
from torch import nn

from sizewise.config import Config, run_key
from sizewise.data import DataSpec
from sizewise.data.published import module_of
from sizewise.errors import UserError
from sizewise.models import Classical, build, find_class
from sizewise.records import readable_count
from sizewise.run.code import source_hash
from sizewise.sizing import parameters_of, solve_width

BYTES_PER_PARAMETER = 16  # the weight, its gradient and Adam's two moments, in float32
# What every run uses of sizewise, and what a network's and a classical family's training do.
EVERY_RUN = ("sizewise.data.dataset", "sizewise.training.evaluate")
LOOP, SEARCH = "sizewise.training.loop", "sizewise.training.classic"


class Identity(NamedTuple):
    """What is known of a run before it trains."""

    name: str
    key: str
    width: int | None
    parameters: int | None


def check_names(config: Config) -> None:
    """Check that there is such a data set and such a family or class.

    Raises:
        UserError: there is not.
    """
    module_of(config.data.name)
    find_class(config.model.family, config.model.target)


def identify(config: Config, spec: DataSpec, fingerprint: str) -> Identity:
    """Solve for the width and name the run, without allocating its network.

    Raises:
        UserError: there is no such network, or it does not fit this machine.
    """
    wanted = config.model
    width, size, variant, network = _measure(
        config.size,
        wanted.width,
        spec,
        wanted.family,
        wanted.depth,
        wanted.target,
        config.features,
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size is not None and size * BYTES_PER_PARAMETER > memory:
        raise UserError(
            f"{readable_count(size)} parameters take {size * BYTES_PER_PARAMETER / 1e9:.0f} GB to "
            f"train, and this machine has {memory / 1e9:.0f} GB; try a smaller size or model.width"
        )
    name = f"{wanted.name}-{variant}-{spec.name}"
    if config.data.train_samples is not None:
        name += f"-n{readable_count(config.data.train_samples)}"
    name += f"-s{config.seed}"
    training = SEARCH if issubclass(network, Classical) else LOOP
    modules = (*EVERY_RUN, module_of(config.data.name), training)
    key = run_key(config, width, fingerprint, source_hash(network, modules))
    return Identity(name, key, width, size)


@functools.cache  # a sweep has many runs of each network
def _measure(
    asked: int | None,
    width: int | None,
    spec: DataSpec,
    family: str,
    depth: int | None,
    target: str | None,
    features: str | None,
) -> tuple[int | None, int | None, str, type[nn.Module]]:
    """Return a network's width, its parameters, its name within the family, and its class."""
    if asked is not None:
        width = solve_width(asked, spec, family, depth, target)
    with torch.device("meta"):
        model = build(spec, family, width, depth, target, features)
    size = parameters_of(model)
    return width, size, _variant(model, size), type(model)


def build_network(config: Config, spec: DataSpec, width: int | None) -> nn.Module:
    """Build the network, or the classical model, that `config` describes."""
    wanted = config.model
    return build(spec, wanted.family, width, wanted.depth, wanted.target, config.features)


def _variant(model: nn.Module, size: int | None) -> str:
    """Name a run within its family: by its size, or by a classical model's features and width."""
    if not isinstance(model, Classical):
        assert size is not None
        return readable_count(size)
    return model.features if model.width is None else f"{model.features}-w{model.width}"
