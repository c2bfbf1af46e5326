"""The config: its keys, and what Hydra composes brought to them.

`compose`, which imports Hydra, is imported by itself where it is needed.
"""

from sizewise.config.data import (
    DataConfig,
    FolderConfig,
    Mnist1dConfig,
    OwnConfig,
    OwnTextConfig,
    ReverseConfig,
    SamplesConfig,
    TableConfig,
    TextConfig,
)
from sizewise.config.keys import decisive, flatten, portable, run_key, training_key
from sizewise.config.parse import known_keys, parse, parse_shared, unknown_key
from sizewise.config.schema import (
    Config,
    ModelConfig,
    Shared,
    SweepConfig,
    TrackingConfig,
    TrainingConfig,
)
from sizewise.config.values import parse_size

__all__ = [
    "Config",
    "DataConfig",
    "FolderConfig",
    "Mnist1dConfig",
    "ModelConfig",
    "OwnConfig",
    "OwnTextConfig",
    "ReverseConfig",
    "SamplesConfig",
    "Shared",
    "SweepConfig",
    "TableConfig",
    "TextConfig",
    "TrackingConfig",
    "TrainingConfig",
    "decisive",
    "flatten",
    "known_keys",
    "parse",
    "parse_shared",
    "parse_size",
    "portable",
    "run_key",
    "training_key",
    "unknown_key",
]
