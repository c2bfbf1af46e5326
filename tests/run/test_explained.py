"""Runs whose maps are measured."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sizewise import sample_errors
from sizewise.errors import UserError
from sizewise.records import RunRecord
from sizewise.run.run import run
from tests.lab import SERIES, make_config

TYPED = ("model=attention", "size=500", *SERIES)


@pytest.fixture(scope="module")
def runs(store_folder: Path) -> dict[str, RunRecord]:
    """Return runs with and without maps, trained once in all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, when it is imported
        wanted = {
            "without": TYPED,
            "with": (*TYPED, "explain=30"),
            "more": (*TYPED, "explain=90"),
            "other": (*TYPED, "data.test_samples=50"),
        }
        return {
            name: run(
                make_config(store_folder, *typed),
                store_folder / f"maps-{name}",
                quiet=True,
                take_up=True,
            )
            for name, typed in wanted.items()
        }


def maps_of(record: RunRecord) -> Any:
    return record.extras["maps"]


def test_a_run_that_is_not_asked_measures_none(runs: dict[str, RunRecord]) -> None:
    assert "maps" not in runs["without"].extras
    assert "maps" not in runs["other"].extras  # whose network was taken over from one that has
    assert runs["without"].run_key != runs["with"].run_key


def test_maps_are_measured_of_the_network_that_was_trained_before(
    runs: dict[str, RunRecord],
) -> None:
    assert runs["with"].history == runs["without"].history
    assert (
        runs["with"].metrics["cost/train_seconds"] == runs["without"].metrics["cost/train_seconds"]
    )
    assert runs["with"].error() == runs["without"].error()


def test_each_sample_has_its_scores(runs: dict[str, RunRecord]) -> None:
    found = maps_of(runs["with"])
    assert (found["samples"], found["places"]) == (30, 40)
    assert 0.17 < found["chance"] < 0.3
    assert 0 <= found["incomplete"] < 0.05
    assert set(found["methods"]) == {"attention", "integrated_gradients"}
    for scores in found["methods"].values():
        values = {name: sample_errors.unpack(each) for name, each in scores.items()}
        assert all(len(each) == 30 for each in values.values())
        assert 0 < values["half"].min() <= values["half"].max() <= 0.5
        assert np.abs(values["likeness"]).max() <= 1
        assert set(values["pointing"]) <= {0, 1}
        assert 0 <= values["truth"].min() <= values["truth"].max() < 40 / 7 + 0.1


def test_there_are_no_more_samples_than_the_test_set_has(runs: dict[str, RunRecord]) -> None:
    assert maps_of(runs["more"])["samples"] == 40


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (("model=knn", *SERIES), "a classical family has no gradients"),
        (("model=lstm", "data=pydoc", "training=text"), "which is text"),
    ],
)
def test_what_has_no_maps_is_refused_before_it_trains(
    tmp_path: Path, typed: tuple[str, ...], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        run(make_config(tmp_path, *typed, "explain=30"), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run" / "metrics.jsonl").exists()
