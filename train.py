"""Train one network, or sweep: `python train.py --help`."""

import os
import warnings
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from sizewise.config import parse
from sizewise.entry import end_at_once, one_line_errors
from sizewise.uri import hide_passwords_in

os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # errors reach one_line_errors as they are
# conf/hydra/launcher/ray.yaml bears the launcher's own name, so that it is what `ray` means.
warnings.filterwarnings("ignore", message=r"\s*'hydra/launcher/ray' is validated against")
# Hydra copies its store of configs for each group that --help lists: that took a second.
setattr(ConfigStore, "__deepcopy__", lambda store, _: store)  # noqa: B010


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(composed: DictConfig) -> float:
    """Train one run and return its validation accuracy, for Hydra's optimising sweepers."""
    # The imports below take seconds, and neither --help nor --cfg needs them.
    job = HydraConfig.get()
    overrides = list(job.overrides.task)
    if job.mode == RunMode.MULTIRUN:
        from sizewise.sweep.job import run_in_sweep

        os.chdir(job.runtime.cwd)  # Ray starts its workers elsewhere
        sweep = Path(job.sweep.dir)
        for written in (sweep, sweep / job.sweep.subdir):
            hide_passwords_in(written)
        return run_in_sweep(composed, sweep, sweep / job.sweep.subdir, overrides)
    with one_line_errors():
        folder = Path(job.runtime.output_dir)
        hide_passwords_in(folder)
        config = parse(composed)
        from sizewise.run import run

        record = run(config, folder, overrides, take_up=bool(config.resume))
        return record.best_validation_accuracy


if __name__ == "__main__":
    end_at_once()
    with one_line_errors():
        main()
