"""What `python train.py` and `sizewise train` do: train one network, or sweep."""

import os
import warnings
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from sizewise import garbage
from sizewise.config import parse
from sizewise.config.compose import command, typed
from sizewise.entry import one_line_errors, outlive_screen
from sizewise.place import CONF
from sizewise.threads import take_share
from sizewise.uri import hide_passwords_in

os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # errors reach one_line_errors as they are
# conf/hydra/launcher/ray.yaml bears the launcher's own name, so that it is what `ray` means.
warnings.filterwarnings("ignore", message=r"\s*'hydra/launcher/ray' is validated against")


def main() -> None:
    """Train as the command line says; stores and outputs lie where it was typed."""
    garbage.wait()
    outlive_screen()
    with one_line_errors():
        train()


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def train(composed: DictConfig) -> float:
    """Train one run and return its validation error, for Hydra's optimising sweepers."""
    # The imports below take seconds, and neither --help nor --cfg needs them.
    job = HydraConfig.get()
    os.chdir(job.runtime.cwd)  # paths are meant from there, whatever hydra.job.chdir or Ray say
    folder, overrides = Path(job.runtime.output_dir), typed(job)
    again = command(job, overrides)
    hide_passwords_in(folder)
    if job.mode == RunMode.MULTIRUN:
        hide_passwords_in(Path(job.sweep.dir))
        from sizewise.sweep.job import run_in_sweep

        return run_in_sweep(composed, Path(job.sweep.dir), job.sweep.subdir, overrides, again)
    with one_line_errors():
        config = parse(composed)
        share = take_share()
        from sizewise.run.run import run

        going_on = bool(config.resume)
        record = run(config, folder, overrides, command=again, take_up=going_on, share=share)
        return record.error("val")
