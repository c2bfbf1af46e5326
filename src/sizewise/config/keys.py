"""A config's values by dotted key, and those of them that make a run what it is."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sizewise.config.schema import Config
from sizewise.config.section import Section

NOT_OF_THE_RUN = (
    *("tracking.", "data.root", "sweep.", "answer.", "until."),
    *("checkpoint_minutes", "resume", "rerun"),
)
HARDWARE = ("device", "threads")
PLACE = "data.path"  # of own data, which the fingerprint tells from others
OF_SCORING = ("data.test_samples", "data.test_lengths", "explain")  # what says nothing to training


def flatten(section: Section) -> dict[str, Any]:
    """Return a config's leaves by dotted key: `{"training.epochs": 40, ...}`."""
    leaves: dict[str, Any] = {}
    for key, value in section.model_dump(by_alias=True).items():
        if isinstance(value, dict):
            leaves |= {f"{key}.{name}": leaf for name, leaf in value.items()}
        else:
            leaves[key] = value
    return leaves


def portable(config: Config) -> dict[str, Any]:
    """Return what the config says of the run itself by dotted key.

    Left out are places on one machine and how a sweep goes about its runs.
    """
    leaves = flatten(config).items()
    return {key: value for key, value in leaves if not key.startswith(NOT_OF_THE_RUN)}


def decisive(config: Config) -> dict[str, Any]:
    """Return what the config says that determines a run's result, by dotted key.

    Left out, besides what is not `portable`, are hardware, where own data lie, and what is null: a
    key that is new and off changes no run of before.
    """
    asked = portable(config).items()
    left_out = (*HARDWARE, PLACE)
    return {key: value for key, value in asked if key not in left_out and value is not None}


def run_key(config: Config, width: int | None, fingerprint: str, source: str) -> str:
    """Hash what determines a run's result: same key, same result.

    Args:
        config: the run's; what is `decisive` in it counts.
        width: of its network, solved for where a size was asked for.
        fingerprint: of the data set.
        source: hash of the code that shapes its result.
    """
    return _hash(decisive(config), width, fingerprint, source)


def training_key(config: Config, width: int | None, fingerprint: str, source: str) -> str:
    """Hash what determines a run's network: same key, same weights, whatever it is scored on.

    The arguments are those of `run_key`, the fingerprint that of the samples it learns from.
    """
    asked = {key: value for key, value in decisive(config).items() if key not in OF_SCORING}
    return _hash(asked, width, fingerprint, source)


def _hash(asked: Mapping[str, Any], width: int | None, fingerprint: str, source: str) -> str:
    text = json.dumps([asked, width, fingerprint, source], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
