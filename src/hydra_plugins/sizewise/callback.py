"""What is done before Hydra writes anything, and around a sweep whose sweeper is not ours."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

if TYPE_CHECKING:
    from sizewise.sweep.parent import Parent


class SweepCallback(Callback):
    """Hydra calls this around each run and multirun, in the process that was started by hand."""

    def __init__(self) -> None:
        self._parent: Parent | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Send nothing of the parent's side along with a job."""
        return {}

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Check the config and what it names, before a folder is made for the run."""
        from sizewise.config import parse
        from sizewise.config.compose import check_typed, depends_on_job, without_hydra
        from sizewise.threads import take_share

        with _errors_end_the_process():
            check_typed(config.hydra)
            own = without_hydra(config)
            if not depends_on_job(own):
                checked = parse(own)
                take_share()  # before torch
                from sizewise.run.identity import check_names  # takes seconds: it imports torch

                check_names(checked)

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Check what was typed, and open a sweep whose runs an optimiser will choose."""
        from sizewise.config.compose import check_typed, is_grid

        with _errors_end_the_process():
            check_typed(config.hydra)
            if not is_grid(config):
                from sizewise.sweep.parent import Parent  # takes seconds

                self._parent = Parent(config, grid=None)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Report on it; exit with another code than 0 if a run has failed or was interrupted."""
        if self._parent is not None:
            with _errors_end_the_process():
                code = self._parent.finish()
            if code:
                sys.exit(code)


@contextmanager
def _errors_end_the_process() -> Iterator[None]:
    """End the process at an error, which Hydra would only warn of and then start the jobs."""
    from sizewise.entry import one_line_errors

    try:
        with one_line_errors():
            yield
    except Exception:
        traceback.print_exc()
        sys.exit(1)
