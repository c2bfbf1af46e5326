"""What a sweep is going to run, known before it starts."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from sizewise.config import Config, DataConfig, parse
from sizewise.config.compose import Grid, command, is_grid
from sizewise.errors import UserError

if TYPE_CHECKING:
    from sizewise.data.spec import DataSpec
    from sizewise.run.identity import Identity

    Facts = tuple[DataSpec, str, int]  # the spec, the fingerprint, and the training samples


@dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep before it starts. `command` trains it alone."""

    command: str
    config: Config
    identity: "Identity"
    spec: "DataSpec"
    num_samples: int


def plan_sweep(composed: DictConfig) -> dict[str, PlannedRun] | None:
    """Compose, check and size every run of a sweep, in the order of its jobs.

    All configs are checked before anything is imported that takes seconds.

    Args:
        composed: in Hydra's multirun mode, the hydra node included.

    Returns:
        The runs by run key; None where they are known only as they start: an optimiser chooses
        them, their order is drawn, or a value is made of the job itself.

    Raises:
        UserError: one of the runs can't be made; the message says which.
    """
    if not is_grid(composed):
        return None
    grid = Grid(composed)
    if not grid.is_known():
        return None
    configs: list[Config] = []
    for job in grid.jobs:
        try:
            configs.append(parse(grid.compose(job)))
        except UserError as error:
            raise _in_run(error, job) from error
    facts: dict[tuple[DataConfig, int], Facts] = {}
    planned: dict[str, PlannedRun] = {}
    for job, config in zip(grid.jobs, configs, strict=True):
        try:
            run = _plan_run(command(composed.hydra, job), config, facts)
        except UserError as error:
            raise _in_run(error, job) from error
        planned.setdefault(run.identity.key, run)
    return planned


def sweep_key(planned: dict[str, PlannedRun] | None, overrides: Sequence[str]) -> str:
    """Return a hash of what a sweep runs, by which the same sweep is known again.

    It is that of the runs' keys, or of the command where the runs aren't known beforehand.
    """
    content = list(overrides) if planned is None else sorted(planned)
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _in_run(error: UserError, job: Sequence[str]) -> UserError:
    return UserError(f"{error} [in the run {' '.join(job)}]")


def _plan_run(
    typed: str, config: Config, facts: "dict[tuple[DataConfig, int], Facts]"
) -> PlannedRun:
    from sizewise.data import load
    from sizewise.run.identity import identify

    on = config.data, config.seed
    if on not in facts:
        dataset = load(*on)
        facts[on] = dataset.spec, dataset.fingerprint, len(dataset.train)
    spec, fingerprint, num_samples = facts[on]
    return PlannedRun(typed, config, identify(config, spec, fingerprint), spec, num_samples)
