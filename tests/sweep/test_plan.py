"""A sweep's runs, planned without composing each from its files."""

import pytest
from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.types import RunMode

from sizewise.config import parse
from sizewise.sweep.plan import Composer, without_hydra
from tests.conftest import CONF

RUNS = [
    ["model=cnn", "size=500", "seed=1"],
    ["model=cnn", "size=1k", "seed=2", "training.learning_rate=0.003"],
    ["model=lstm", "model.width=9", "data=digits", "data.validation_fraction=0.2"],
    ["experiment=article", "training.epochs=3", "model=attention"],
    [
        "training=article",
        "training.clip_grad_norm=null",
        "++threads=2",
        "tracking.experiment=other",
    ],
    ["size=2k", "model=cnn", "~size", "+size=3k"],
]


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> ConfigLoaderImpl:
    with initialize_config_dir(config_dir=str(CONF), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        assert isinstance(loader, ConfigLoaderImpl)
        return loader


def test_a_run_has_the_config_that_hydra_gives_it(loader: ConfigLoaderImpl) -> None:
    master = loader.load_configuration("config", ["hydra.mode=MULTIRUN"], RunMode.MULTIRUN)
    compose = Composer(loader, master)
    for overrides in [*RUNS, *reversed(RUNS)]:
        hydras = without_hydra(loader.load_sweep_config(master, overrides))
        assert parse(compose(overrides)) == parse(hydras), overrides


def test_a_key_that_is_not_there_is_refused_as_by_hydra(loader: ConfigLoaderImpl) -> None:
    master = loader.load_configuration("config", ["hydra.mode=MULTIRUN"], RunMode.MULTIRUN)
    with pytest.raises(HydraException, match=r"training\.epoch"):
        Composer(loader, master)(["model=cnn", "training.epoch=3"])
