"""What a sweep is going to run, known before it starts."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sizewise.config import Config
from sizewise.config.compose import Grid, command, in_run
from sizewise.data import DataSpec
from sizewise.errors import UserError
from sizewise.run.budget import in_steps
from sizewise.run.course import course_of
from sizewise.run.data import load_for
from sizewise.run.identity import Identity, identify, with_precision
from sizewise.sweep.states import Kind, RunState


@dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep before it starts. `command` trains it alone, `config` has its steps."""

    overrides: tuple[str, ...]
    command: str
    config: Config
    identity: Identity
    spec: DataSpec
    num_samples: int

    @property
    def state(self) -> RunState:
        """Return that of a run which waits."""
        parameters, training = self.identity.parameters, self.config.training
        return RunState(
            self.identity.key,
            self.identity.name,
            "waiting",
            folder="",
            command=self.command,
            kind=Kind.of(self.config, parameters),
            course=None if parameters is None else course_of(training, self.num_samples),
        )


def plan_sweep(grid: Grid, refused: list[UserError] | None = None) -> dict[str, PlannedRun] | None:
    """Size every run of a sweep, in the order of its jobs.

    Args:
        grid: the jobs.
        refused: takes the errors of runs that can't be made; by default the first is raised.

    Returns:
        The runs by run key; None where they are known only as they start.

    Raises:
        UserError: one of the runs can't be made; the message says which.
    """
    if grid.configs is None:
        return None
    facts: dict[tuple[object, ...], tuple[DataSpec, tuple[str, str], int]] = {}
    planned: dict[str, PlannedRun] = {}
    for job, config in zip(grid.jobs, grid.configs, strict=True):
        training = config.training
        on = config.data.model_dump_json(), config.seed, training.augment, training.class_weights
        try:
            with in_run(job):
                if on not in facts:
                    dataset = load_for(config)
                    prints = dataset.fingerprint, dataset.train_fingerprint
                    facts[on] = dataset.spec, prints, len(dataset.train)
                spec, prints, samples = facts[on]
                config = in_steps(with_precision(config), spec, samples)
                identity = identify(config, spec, *prints)
        except UserError as error:
            if refused is None:
                raise
            refused.append(error)
            continue
        again = command(grid.master.hydra, job)
        planned.setdefault(identity.key, PlannedRun(job, again, config, identity, spec, samples))
    return planned


def sweep_key(planned: dict[str, PlannedRun] | None, overrides: Sequence[str]) -> str:
    """Return a hash of what a sweep runs, by which the same sweep is known again.

    It is that of the runs' keys, or of the command where the runs aren't known beforehand.
    """
    content = list(overrides) if planned is None else sorted(planned)
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
