"""The config that train.py would make of what is typed, for commands that do not train."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig

from sizewise.config.compose import as_typed, check_typed, is_sweep
from sizewise.config.keys import HARDWARE, PLACE, portable
from sizewise.config.parse import parse
from sizewise.config.schema import Config
from sizewise.errors import UserError


def compose(overrides: Sequence[str], conf: Path) -> Config:
    """Return the config of the run that train.py would make of `overrides`.

    Args:
        overrides: as typed.
        conf: the folder of config files.
    """
    with initialize_config_dir(str(conf), version_base="1.3"):
        return parse(hydra_compose("config", overrides=list(overrides)))


@contextmanager
def composed_as_typed(
    overrides: Sequence[str],
    conf: Path,
    *,
    multirun: bool = False,
    config_dir: Path | None = None,
    config_name: str = "config",
) -> Iterator[DictConfig]:
    """Yield the config that train.py would make of what is typed, Hydra's own part included.

    Within the block the jobs of a sweep, or the one run, can be composed: `Grid`.

    Args:
        overrides: as typed.
        conf: the folder of config files.
        multirun: whether `-m` was typed.
        config_dir: of `--config-dir`.
        config_name: of `--config-name`.

    Raises:
        UserError: the folder is not there, or something was typed which Hydra takes in silence for
            something else.
    """
    whole = [*overrides, *(["hydra.mode=MULTIRUN"] if multirun else [])]
    if config_dir is not None:
        conf, beside = _search(conf, config_dir, config_name)
        if any(each.startswith("hydra.searchpath=") for each in overrides):
            raise UserError("expected --config-dir or hydra.searchpath, not both")
        whole.append(f"hydra.searchpath=[{as_typed(f'file://{beside}')}]")
    with initialize_config_dir(str(conf), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        composed = loader.load_configuration(config_name, whole, RunMode.MULTIRUN)
        if not is_sweep(composed):  # which refuses several values
            composed = loader.load_configuration(config_name, whole, RunMode.RUN)
        check_typed(composed.hydra)
        yield composed


def _search(conf: Path, config_dir: Path, name: str) -> tuple[Path, Path]:
    """Return the folder where Hydra finds the config `name`, and the other one.

    Only outside of its interface does Hydra look for that in both; what it looks for afterwards is
    taken from the first, so that no file may be in both if that is not `conf`.
    """
    if not config_dir.is_dir():
        raise UserError(f"--config-dir {config_dir}: expected a folder of config files")
    config_dir = config_dir.resolve()
    if (conf / f"{name}.yaml").exists():
        return conf, config_dir
    files = (path.relative_to(config_dir) for path in config_dir.rglob("*.yaml"))
    if twice := next((path for path in files if (conf / path).exists()), None):
        raise UserError(f"{twice} is in {conf} and in {config_dir}: expected another name for it")
    return config_dir, conf


def spelled(config: Mapping[str, Any], conf: Path) -> list[str]:
    """Return the overrides that give a run's config: its model and data, and what is no default.

    Args:
        config: by dotted key, as a record has it: `portable`.
        conf: the folder of config files.
    """
    choices = [f"model={config['model.family']}", f"data={config['data.name']}"]
    if PLACE in config:  # own data have none by default
        choices.append(f"{PLACE}={as_typed(config[PLACE])}")
    defaults = portable(compose(choices, conf))
    return choices + [
        f"{key}={as_typed(value)}"
        for key, value in config.items()
        if key not in HARDWARE and key in defaults and value != defaults[key]
    ]
