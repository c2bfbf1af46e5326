"""Every config key as a field of a dataclass, checked once.

The YAML files in conf/ hold the values, their comments and nothing that is not a field here;
`parse` turns what Hydra composed into a `Config` or into one line that says what to change.
"""

import copy
import dataclasses
import functools
import hashlib
import json
import math
import re
import secrets
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Any

from omegaconf import DictConfig, OmegaConf, SCMode
from omegaconf.errors import ConfigKeyError, MissingMandatoryValue, ValidationError

from sizewise.errors import UserError, nearest
from sizewise.uri import store_uri


def _one_of(*choices: str) -> Any:
    return field(
        metadata={"check": lambda value: value in choices, "expected": " or ".join(choices)}
    )


def _seed() -> Any:
    return field(
        metadata={
            "check": lambda value: 0 <= value < 2**32,
            "expected": "from 0 to 4294967295, as NumPy takes them",
        }
    )


def _at_least(least: float) -> Any:
    return field(
        metadata={"check": lambda value: value >= least, "expected": f"at least {least:g}"}
    )


def _above_zero() -> Any:
    return field(
        metadata={
            "check": lambda value: value > 0 and math.isfinite(value),
            "expected": "a number above 0",
        }
    )


def _fraction() -> Any:
    return field(
        metadata={"check": lambda value: 0 < value < 1, "expected": "a number between 0 and 1"}
    )


@dataclass(kw_only=True)
class ModelConfig:
    """The network. `_target_` names a class of the user's own in the family's place."""

    family: str
    width: int | None = _at_least(1)
    depth: int | None = _at_least(1)
    _target_: str | None

    @property
    def name(self) -> str:
        """The family as it is shown and grouped by: the class's own name for a user's class."""
        return self._target_.rpartition(".")[2].lower() if self._target_ else self.family


@dataclass(kw_only=True)
class DataConfig:
    """The data set and how validation is carved out of it."""

    name: str
    root: str
    validation_fraction: float = _fraction()
    train_samples: int | None = _at_least(1)


@dataclass(kw_only=True)
class Mnist1dConfig(DataConfig):
    """MNIST-1D's own arguments; `seed` here is the generator's, not the run's."""

    num_samples: int = _at_least(100)
    shuffle_seq: bool
    seed: int = _seed()


@dataclass(kw_only=True)
class TrainingConfig:
    """How long and how the network is trained. None switches a limit off."""

    epochs: int = _at_least(1)
    max_steps: int | None = _at_least(1)
    stop_loss: float | None = _above_zero()
    patience: int | None = _at_least(1)
    batch_size: int = _at_least(1)
    learning_rate: float = _above_zero()
    schedule: str = _one_of("constant", "one_cycle", "cosine")
    clip_grad_norm: float | None = _above_zero()


@dataclass(kw_only=True)
class TrackingConfig:
    """Where MLflow keeps the runs."""

    uri: str
    experiment: str
    artifacts: str | None


@dataclass(kw_only=True)
class SweepConfig:
    """What a sweep does beyond its runs."""

    on_failure: str = _one_of("continue", "stop")


@dataclass(kw_only=True)
class Config:
    """One run, whole."""

    model: ModelConfig
    data: DataConfig
    training: TrainingConfig
    tracking: TrackingConfig
    sweep: SweepConfig
    size: int | None = _at_least(1)
    features: str | None = _one_of("raw", "hog", "signal")
    seed: int = _seed()
    device: str
    threads: int | None = _at_least(1)
    checkpoint_minutes: float = _above_zero()
    resume: bool | None
    rerun: bool


DATA_CONFIGS: dict[str, type[DataConfig]] = {"mnist1d": Mnist1dConfig}


def parse(composed: DictConfig) -> Config:
    """Return the checked form of a config that Hydra composed.

    Raises:
        UserError: a key is unknown, missing, of the wrong type or out of its range.
    """
    given = OmegaConf.to_container(composed, resolve=True)
    assert isinstance(given, dict)
    given["size"] = parse_size(given.get("size"))
    values: dict[str, Any] = {}
    try:
        for key, value in given.items():
            values |= _checked(json.dumps({key: value}, default=str))
    except (ConfigKeyError, MissingMandatoryValue, ValidationError) as error:
        raise UserError(_explain(error, given)) from error
    missing = [each.name for each in fields(Config) if each.name not in values]
    if missing:
        raise UserError(_no_value(missing[0]))
    config = Config(**{key: copy.copy(value) for key, value in values.items()})
    _check_ranges(config)
    return config


@functools.cache  # the runs of a sweep differ in few values, and OmegaConf takes its time
def _checked(part: str) -> dict[str, Any]:
    """Return top-level keys, given as JSON, with the types that `Config` says they have."""
    given = json.loads(part)
    schema = OmegaConf.masked_copy(OmegaConf.structured(Config), list(given))
    if isinstance(data := given.get("data"), dict):
        schema.data = OmegaConf.structured(DATA_CONFIGS.get(str(data.get("name")), DataConfig))
    OmegaConf.set_struct(schema, True)
    merged = OmegaConf.merge(schema, given)
    typed = OmegaConf.to_container(
        merged, throw_on_missing=True, structured_config_mode=SCMode.INSTANTIATE
    )
    assert isinstance(typed, dict)
    return {str(key): value for key, value in typed.items()}


