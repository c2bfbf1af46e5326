"""What is done before Hydra writes anything, and after the last run of a sweep has ended."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from sizewise.config import parse
from sizewise.config.compose import check_typed, depends_on_job, without_hydra
from sizewise.entry import one_line_errors


class SweepCallback(Callback):
    """Hydra calls this around each run and multirun, in the process that was started by hand."""

    def __getstate__(self) -> dict[str, Any]:
        """Send nothing of the parent's side along with a job."""
        return {}

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Check the config and what it names, before a folder is made for the run."""
        with _errors_end_the_process():
            check_typed(config.hydra)
            own = without_hydra(config)
            if not depends_on_job(own):
                checked = parse(own)
                from sizewise.run.identity import check_names  # takes seconds: it imports torch

                check_names(checked)

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Plan and check every run, open the store and the parent run, and begin to follow."""
        with _errors_end_the_process():
            check_typed(config.hydra)
            from sizewise.sweep.parent import Parent  # takes seconds: it imports torch and mlflow

            self._parent = Parent.start(config)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Report, and leave with an exit code other than 0 if a run failed or was interrupted."""
        with _errors_end_the_process():
            code = self._parent.finish()
        if code:
            sys.exit(code)


@contextmanager
def _errors_end_the_process() -> Iterator[None]:
    """End the process at an error, which Hydra would only warn of and then start the jobs."""
    try:
        with one_line_errors():
            yield
    except Exception:
        traceback.print_exc()
        sys.exit(1)
