"""Runs side by side."""

import dataclasses

import pytest

from sizewise.apply.compare import compare
from sizewise.errors import UserError
from tests.report.synthetic import record


def test_keys_that_differ_are_shown_and_those_that_do_not_are_not() -> None:
    small = record("cnn", 1000, training__learning_rate=0.1)
    large = record("lstm", 4000, training__learning_rate=0.2, seed=1)
    config = compare([small, large])["config"]
    assert config["family"] == ["cnn", "lstm"]
    assert config["parameters"] == ["1,000", "4,000"]
    assert config["training.learning_rate"] == ["0.1", "0.2"]
    assert config["data"] == ["mnist1d", "mnist1d"]  # always
    assert "data.num_samples" not in config
    assert "training.epochs" not in config


def test_scores_are_those_of_the_record() -> None:
    found = compare([record(test_error=0.25, validation_error=0.125), record()])
    scores = found["scores"]
    assert scores["test accuracy"] == ["75.00%", "80.00%"]
    assert scores["validation accuracy"] == ["87.50%", "80.00%"]


def test_costs_say_how_many_times_the_firsts_they_are() -> None:
    first, second = record(), record()
    first = dataclasses.replace(first, metrics=first.metrics | {"cost/model_bytes": 1000})
    second = dataclasses.replace(second, metrics={"cost/model_bytes": 2500})
    costs = compare([first, second])["costs"]
    assert costs["size on disk"] == ["1,000 B", "2,500 B  (2.5x)"]
    assert costs["latency"][1] == "–"


def test_one_run_is_no_comparison() -> None:
    with pytest.raises(UserError, match="takes two runs or more"):
        compare([record()])
