"""A store with a few tiny runs, made in this process, and `sizewise` called in it."""

import copy
import dataclasses
import functools
import re
import sys
import warnings
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from sizewise.cli import main
from sizewise.config import Config, parse
from sizewise.errors import UserError
from sizewise.records import RunRecord
from sizewise.run.run import run
from sizewise.tracking.lifecycle import start_sweep
from sizewise.tracking.queries import StoredRun, membership
from sizewise.tracking.resolve import find_run
from sizewise.tracking.store import Store, open_store
from tests.processes import make_store

CONF = Path(__file__).parents[1] / "conf"
GROUPS = "|".join(each.name for each in CONF.iterdir() if each.is_dir())
PLAIN = re.compile(rf"(?!({GROUPS})=)[a-z_.]+=")
STUDY = "tiny-study"
IMAGES = ("model=cnn", "data=digits", "training.epochs=2", "threads=1")
SERIES = ("data=mnist1d", "data.num_samples=200", "training.epochs=2", "threads=1")


@dataclasses.dataclass
class Lab:
    """Where everything is. `runs` are the records by the name they go by in the tests.

    Args:
        folder: of all files.
        store: opened.
        runs: `small` and `large` are CNNs on the digits, in a sweep called `STUDY`; `lstm` and
            `attention` read MNIST-1D; `failed` is the id of a run that failed.
    """

    folder: Path
    store: Store
    runs: dict[str, RunRecord]
    failed: str

    @property
    def uri(self) -> str:
        return self.store.uri

    def stored(self, name: str) -> StoredRun:
        return find_run(self.store, self.runs[name].run_id)


@functools.cache
def _composed(overrides: tuple[str, ...]) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", overrides=list(overrides))


def composed(*overrides: str) -> DictConfig:
    """Return what Hydra composes of overrides, before it is checked.

    Hydra composes what groups give, once; plain values are put into a copy of it.
    """
    plain = [each for each in overrides if PLAIN.match(each)]
    config = copy.deepcopy(_composed(tuple(each for each in overrides if each not in plain)))
    for override in OverridesParser.create().parse_overrides(plain):
        OmegaConf.update(config, override.key_or_group, override.value())
    return config


def make_config(folder: Path, *overrides: str) -> Config:
    """Return the config of a run that keeps to `folder`."""
    make_store(folder / "mlflow.db")
    config = parse(composed(*overrides, f"data.root={folder / 'data'}"))
    there = {
        "uri": f"sqlite:///{folder / 'mlflow.db'}",
        "experiment": "sizewise",
        "artifacts": str(folder / "artifacts"),
    }
    return config.model_copy(update={"tracking": config.tracking.model_copy(update=there)})


def make_lab(folder: Path) -> Lab:
    """Train the runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, when it is imported
        return _make_lab(folder)


def _make_lab(folder: Path) -> Lab:
    config = make_config(folder, *IMAGES)
    store = open_store(config.tracking)
    (folder / "sweep").mkdir()
    parent, _ = start_sweep(
        store, "key", STUDY, folder / "sweep", {"command": "python train.py -m"}
    )
    tags = {"sweep": STUDY, membership(parent): "true"}
    wanted = {
        "small": ((*IMAGES, "size=300"), tags),
        "large": ((*IMAGES, "size=6k", "training.epochs=6"), tags),
        "lstm": (("model=lstm", "size=500", *SERIES), {}),
        "attention": (("model=attention", "size=500", *SERIES), {}),
    }
    runs = {
        name: run(make_config(folder, *typed), folder / name, typed, tags=more, quiet=True)
        for name, (typed, more) in wanted.items()
    }
    store.client.set_terminated(parent, "FINISHED")
    blind = ("model=mlp", "training.patience=1", "data.validation_fraction=0")
    with pytest.raises(UserError, match="looks at validation"):
        run(make_config(folder, *blind, *SERIES), folder / "failed", quiet=True)
    failed = (folder / "failed/mlflow_run_id").read_text().strip()
    return Lab(folder, store, runs, failed)


def sizewise(*arguments: str) -> int:
    """Call the command in this process and return its exit code; capsys has what it said."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["sizewise", *arguments])
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0)
    return 0
