"""What was typed, and what Hydra makes of it: overrides as they are, jobs of a grid, commands.

Overrides are read here and nowhere else, and read raw: as an OmegaConf list, which they are in
Hydra's config, each `${...}` in them would be resolved against the wrong config.
"""

import copy
import functools
import itertools
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.conf import HydraConf
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import (
    ChoiceSweep,
    Override,
    OverrideType,
    Quote,
    QuotedString,
)
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sizewise.config.parse import parse
from sizewise.config.schema import Config
from sizewise.errors import UserError
from sizewise.place import CONF, TRAIN
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
        hydra: the config's hydra node.
        overrides: of the task.
        sweep: whether it starts a sweep, with what was said of Hydra itself; else one run.
    """
    words = ["-m"] if sweep else []
    for source in hydra.runtime.config_sources:
        if source.provider == "command-line":
            words += ["--config-dir", str(source.path)]
    if hydra.job.config_name not in (None, "config"):
        words += ["--config-name", str(hydra.job.config_name)]
    for each in typed(hydra, "hydra"):
        key = _key(each)
        if key == "hydra.searchpath" or (sweep and key not in DECIDED):
            words.append(each)
    if not sweep and hydra.runtime.choices.get("experiment"):
        words.append("hydra.mode=RUN")  # an experiment may be a sweep
    program = list(TRAIN)
    if program[0] == "python" and CONF.parent != Path(hydra.runtime.cwd):
        program[1] = str(CONF.with_name("train.py"))
    words += [each for each in overrides if sweep or _key(each) not in OF_THE_MOMENT]
    text = shlex.join([*program, *words])
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
        if (each.key_or_group, each.value()) == ("hydra/launcher", "joblib"):
            raise UserError(
                "hydra/launcher=joblib is not used any more: leave it out, and a sweep's runs are "
                "parallel (hydra.launcher.n_jobs=2 for two at once)"
            )
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


def is_sweep(composed: DictConfig) -> bool:
    """Whether a config is that of a sweep: `-m` was typed, or its experiment says so."""
    return bool(composed.hydra.mode == RunMode.MULTIRUN)


def is_grid(composed: DictConfig) -> bool:
    """Whether a sweep's jobs are a grid of ours; an optimiser chooses its own as it goes."""
    return str(composed.hydra.sweeper._target_).endswith(".GridSweeper")


def let_trials_fail(composed: DictConfig) -> None:
    """Have an optimiser go on after failed trials, as a grid does: its default is to give up.

    `sweep.on_failure=stop` is heeded by the jobs, and a rate that is typed stays.
    """
    rate = "hydra.sweeper.max_failure_rate"
    is_typed = any(each.lstrip("+").startswith(rate) for each in typed(composed.hydra, "hydra"))
    if OmegaConf.select(composed, rate) == 0 and not is_typed:
        OmegaConf.update(composed, rate, 1.0)


class Grid:
    """The jobs of a sweep over fixed values, composed as Hydra composes them.

    What is shuffled is drawn once, here: the jobs that are planned are those that are launched.

    Args:
        master: composed, the hydra node included; of a single run it is the one job.

    Raises:
        UserError: it has a value that can't be swept.
    """

    def __init__(self, master: DictConfig) -> None:
        self.master = master
        self._loader = GlobalHydra.instance().config_loader()
        self._chosen: dict[tuple[str, ...], DictConfig] = {}
        parser = OverridesParser.create(config_loader=self._loader)
        params = master.hydra.sweeper.params if is_sweep(master) else None
        swept = [f"{key}={each}" for key, each in (params or {}).items()]
        overrides = parser.parse_overrides([*swept, *typed(master.hydra)])
        # Of a key that is given twice, the last one counts.
        values = {each.get_key_element(): _values(each) for each in overrides}
        self.jobs = list(itertools.product(*values.values()))
        distinct = dict.fromkeys(itertools.chain(*values.values()))
        where: dict[str, Any] = {}  # Hydra looks for groups; all is read again for each otherwise
        if master.hydra.searchpath:  # a folder of the user's own brings some too
            where["config_name"] = str(master.hydra.job.config_name)
            where["overrides"] = typed(master.hydra, "hydra")
        self._groups = {
            key
            for key in {each.key_or_group for each in overrides}
            if self._loader.get_group_options(key, **where)
        }
        self._plain = {
            text: (each.key_or_group, each.value())
            for text, each in zip(distinct, parser.parse_overrides(list(distinct)), strict=True)
            if self._is_plain(each)
        }
        self._of_a_job = any(OF_A_JOB.search(str(each.input_line)) for each in overrides)

    def like(self, overrides: Sequence[str]) -> "Grid":
        """Return the jobs of the same sweep, had these overrides of the task been typed."""
        name = str(self.master.hydra.job.config_name)
        whole = [*typed(self.master.hydra, "hydra"), *overrides]
        return Grid(self._loader.load_configuration(name, whole, RunMode.MULTIRUN))

    def _is_plain(self, override: Override) -> bool:
        """Whether an override gives another value to a key, and does nothing else."""
        key = override.key_or_group
        changes = override.type == OverrideType.CHANGE and not override.is_hydra_override()
        return changes and not override.package and key not in self._groups

    @functools.cached_property
    def configs(self) -> list[Config] | None:
        """Each job's config; None where values are known only in the job that has them.

        Raises:
            UserError: one of them can't be used; the message says in which run.
        """
        chosen = {self._choices(job) for job in self.jobs}
        if self._of_a_job or any(depends_on_job(self._whole(choices)) for choices in chosen):
            return None
        configs = []
        for job in self.jobs:
            with in_run(job):
                configs.append(parse(self.compose(job)))
        return configs

    def compose(self, job: Sequence[str]) -> DictConfig:
        """Return the config of the job with these overrides, without Hydra's own part.

        Each combination of groups is composed once, which takes Hydra a while; plain values are put
        into a copy of it, as Hydra itself does in the end.
        """
        config = copy.deepcopy(self._whole(self._choices(job)))
        try:
            for key, value in (self._plain[each] for each in job if each in self._plain):
                OmegaConf.update(config, key, value)
        except OmegaConfBaseException:
            return self._whole(tuple(job))  # raises it in Hydra's words
        return config

    def _choices(self, job: Sequence[str]) -> tuple[str, ...]:
        return tuple(each for each in job if each not in self._plain)

    def _whole(self, overrides: tuple[str, ...]) -> DictConfig:
        if overrides not in self._chosen:
            composed = self._loader.load_sweep_config(self.master, list(overrides))
            self._chosen[overrides] = without_hydra(composed)
            OmegaConf.set_struct(self._chosen[overrides], True)
        return self._chosen[overrides]


def _values(override: Override) -> list[str]:
    """Return an override with each of the values that a sweep gives it."""
    key = override.get_key_element()
    if not override.is_sweep_override():
        return [f"{key}={override.get_value_element_as_str()}"]
    if not override.is_discrete_sweep():
        raise UserError(
            f"{override.input_line} gives a range to draw from, for an optimiser: expected values, "
            f"as in {key}=1,2, or hydra/sweeper=optuna"
        )
    return [f"{key}={value}" for value in override.sweep_string_iterator()]


@contextmanager
def in_run(job: Sequence[str]) -> Iterator[None]:
    """Have an error say in which run of a sweep it is."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{error} [in the run {' '.join(job)}]") from error


def as_typed(value: Any) -> str:
    """Return a key's value in Hydra's grammar."""
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{','.join(map(as_typed, value))}]"
    if not isinstance(value, str):
        return str(value).lower()  # True, 1e-05
    if PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    return QuotedString(value, Quote.double).with_quotes()
