"""Fixtures that the tests share.

They import what they need themselves: with several workers the process that starts them reads this
file too, and they wait for it.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from sizewise.config import Config, Mnist1dConfig
    from tests.lab import Lab

gc.disable()  # until all tests are collected, with what they import

DATA_ROOT_AT_START = os.environ.get("SIZEWISE_DATA")


# The files that take longest, so that with several workers none of them starts last.
LONGEST = tuple(
    f"tests/{name}.py"
    for name in ("sweep/test_sweep", "sweep/test_identity", "test_command_line", "test_threads")
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the longest files to the front."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish() -> None:
    """Leave what is imported by now out of every look for garbage: there is much of it."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Keep PyTorch on one thread: the tests' tensors are small and their workers many."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def made_once(data_root: Path) -> Iterator[None]:
    """Keep generated sets and what can be made again in a folder of this session.

    Hardly any time is spent on measuring a network's speed.
    """
    from tests.processes import shared

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sizewise.cost.SECONDS", 0.01)
        patch.setenv("XDG_CACHE_HOME", str(data_root / "cache"))
        patch.setitem(shared, "SIZEWISE_DATA", str(data_root))
        yield


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    """Start each test from the same state of PyTorch's generator."""
    import torch

    torch.manual_seed(0)


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder for this session only, shared by pytest-xdist's workers."""
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "data-root"
    root.mkdir(exist_ok=True)
    return root


@pytest.fixture(scope="session")
def store_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose mlflow.db several test files share: making one takes seconds."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def lab(store_folder: Path) -> Lab:
    """Return a store with a few tiny runs."""
    from tests.lab import make_lab

    return make_lab(store_folder)


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """Return the folder with MNIST's files, by SIZEWISE_DATA as it was when pytest started."""
    if DATA_ROOT_AT_START is None:
        pytest.skip("SIZEWISE_DATA is not set, so there is no MNIST to test with")
    root = Path(DATA_ROOT_AT_START)
    if not (root / "MNIST/raw/train-images-idx3-ubyte").exists():
        pytest.skip(f"MNIST is not in {root} (SIZEWISE_DATA)")
    return root


@pytest.fixture(scope="session")
def mnist1d_config(data_root: Path) -> Mnist1dConfig:
    """Return the config of the published MNIST-1D."""
    from sizewise.config import Mnist1dConfig

    return Mnist1dConfig(
        name="mnist1d",
        root=str(data_root),
        validation_fraction=0.1,
        train_samples=None,
        num_samples=5000,
        shuffle_seq=False,
        seed=42,
    )


@pytest.fixture(scope="session")
def small_mnist1d_config(mnist1d_config: Mnist1dConfig) -> Mnist1dConfig:
    """Return the config of an MNIST-1D of 160 training and 40 test samples."""
    return mnist1d_config.model_copy(update={"validation_fraction": 0.25, "num_samples": 200})


@pytest.fixture
def compose_raw(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., DictConfig]:
    """Return a function from overrides to what Hydra composes of them, before it is checked."""
    from tests.lab import composed

    monkeypatch.setenv("SIZEWISE_DATA", str(data_root))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return composed


@pytest.fixture
def compose(compose_raw: Callable[..., DictConfig]) -> Callable[..., Config]:
    """Return a function from overrides to the config that a run would get."""
    from sizewise.config import parse

    return lambda *overrides: parse(compose_raw(*overrides))
