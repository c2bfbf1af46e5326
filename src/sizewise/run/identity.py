"""What a run is, known before it trains: its name, its size and its key."""

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import nn

from sizewise.config import Config, decisive, run_key, training_key
from sizewise.data import DataSpec
from sizewise.data.published import module_of
from sizewise.errors import UserError
from sizewise.models import Architecture, Classical, base_width_of, build, find_class
from sizewise.records import RunRecord, readable_count
from sizewise.run.code import source_hash
from sizewise.sizing import parameters_of, solve_width
from sizewise.tasks import TASKS, find_task
from sizewise.training.device import BFLOAT16, settle_precision

BYTES_PER_PARAMETER = 16  # the weight, its gradient and Adam's two moments, in float32
# What every run uses of sizewise, and what a network's and a classical family's training do.
EVERY_RUN = tuple(
    f"sizewise.{name}" for name in ("data.dataset", "training.device", "training.evaluate")
)
VARIED_BY = {  # what only some runs use, by the key that asks for it
    "training.augment": "sizewise.data.augment",
    "training.class_weights": "sizewise.data.balance",
    "data.label_noise": "sizewise.data.corrupt",
    "data.inner_test": "sizewise.data.inner",
    "parametrization": "sizewise.models.mup",
}
EXPLAIN = ("sizewise.explain.measure", "sizewise.data.published.mnist1d_places")
LOOP, SEARCH = "sizewise.training.loop", "sizewise.training.classical"


class Identity(NamedTuple):
    """What is known of a run before it trains.

    The architecture has the width solved for, and the features that a classical model reads; `code`
    is a hash of the code that shapes the run's result. Runs with the same `training_key` train the
    same network, and may score it on other test samples; those with the same `asked` would be the
    same run, were it not for the data.
    """

    name: str
    key: str
    training_key: str
    asked: str
    code: str
    architecture: Architecture
    parameters: int | None


def check_names(config: Config) -> None:
    """Check that there is such a data set and such a family or class.

    Raises:
        UserError: there is not.
    """
    module_of(config.data.name)
    find_class(config.model.family, config.model.target)


def with_precision(config: Config) -> Config:
    """Return the config with the precision that the run trains in, as its key and record have it.

    Raises:
        UserError: one is asked for of a classical family.
    """
    network = find_class(config.model.family, config.model.target)
    if issubclass(network, Classical):
        if config.precision == BFLOAT16:
            raise UserError(
                f"precision={BFLOAT16} is for networks, and {config.model.name} is fitted by other "
                "libraries: expected precision=auto"
            )
        return config.model_copy(update={"precision": None})
    settled = settle_precision(config.precision, config.device)
    return config.model_copy(update={"precision": settled})


def identify(config: Config, spec: DataSpec, fingerprint: str, train_fingerprint: str) -> Identity:
    """Solve for the width and name the run, without allocating its network.

    The fingerprints are the data set's.

    Raises:
        UserError: there is no such network, or it does not fit this machine.
    """
    wanted = config.model
    architecture, size, variant, network = _measure(config.size, _asked(config), spec)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size is not None and size * BYTES_PER_PARAMETER > memory:
        raise UserError(
            f"{readable_count(size)} parameters take {size * BYTES_PER_PARAMETER / 1e9:.0f} GB to "
            f"train, and this machine has {memory / 1e9:.0f} GB; try a smaller size or model.width"
        )
    name = f"{wanted.name}-{variant}-{spec.name}"
    if config.data.train_samples is not None:
        name += f"-n{readable_count(config.data.train_samples)}"
    if config.data.label_noise is not None:
        name += f"-noise{config.data.label_noise:g}"
    if config.data.inner_test is not None:
        name += "-inner"
    if config.training.flops is not None:
        name += f"-f{config.training.flops:.3g}".replace("e+0", "e").replace("e+", "e")
    if config.parametrization is not None:
        name += f"-{config.parametrization}"
    if config.precision == BFLOAT16:
        name += "-bf16"
    name += f"-s{config.seed}"
    augments = config.training.augment is not None
    if augments and issubclass(network, Classical):
        raise UserError(
            f"training.augment={config.training.augment} is for networks, and {wanted.name} is "
            "fitted once: expected training.augment=null"
        )
    code = code_of(network, config.data.name, spec.task, _varied_by(decisive(config)))
    scored = code if config.explain is None else f"{code} {source_hash(network, EXPLAIN)}"
    key = run_key(config, architecture.width, fingerprint, scored)
    trained = training_key(config, architecture.width, train_fingerprint or fingerprint, code)
    of_any_data = run_key(config, architecture.width, "", scored)
    return Identity(name, key, trained, of_any_data, code, architecture, size)


def architecture_of(config: Config, spec: DataSpec) -> Architecture:
    """Return a run's architecture, its width solved for.

    Raises:
        UserError: there is no such network.
    """
    return _measure(config.size, _asked(config), spec)[0]


def code_now(record: RunRecord) -> str | None:
    """Return the hash of the code that a run would be trained by now; None if its class is gone."""
    try:
        network = find_class(record.config["model.family"], record.config.get("model._target_"))
    except UserError:
        return None
    task = next(name for name in TASKS if find_task(name).measure == record.measure)
    return code_of(network, record.config["data.name"], task, _varied_by(record.config))


def code_of(network: type[nn.Module], data: str, task: str, varied_by: Sequence[str] = ()) -> str:
    """Return a hash of the code that shapes the result of training a class on a data set.

    `varied_by` are modules that only some runs use.
    """
    training = SEARCH if issubclass(network, Classical) else LOOP
    return source_hash(network, (*EVERY_RUN, *varied_by, module_of(data), TASKS[task], training))


def _varied_by(config: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(module for key, module in VARIED_BY.items() if config.get(key) is not None)


def _asked(config: Config) -> Architecture:
    wanted = config.model
    mup = config.parametrization is not None
    return Architecture(
        *(wanted.family, wanted.width, wanted.depth, wanted.target, config.features, wanted.init),
        base_width=base_width_of(wanted.family, wanted.target) if mup else None,
    )


@functools.cache  # a sweep has many runs of each network
def _measure(
    size: int | None, asked: Architecture, spec: DataSpec
) -> tuple[Architecture, int | None, str, type[nn.Module]]:
    """Return a model with its width and features, its parameters, its name, and its class.

    Within its family a network goes by its size, a classical model by its features and width.
    """
    if size is not None:
        asked = replace(asked, width=solve_width(size, spec, asked))
    with torch.device("meta"):
        model = build(spec, asked)
    parameters = parameters_of(model)
    if not isinstance(model, Classical):
        assert parameters is not None
        return replace(asked, features=None), parameters, readable_count(parameters), type(model)
    variant = model.features if model.width is None else f"{model.features}-w{model.width}"
    return replace(asked, features=model.features), parameters, variant, type(model)
