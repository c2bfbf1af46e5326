"""What Hydra composed, checked: a `Config`, or one line that says what to change."""

import secrets
import types
import typing
from collections.abc import Iterable
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from sizewise.config.schema import DATA_CONFIGS, MOST_SHOWN, Config, DataConfig, Section, Shared
from sizewise.errors import UserError, nearest
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


def known_keys() -> list[str]:
    """Return every dotted key of the config, those of all data sets included."""
    kinds = {name: [_section(field.annotation)] for name, field in Config.model_fields.items()}
    kinds["data"] = [DataConfig, *DATA_CONFIGS.values()]
    keys: set[str] = set()
    for name, sections in kinds.items():
        for section in sections:
            keys |= {f"{name}.{each}" for each in _names(section)} if section else {name}
    return sorted(keys)


def unknown_key(key: str) -> str:
    """Return the line for a key that does not exist."""
    group, _, name = key.rpartition(".")
    keys = [each.split(".") for each in known_keys()]
    siblings = {each[1] for each in keys if each[0] == group and len(each) > 1}
    return f"there is no config key {key}: {nearest(name, siblings or {each[0] for each in keys})}"


def _names(section: type[Section]) -> Iterable[str]:
    return (field.alias or name for name, field in section.model_fields.items())


def _section(annotation: Any) -> type[Section] | None:
    is_section = isinstance(annotation, type) and issubclass(annotation, Section)
    return annotation if is_section else None


def _explain(error: ErrorDetails, given: dict[Any, Any]) -> str:
    """Return one line for what pydantic found wrong first."""
    path = [str(part) for part in error["loc"]]
    if path[0] == "data":
        path = [path[0], *path[2:]]  # without the kind of data
    key, kind, value = ".".join(path), error["type"], error["input"]
    if kind == "extra_forbidden":
        if key in known_keys():
            chosen = given["data"]["name"]
            return (
                f"there is no config key {key} with data={chosen}; choose a set by data=NAME alone"
            )
        return unknown_key(key)
    if kind == "missing" or (value is None and len(path) == 1 and _is_group(key)):
        return _no_value(key)
    if kind in RANGES:
        expected = RANGES[kind].format(**error.get("ctx", {}))
        return f"{key}={_shown(value)} is out of range: expected {expected}"
    if kind == "string_pattern_mismatch":  # only a device is held against a pattern
        return f"{key}={_shown(value)} is not available: expected auto, cpu, cuda, cuda:N or mps"
    if kind == "literal_error":
        choices = " or ".join(map(str, _choices(_field(path).annotation)))
        return f"{key}={_shown(value)} is out of range: expected {choices}"
    if _is_group(key):
        return f"{key}={_shown(value)} has the wrong type: expected keys as {key}.NAME=VALUE"
    expected = TYPES[kind] + (" or null" if _takes_null(_field(path).annotation) else "")
    quoted = f"; quote it: '{key}=\"{value}\"'" if type(value) in (int, float, bool) else ""
    return f"{key}={_shown(value)} has the wrong type: expected {expected}" + (
        quoted if TYPES[kind] == "str" else ""
    )


def _field(path: list[str]) -> FieldInfo:
    """Return the field that a dotted key names."""
    fields: dict[str, FieldInfo] = dict(Config.model_fields)
    if len(path) > 1:
        own = _section(fields[path[0]].annotation)
        sections: list[type[Section]] = [own] if own else [DataConfig, *DATA_CONFIGS.values()]
        fields = {
            field.alias or name: field
            for section in sections
            for name, field in section.model_fields.items()
        }
    return fields[path[-1]]


def _is_group(key: str) -> bool:
    return any(each.startswith(f"{key}.") for each in known_keys())


def _takes_null(annotation: Any) -> bool:
    return types.NoneType in typing.get_args(annotation)


def _choices(annotation: Any) -> list[str]:
    """Return the texts that a Literal, or one within a union, allows."""
    found: list[str] = []
    for part in typing.get_args(annotation):
        found += [part] if isinstance(part, str) else _choices(part)
    return found


def _shown(value: Any) -> str:
    """Return a value as it is typed, in one line."""
    words = {True: "true", False: "false", None: "null"}
    known = value is None or isinstance(value, bool)
    text = words[value] if known else " ".join(str(value).splitlines())
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"


def _no_value(key: str) -> str:
    return f"the config key {key} has no value; give one with {key}=VALUE"


# Names the store by default, also where MLFLOW_TRACKING_URI is set to nothing.
OmegaConf.register_new_resolver("store", store_uri, replace=True)
# Names output folders: two runs that start in the same second don't share one.
OmegaConf.register_new_resolver(
    "unique", lambda: secrets.token_hex(3), use_cache=True, replace=True
)
