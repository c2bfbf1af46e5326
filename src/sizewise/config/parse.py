"""What Hydra composed, checked: a `Config`, or one line that says what to change."""

import functools
import json
import secrets
import types
import typing
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from sizewise.config.data import DATA_CONFIGS, DataConfig
from sizewise.config.schema import Config, Shared
from sizewise.config.section import Section
from sizewise.config.values import MOST_SHOWN
from sizewise.errors import UserError, nearest
from sizewise.place import TRAIN
from sizewise.uri import store_uri

Kind = typing.TypeVar("Kind", bound=Shared)
TYPES = {
    "int_type": "int",
    "int_from_float": "int",
    "float_type": "float",
    "string_type": "str",
    "bool_type": "bool",
}
RANGES = {
    "greater_than_equal": "at least {ge}",
    "greater_than": "a number above {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "a number below {lt}",
    "finite_number": "a finite number",
    "string_too_short": "a text",
    "literal_error": "{expected}",
}


def parse(composed: DictConfig) -> Config:
    """Return the checked form of a config that Hydra composed.

    Raises:
        UserError: a key is unknown, missing, of the wrong type or out of its range.
        OmegaConfBaseException: an interpolation leads nowhere.
    """
    return _checked(Config, composed)


def parse_shared(composed: DictConfig) -> Shared:
    """Return what a sweep's runs share; other keys may hold what only a job can resolve.

    Raises:
        As `parse`.
    """
    keys = [key for key in Shared.model_fields if key in composed]
    return _checked(Shared, OmegaConf.masked_copy(composed, keys))


def _checked(kind: type[Kind], composed: DictConfig) -> Kind:
    try:
        given = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        raise UserError(_no_value(error.full_key or str(error))) from error
    assert isinstance(given, dict)
    try:
        return kind.model_validate({str(key): value for key, value in given.items()})
    except ValidationError as error:
        # What doesn't exist is told before what lacks: it may be the same key, misspelt.
        first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        raise UserError(_explain(first, given)) from error


@functools.cache
def _fields() -> dict[str, FieldInfo]:
    """Return the field of each dotted key of the config, those of all data sets included."""
    fields: dict[str, FieldInfo] = {}
    for name, field in Config.model_fields.items():
        kinds = [field.annotation] if name != "data" else [DataConfig, *DATA_CONFIGS.values()]
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, Section):
                within = kind.model_fields.items()
                fields |= {f"{name}.{each.alias or own}": each for own, each in within}
            else:
                fields[name] = field
    return fields


def known_keys() -> list[str]:
    """Return every dotted key of the config, those of all data sets included."""
    return sorted(_fields())


def unknown_key(key: str) -> str:
    """Return the line for a key that does not exist."""
    group, _, name = key.rpartition(".")
    keys = [each.split(".") for each in known_keys()]
    siblings = {each[1] for each in keys if each[0] == group and len(each) > 1}
    return f"there is no config key {key}: {nearest(name, siblings or {each[0] for each in keys})}"


def _explain(error: ErrorDetails, given: dict[Any, Any]) -> str:
    """Return one line for what pydantic found wrong first."""
    key, kind, value = ".".join(map(str, error["loc"])), error["type"], error["input"]
    is_group = any(each.startswith(f"{key}.") for each in _fields())
    if kind == "extra_forbidden":
        if key not in _fields():
            return unknown_key(key)
        chosen = given["data"]["name"]
        return f"there is no config key {key} with data={chosen}; choose a set by data=NAME alone"
    if kind == "missing" or (value is None and is_group):
        return _no_value(key)
    if kind == "string_pattern_mismatch":
        expected = _or_null(key, str(_fields()[key].description))
        return f"{key}={_shown(value)} is out of range: expected {expected}"
    if kind in RANGES:
        expected = _or_null(key, RANGES[kind].format(**error.get("ctx", {})))
        return f"{key}={_shown(value)} is out of range: expected {expected}"
    if is_group:
        return f"{key}={_shown(value)} has the wrong type: expected keys as {key}.NAME=VALUE"
    expected = _or_null(key, TYPES[kind])
    if kind == "string_type" and isinstance(value, int | float):
        expected += f"; quote it: '{key}=\"{value}\"'"
    return f"{key}={_shown(value)} has the wrong type: expected {expected}"


def _or_null(key: str, expected: str) -> str:
    """Return what is expected of a key, and null where that may be."""
    if types.NoneType not in typing.get_args(_fields()[key].annotation):
        return expected
    return f"{expected}, or null" if "," in expected else f"{expected} or null"


def _shown(value: Any) -> str:
    """Return a value as it is typed, in one line."""
    plain = value is None or isinstance(value, bool)
    text = json.dumps(value) if plain else " ".join(str(value).splitlines())
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"


def _no_value(key: str) -> str:
    return f"the config key {key} has no value; give one with {key}=VALUE"


# Names the store by default, also where MLFLOW_TRACKING_URI is set to nothing.
OmegaConf.register_new_resolver("store", store_uri, replace=True)
OmegaConf.register_new_resolver("train", lambda: " ".join(TRAIN), replace=True)  # in --help
# Names output folders: two runs that start in the same second don't share one.
OmegaConf.register_new_resolver(
    "unique", lambda: secrets.token_hex(3), use_cache=True, replace=True
)
