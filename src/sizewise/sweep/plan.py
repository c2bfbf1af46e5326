"""What a sweep is going to run, known before it starts."""

import copy
import hashlib
import json
import shlex
from dataclasses import asdict, dataclass

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from sizewise.config import Config, parse
from sizewise.data import load
from sizewise.data.spec import DataSpec
from sizewise.errors import UserError
from sizewise.models import CLASSICAL
from sizewise.run import Identity, identify
from sizewise.uri import hide_password


@dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep before it starts."""

    overrides: list[str]
    config: Config
    identity: Identity
    spec: DataSpec
    num_samples: int

    @property
    def epochs(self) -> int:
        """The most epochs it trains; of a classical family, the settings it tries."""
        model = self.config.model
        if model._target_ is None and model.family in CLASSICAL:
            return len(CLASSICAL[model.family].grid)
        return self.config.training.epochs

    @property
    def command(self) -> str:
        """What trains this run alone."""
        return hide_password(f"python train.py {shlex.join(self.overrides)} hydra.mode=RUN")


def plan_sweep(config: DictConfig) -> list[PlannedRun]:
    """Compose, check and size every run of a sweep over Hydra's grid, in the order of its jobs.

    Args:
        config: composed in Hydra's multirun mode, the hydra node included.

    Raises:
        UserError: one of the runs can't be made; the message says which.
    """
    loader = GlobalHydra.instance().config_loader()
    assert isinstance(loader, ConfigLoaderImpl)
    compose = Composer(loader, config)
    data: dict[str, tuple[DataSpec, str, int]] = {}
    return [_plan_run(compose, overrides, data) for overrides in _grid(loader, config)]


class Composer:
    """Composes the runs of a sweep: each combination of groups once, which takes Hydra a while.

    Other values are put into a copy of it by the function that Hydra itself ends with.

    Args:
        loader: Hydra's.
        master: composed in Hydra's multirun mode, the hydra node included.
    """

    def __init__(self, loader: ConfigLoaderImpl, master: DictConfig) -> None:
        self._loader = loader
        self._master = master
        self._parser = OverridesParser.create(config_loader=loader)
        self._chosen: dict[tuple[str, ...], DictConfig] = {}

    def __call__(self, overrides: list[str]) -> DictConfig:
        """Return the config of the run with these overrides, without Hydra's own part."""
        choices, values = list[Override](), list[Override]()
        for each in self._parser.parse_overrides(overrides):
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


def sweep_key(planned: list[PlannedRun], overrides: list[str]) -> str:
    """Return a hash of what a sweep runs, by which the same sweep is known again.

    It is that of the runs' keys, or of the command where the runs aren't known beforehand.
    """
    keys = sorted(run.identity.key for run in planned) or overrides
    return hashlib.sha256(json.dumps(keys).encode()).hexdigest()[:16]


def is_grid(config: DictConfig) -> bool:
    """Whether the sweep's runs are known before it starts, which an optimiser's are not."""
    return str(config.hydra.sweeper._target_).endswith(".BasicSweeper")


def _grid(loader: ConfigLoaderImpl, config: DictConfig) -> list[list[str]]:
    """Return the overrides of each job, as Hydra's sweeper will make them."""
    swept = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    parser = OverridesParser.create(config_loader=loader)
    overrides = parser.parse_overrides(swept + list(config.hydra.overrides.task))
    (jobs,) = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    return jobs


def _plan_run(
    compose: Composer,
    overrides: list[str],
    data: dict[str, tuple[DataSpec, str, int]],
) -> PlannedRun:
    try:
        config = parse(compose(overrides))
        facts = _data_facts(config, data)
        identity = identify(config, facts[0], facts[1])
    except UserError as error:
        raise UserError(f"{error} [in the run {' '.join(overrides)}]") from error
    return PlannedRun(overrides, config, identity, facts[0], facts[2])


def without_hydra(composed: DictConfig) -> DictConfig:
    """Return a composed config without Hydra's own part."""
    return OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"])


def _data_facts(
    config: Config, known: dict[str, tuple[DataSpec, str, int]]
) -> tuple[DataSpec, str, int]:
    """Return the spec, the fingerprint and the number of training samples, loading once."""
    key = json.dumps([asdict(config.data), config.seed])
    if key not in known:
        dataset = load(config.data, config.seed)
        known[key] = (dataset.spec, dataset.fingerprint, len(dataset.train))
    return known[key]
