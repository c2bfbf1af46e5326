"""Train one network, or sweep: `python train.py --help`."""

import os
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from sizewise.cli import one_line_errors
from sizewise.config import parse

os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # errors reach one_line_errors as they are


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(composed: DictConfig) -> float:
    """Run one config and return its best validation accuracy, for Hydra's optimising sweepers."""
    with one_line_errors():
        config = parse(composed)
        from sizewise.run import run  # takes seconds, and neither --help nor --cfg needs it

        job = HydraConfig.get()
        record = run(config, Path(job.runtime.output_dir), job.overrides.task)
        return record.history[record.best_epoch - 1]["val/accuracy"]


if __name__ == "__main__":
    with one_line_errors():
        main()
