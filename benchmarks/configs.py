"""The configs of benchmarks' runs."""

from pathlib import Path

from hydra import compose, initialize_config_dir

from sizewise.config import Config, parse

CONF = Path(__file__).parents[1] / "conf"


def config_of(*overrides: str) -> Config:
    """Return the config that `python train.py` has with these overrides."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return parse(compose("config", overrides=list(overrides)))
