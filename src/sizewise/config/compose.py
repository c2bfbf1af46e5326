"""What was typed, and what Hydra makes of it: overrides as they are, jobs of a grid, commands.

Overrides are read here and nowhere else, and read raw: as an OmegaConf list, which they are in
Hydra's config, each `${...}` in them would be resolved against the wrong config.
"""

import copy
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.conf import HydraConf
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, Quote, QuotedString
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from sizewise.config.keys import HARDWARE, portable
from sizewise.config.parse import parse
from sizewise.config.schema import Config
from sizewise.errors import UserError
from sizewise.uri import hide_password

FOLDERS = ("hydra.run.dir", "hydra.sweep.dir")
GROUPS = ("model", "data", "training", "tracking", "experiment")
# Of Hydra's own overrides: what the command that is printed, or its moment, decides anew.
DECIDED = ("hydra.mode", *FOLDERS)
OF_THE_MOMENT = ("resume", "rerun")  # and of the task's
# Resolvers but OmegaConf's own and `store` may give each job another value: its number, the time.
OF_A_JOB = re.compile(r"\$\{\s*(?!oc\.|store\s*:)[\w.]+\s*:")
PLAIN = re.compile(r"[A-Za-z_][\w./-]*")  # a text that Hydra reads as it is
WORDS = ("null", "true", "false", "nan", "inf")  # but these are no texts to it


def typed(hydra: HydraConf, kind: str = "task") -> list[str]:
    """Return the overrides as they were typed, or in a job of a sweep as the sweeper made them.

    Args:
        hydra: the config's hydra node.
        kind: `task`, or `hydra` for the overrides of Hydra itself.
    """
    overrides = OmegaConf.to_container(getattr(hydra.overrides, kind), resolve=False)
    assert isinstance(overrides, list)
    return [str(each) for each in overrides]


def command(hydra: HydraConf, overrides: Sequence[str], *, sweep: bool = False) -> str:
    """Return a command that can be pasted into a shell; passwords in it are hidden.

    Args:
        hydra: the config's hydra node; it knows where the config files are.
        overrides: of the task.
        sweep: whether it starts a sweep, with what was said of Hydra itself; else one run.
    """
    words, conf = ["-m"] if sweep else [], Path("conf").resolve()
    for source in hydra.runtime.config_sources:
        if source.provider == "main" and source.schema == "file":
            conf = Path(source.path)
        elif source.provider == "command-line":
            words += ["--config-dir", str(source.path)]
    if hydra.job.config_name not in (None, "config"):
        words += ["--config-name", str(hydra.job.config_name)]
    for each in typed(hydra, "hydra"):
        key = _key(each)
        if key == "hydra.searchpath" or (sweep and key not in DECIDED):
            words.append(each)
    if not sweep and hydra.runtime.choices.get("experiment"):
        words.append("hydra.mode=RUN")  # an experiment may be a sweep
    script = conf.parent / "train.py"
    beside = script.parent == Path(hydra.runtime.cwd)
    words += [each for each in overrides if sweep or _key(each) not in OF_THE_MOMENT]
    text = shlex.join(["python", script.name if beside else str(script), *words])
    return hide_password(text)


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def check_typed(hydra: HydraConf) -> None:
    """Check that nothing was typed which Hydra takes in silence for something else.

    Of a group that is given a list it lays the files over each other; a folder that begins with ~
    it makes here, under that name.

    Args:
        hydra: the config's hydra node.

    Raises:
        UserError: something was.
    """
    parser = OverridesParser.create()
    for each in parser.parse_overrides(typed(hydra, "hydra")):
        if each.key_or_group in FOLDERS and str(each.value()).startswith("~"):
            raise UserError(
                f"{each.key_or_group}={each.value()} would be a folder called ~ here: expected an "
                f"absolute or a relative one, as in {each.key_or_group}=$HOME/runs"
            )
    for each in parser.parse_overrides(typed(hydra)):
        value = each.value()
        for one in value.list if isinstance(value, ChoiceSweep) else [value]:
            if each.key_or_group in GROUPS and isinstance(one, list):
                names = ",".join(map(str, one))
                raise UserError(
                    f"{each.key_or_group}=[{names}] names several: expected one, or a sweep: "
                    f"-m {each.key_or_group}={names}"
                )


