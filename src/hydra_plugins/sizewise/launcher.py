"""Launches jobs in warm worker processes of this machine."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.config_store import ConfigStore
from hydra.core.utils import (
    JobReturn,
    JobRuntime,
    JobStatus,
    configure_log,
    run_job,
    setup_globals,
)
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from hydra.version import setbase
from omegaconf import DictConfig, open_dict

from sizewise.errors import Interrupted, say

if TYPE_CHECKING:
    from sizewise.sweep.pool import Pool

PRELOAD = "sizewise.sweep.preload"


@dataclass
class PoolConf:
    """The keys of `hydra.launcher`.

    Args:
        n_jobs: how many run at once; -1 for one on each core, -2 for one less.
    """

    _target_: str = "hydra_plugins.sizewise.launcher.PoolLauncher"
    n_jobs: int = -1


ConfigStore.instance().store(
    group="hydra/launcher", name="pool", node=PoolConf, provider="sizewise"
)


class Failed(JobReturn):
    """What came of a job whose worker has died, or that raised something before it began.

    Args:
        error: what it was.
        is_told: whether the user knows.
    """

    def __init__(self, error: BaseException, is_told: bool) -> None:
        super().__init__(status=JobStatus.FAILED)
        self.return_value = error
        self.is_told = is_told


class PoolLauncher(Launcher):
    """Runs jobs in parallel; a worker that dies costs its own job only.

    Args:
        n_jobs: see `PoolConf`; it is read from the config.
    """

    def __init__(self, n_jobs: int) -> None:
        self._pool: Pool | None = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what Hydra hands over; it is called once, before `launch`."""
        self._context = hydra_context
        self._task = task_function
        self._config = config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> list[JobReturn]:
        """Run the jobs and return what came of each, in their order.

        The workers are kept for the next batch. After Ctrl-C no more jobs are started.

        Args:
            job_overrides: of each job.
            initial_job_idx: the number of the first.

        Raises:
            Interrupted: not all of them were started.
        """
        from sizewise.sweep.job import jobs_at_once
        from sizewise.sweep.pool import Pool, WorkerDied, warm_up
        from sizewise.sweep.states import mark_lost

        setup_globals()
        configure_log(self._config.hydra.hydra_logging, self._config.hydra.verbose)
        folder = Path(self._config.hydra.sweep.dir)
        folder.mkdir(parents=True, exist_ok=True)
        if self._pool is None:
            warm_up(PRELOAD)
            self._pool = Pool(jobs_at_once(self._config))
        returns: dict[int, JobReturn] = {}
        for number, result in self._pool.run(self._calls(folder, job_overrides, initial_job_idx)):
            died = isinstance(result, WorkerDied)
            if died and not mark_lost(folder, result.process_id, str(result)):
                say(f"failed: {' '.join(job_overrides[number])}: {result}")
            returns[number] = result if isinstance(result, JobReturn) else Failed(result, died)
        if len(returns) < len(job_overrides):
            raise Interrupted("no more runs are started")
        return [returns[number] for number in range(len(job_overrides))]

    def _calls(
        self, folder: Path, job_overrides: Sequence[Sequence[str]], first: int
    ) -> Iterator[Callable[[], JobReturn]]:
        """Yield a call for each job, composed when a worker is free; no more when stopped."""
        from sizewise.sweep.job import STOP_ALL

        for number, overrides in enumerate(job_overrides, first):
            if (folder / STOP_ALL).exists():
                return
            config = self._context.config_loader.load_sweep_config(self._config, list(overrides))
            with open_dict(config):
                config.hydra.job.id = config.hydra.job.num = number
            yield partial(_run, self._context, self._task, config)


def _run(context: HydraContext, task: TaskFunction, config: DictConfig) -> JobReturn:
    """Run a job in this process, which knows nothing of Hydra yet."""
    setup_globals()
    setbase(config.hydra.runtime.version_base)
    JobRuntime.instance().set("name", config.hydra.job.name)
    return run_job(
        hydra_context=context,
        task_function=task,
        config=config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )
