"""The config that a run recorded, as one that can be used here."""

import os
from collections.abc import Sequence

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from sizewise.config import Config, parse
from sizewise.errors import UserError, first_line
from sizewise.tracking.artifacts import read_config
from sizewise.tracking.queries import StoredRun
from sizewise.tracking.store import Store


def recorded_config(store: Store, run: StoredRun, changes: Sequence[str] = ()) -> Config:
    """Return what a run was trained with; the data folder is this machine's.

    A store may be somebody else's. So its config may not read the environment, as interpolations
    do, and the folder that it names for data is used only if the run's own folder on this machine
    says the same.

    Args:
        store: that holds the run.
        run: any.
        changes: KEY=VALUE, to put in its place.

    Raises:
        UserError: it can't be read, or does not fit this version of sizewise.
    """
    composed = _parsed(read_config(store, run), run.name)
    try:
        composed.data.root = _own_data_root(run) or os.environ.get("SIZEWISE_DATA", "data")
        changed = OmegaConf.merge(composed, OmegaConf.from_dotlist(list(changes)))
    except OmegaConfBaseException as error:
        raise UserError(f"{first_line(error)}; expected KEY=VALUE") from error
    assert isinstance(changed, DictConfig)
    return parse(changed)


def _own_data_root(run: StoredRun) -> str | None:
    """Return the data folder by the config in the run's folder, if that is on this machine."""
    if not run.folder.belongs_to(run.tags.get("run_key", "")):
        return None
    try:
        config = _parsed((run.folder.path / run.folder.CONFIG).read_text(), run.name)
    except (OSError, UnicodeDecodeError, UserError):
        return None
    root = OmegaConf.select(config, "data.root")
    return root if isinstance(root, str) and os.path.isdir(root) else None


def _parsed(text: str, name: str) -> DictConfig:
    try:
        config = OmegaConf.create(text)
    except (YAMLError, OmegaConfBaseException, ValueError) as error:
        raise UserError(f"the config of run {name} is damaged ({first_line(error)})") from error
    if not isinstance(config, DictConfig) or "${" in text:
        raise UserError(f"the config of run {name} is not one that sizewise wrote")
    return config