def parse_size(size: Any) -> int | None:
    """Return a parameter budget as a whole number: 500, '2.5k', '10k', '1M', 1e4; None stays None.

    Raises:
        UserError: `size` is not such a number.
    """
    if size is None:
        return None
    match = re.fullmatch(r"([0-9]*\.?[0-9]+(?:e\+?[0-9]{1,2})?)([kKmM]?)", str(size).strip())
    if match is None or isinstance(size, bool):
        raise UserError(
            f"size={size} is not a number of parameters: expected one like 500, 2.5k, 10k or 1M"
        )
    return round(float(match[1]) * {"": 1, "k": 1_000, "m": 1_000_000}[match[2].lower()])


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """Return a dataclass's leaves by dotted key: `{"training.epochs": 40, ...}`."""
    leaves: dict[str, Any] = {}
    for each in fields(config):
        value = getattr(config, each.name)
        key = f"{prefix}{each.name}"
        leaves |= flatten(value, f"{key}.") if dataclasses.is_dataclass(value) else {key: value}
    return leaves


NOT_OF_THE_RUN = ("tracking.", "data.root", "sweep.", "checkpoint_minutes", "resume", "rerun")
HARDWARE = ("device", "threads")


def portable(config: Config) -> dict[str, Any]:
    """Return what the config says of the run itself by dotted key.

    Left out are places on one machine and how a sweep goes about its runs.
    """
    leaves = flatten(config).items()
    return {key: value for key, value in leaves if not key.startswith(NOT_OF_THE_RUN)}


def run_key(config: Config, fingerprint: str, source: str) -> str:
    """Hash what determines a run's result: same key, same result.

    Where a run's files lie, which hardware it uses and where it is logged are left out.

    Args:
        config: the run's config.
        fingerprint: of the data set.
        source: hash of the source files that shape training.
    """
    identity = {key: value for key, value in portable(config).items() if key not in HARDWARE}
    text = json.dumps([identity, fingerprint, source], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def known_keys(schema: Any = Config, prefix: str = "") -> list[str]:
    """Return every dotted key of the config, those of all data sets included."""
    keys: list[str] = []
    for each in fields(schema):
        key = f"{prefix}{each.name}"
        if dataclasses.is_dataclass(each.type):
            kinds = {each.type, *DATA_CONFIGS.values()} if each.name == "data" else {each.type}
            keys += [name for kind in kinds for name in known_keys(kind, f"{key}.")]
        else:
            keys.append(key)
    return sorted(set(keys))


def unknown_key(key: str) -> str:
    """Return the line for a key that does not exist."""
    group, _, name = key.rpartition(".")
    keys = [each.split(".") for each in known_keys()]
    siblings = {each[1] for each in keys if each[0] == group and len(each) > 1}
    return f"there is no config key {key}: {nearest(name, siblings or {each[0] for each in keys})}"


def _explain(error: Exception, given: dict[Any, Any]) -> str:
    key = getattr(error, "full_key", None) or str(error)
    if isinstance(error, ConfigKeyError) and key in known_keys():
        chosen = given["data"]["name"]
        return f"there is no config key {key} with data={chosen}; choose a set by data=NAME alone"
    if isinstance(error, ConfigKeyError):
        return unknown_key(key)
    if isinstance(error, MissingMandatoryValue):
        return _no_value(key)
    value = OmegaConf.select(OmegaConf.create(given), key)
    value = "null" if value is None else value
    kind: Any = Config
    for name in key.split("."):
        kinds = DATA_CONFIGS.values() if kind is DataConfig else (kind,)
        types = {each.name: each.type for each in chain(*map(fields, kinds))}
        kind = types[name]
    expected = getattr(kind, "__name__", str(kind).replace("None", "null").replace(" | ", " or "))
    return f"{key}={value} has the wrong type: expected {expected}"


def _no_value(key: str) -> str:
    return f"the config key {key} has no value; give one with {key}=VALUE"


def _check_ranges(config: Any, prefix: str = "") -> None:
    for each in fields(config):
        value = getattr(config, each.name)
        if dataclasses.is_dataclass(value):
            _check_ranges(value, f"{prefix}{each.name}.")
        elif value is not None and "check" in each.metadata and not each.metadata["check"](value):
            raise UserError(
                f"{prefix}{each.name}={value} is out of range: expected {each.metadata['expected']}"
            )


# Names the store by default, also where MLFLOW_TRACKING_URI is set to nothing.
OmegaConf.register_new_resolver("store", store_uri, replace=True)
# Names output folders: two runs that start in the same second don't share one.
OmegaConf.register_new_resolver(
    "unique", lambda: secrets.token_hex(3), use_cache=True, replace=True
)