def without_hydra(composed: DictConfig) -> DictConfig:
    """Return a composed config without Hydra's own part."""
    return OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"])


def depends_on_job(config: DictConfig) -> bool:
    """Whether a value of a config without Hydra's own part is known only in the job that has it."""
    return OF_A_JOB.search(OmegaConf.to_yaml(config, resolve=False)) is not None


def is_grid(composed: DictConfig) -> bool:
    """Whether a sweep's jobs are Hydra's grid; an optimiser chooses its own as it goes."""
    return str(composed.hydra.sweeper._target_).endswith(".BasicSweeper")


class Grid:
    """The jobs of a sweep over Hydra's grid, composed as Hydra will compose them.

    Args:
        master: composed in Hydra's multirun mode, the hydra node included.

    Raises:
        HydraException: it has a value that can't be swept.
    """

    def __init__(self, master: DictConfig) -> None:
        loader = GlobalHydra.instance().config_loader()
        assert isinstance(loader, ConfigLoaderImpl)
        self._loader = loader
        self._master = master
        self._parser = OverridesParser.create(config_loader=loader)
        self._chosen: dict[tuple[str, ...], DictConfig] = {}
        swept = [f"{key}={each}" for key, each in (master.hydra.sweeper.params or {}).items()]
        self._overrides = self._parser.parse_overrides([*swept, *typed(master.hydra)])
        (self.jobs,) = BasicSweeper.split_arguments(self._overrides, max_batch_size=None)

    def is_known(self) -> bool:
        """Whether each job's config is known beforehand: not drawn, nor made of the job itself."""
        shuffled = (getattr(each.value(), "shuffle", False) for each in self._overrides)
        if any(shuffled) or any(OF_A_JOB.search(str(each.input_line)) for each in self._overrides):
            return False
        for job in self.jobs:
            self.compose(job)
        return not any(map(depends_on_job, self._chosen.values()))

    def compose(self, job: Sequence[str]) -> DictConfig:
        """Return the config of the job with these overrides, without Hydra's own part.

        Each combination of groups is composed once, which takes Hydra a while; other values are put
        into a copy of it by the function that Hydra itself ends with.
        """
        choices, values = list[Override](), list[Override]()
        for each in self._parser.parse_overrides(list(job)):
            is_choice = self._loader.repository.group_exists(each.key_or_group)
            (choices if is_choice or each.is_hydra_override() else values).append(each)
        chosen = tuple(str(each.input_line) for each in choices)
        if chosen not in self._chosen:
            composed = self._loader.load_sweep_config(self._master, list(chosen))
            self._chosen[chosen] = without_hydra(composed)
            OmegaConf.set_struct(self._chosen[chosen], True)
        config = copy.deepcopy(self._chosen[chosen])
        ConfigLoaderImpl._apply_overrides_to_config(values, config)
        return config


def compose(overrides: Sequence[str], conf: Path) -> Config:
    """Return the config of the run that train.py would make of `overrides`.

    Args:
        overrides: as typed.
        conf: the folder of config files.
    """
    with initialize_config_dir(str(conf), version_base="1.3"):
        return parse(hydra_compose("config", overrides=list(overrides)))


@contextmanager
def composed_sweep(overrides: Sequence[str], conf: Path) -> Iterator[DictConfig]:
    """Yield the config of the sweep that train.py would make of `overrides`, Hydra's included.

    Within the block its jobs can be composed.
    """
    with initialize_config_dir(str(conf), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        mode = [*overrides, "hydra.mode=MULTIRUN"]
        yield loader.load_configuration("config", mode, RunMode.MULTIRUN)


def spelled(config: Mapping[str, Any], conf: Path) -> list[str]:
    """Return the overrides that give a run's config: its model and data, and what is no default.

    Args:
        config: by dotted key, as a record has it: `portable`.
        conf: the folder of config files.
    """
    choices = [f"model={config['model.family']}", f"data={config['data.name']}"]
    defaults = portable(compose(choices, conf))
    return choices + [
        f"{key}={as_typed(value)}"
        for key, value in config.items()
        if key not in HARDWARE and key in defaults and value != defaults[key]
    ]


def as_typed(value: Any) -> str:
    """Return a key's value in Hydra's grammar."""
    if value is None:
        return "null"
    if not isinstance(value, str):
        return str(value).lower()  # True, 1e-05
    if PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    return QuotedString(value, Quote.double).with_quotes()
