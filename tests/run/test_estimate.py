"""A short trial says what a step takes, whatever the task is."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sizewise.run.data import load_for
from sizewise.run.estimate import estimate
from sizewise.run.identity import architecture_of
from tests.lab import make_config


@pytest.fixture
def table(tmp_path: Path) -> Path:
    values = np.random.default_rng(0).normal(size=(200, 3))
    frame = pd.DataFrame(values, columns=["a", "b", "target"])
    frame["label"] = np.where(values[:, 0] > 0, "above", "below")
    frame.to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "table.csv"


@pytest.mark.parametrize("target", ["target", "label"])
def test_of_a_table(table: Path, tmp_path: Path, target: str) -> None:
    typed = ("model=mlp", "data=table", f"data.path={table}", f"data.target={target}", "size=100")
    check(tmp_path, *typed)


def test_of_classes_that_count_alike(tmp_path: Path) -> None:
    check(tmp_path, "model=mlp", "data=digits", "size=1k", "training.class_weights=balanced")


def test_of_sequences_that_are_answered(tmp_path: Path) -> None:
    check(tmp_path, "model=seq2seq", "data=reverse", "training=pairs", "size=3k")


def check(folder: Path, *typed: str) -> None:
    config = make_config(folder, *typed)
    dataset = load_for(config)
    architecture = architecture_of(config, dataset.spec)
    found = estimate(config, dataset.spec, architecture, len(dataset.train), 1)
    assert found.step_seconds is not None
    assert found.seconds is not None
    assert 0 < found.step_seconds < found.seconds
