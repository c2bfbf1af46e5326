"""Sweeps over a grid: composed once, planned, and launched less what is finished."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from hydra_plugins.sizewise.launcher import PRELOAD, PoolConf


@dataclass
class GridConf:
    """The keys of `hydra.sweeper`, as Hydra's own sweeper has them."""

    _target_: str = "hydra_plugins.sizewise.sweeper.GridSweeper"
    max_batch_size: int | None = None
    params: dict[str, Any] | None = None


# By the name of Hydra's default, in its place: another name, chosen in conf/config.yaml, would win
# over the sweeper that an experiment chooses (hydra#2946).
ConfigStore.instance().store(
    group="hydra/sweeper", name="basic", node=GridConf, provider="sizewise"
)


class GridSweeper(Sweeper):
    """Runs every combination of the values that are given.

    Args:
        max_batch_size: how many jobs the launcher is given at once.
        params: swept values of the config; they are read from there.
    """

    def __init__(self, max_batch_size: int | None, params: dict[str, Any] | None) -> None:
        self._batch_size = max_batch_size

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what Hydra hands over; it is called once, before `sweep`."""
        self._config = config
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        """Run the sweep, and end the process with a code other than 0 if not all of it is done.

        Args:
            arguments: the overrides that were typed, which the config has too.

        Raises:
            UserError: a run can't be made, or the sweep can't be started.
        """
        from sizewise.config.compose import Grid
        from sizewise.errors import UserError

        if self._batch_size is not None and self._batch_size < 1:
            raise UserError(
                f"hydra.sweeper.max_batch_size={self._batch_size} runs nothing: expected 1 or "
                "more, or null for all at once"
            )

        if self._config.hydra.launcher._target_ == PoolConf._target_:
            from sizewise.sweep.pool import warm_up

            warm_up(PRELOAD)  # while this process plans
        grid = Grid(self._config)
        _ = grid.configs  # raises what is wrong with one, before seconds of imports
        from sizewise.sweep.parent import Parent  # imports torch and mlflow
        from sizewise.uri import hide_passwords_in

        parent = Parent(self._config, grid)
        folder = Path(self._config.hydra.sweep.dir)
        OmegaConf.save(self._config, folder / "multirun.yaml")
        hide_passwords_in(folder)
        self._launch(parent.jobs, 0)
        launched = len(parent.jobs)
        while jobs := parent.propose():
            self._launch(jobs, launched)
            launched += len(jobs)
        if code := parent.finish():
            sys.exit(code)

    def _launch(self, jobs: Sequence[Sequence[str]], first: int) -> None:
        """Run `jobs`, whose numbers begin with `first`, in batches."""
        size = self._batch_size or len(jobs)
        for start in range(0, len(jobs), size or 1):
            batch = jobs[start : start + size]
            for result in self._launcher.launch(batch, initial_job_idx=first + start):
                if not getattr(result, "is_told", False):
                    _ = result.return_value  # raises what a job has raised before it began
