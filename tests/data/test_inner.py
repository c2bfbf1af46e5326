"""A test split within training: the set's own is not read, and nothing is on both sides."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sizewise.data.arrays import Arrays
from sizewise.data.inner import inner
from sizewise.errors import UserError
from sizewise.run.data import load_for
from tests.builders import whole
from tests.lab import make_config


def arrays(groups: np.ndarray | None = None, validation: np.ndarray | None = None) -> Arrays:
    inputs = np.arange(1200, dtype=np.float32).reshape(400, 1, 3)
    unread = np.full((5, 1, 3), np.nan, np.float32)
    made = Arrays(inputs, np.arange(400) % 4, unread, np.zeros(5, int), tuple("abcd"))
    return dataclasses.replace(made, groups=groups, validation=validation)


def test_training_samples_are_divided_and_the_sets_own_test_split_is_left_alone() -> None:
    given = arrays()
    found = inner(given, 0.25)
    together = np.concatenate([found.train_inputs, found.test_inputs])
    assert sorted(together[:, 0, 0]) == list(given.train_inputs[:, 0, 0])
    assert 60 < len(found.test_targets) < 140
    again = inner(given, 0.25)
    assert np.array_equal(again.test_inputs, found.test_inputs)


def test_samples_of_a_group_stay_together() -> None:
    groups = np.arange(400) // 8
    given = arrays(groups=groups)
    found = inner(given, 0.25)
    tested = {int(each) // 24 for each in found.test_inputs[:, 0, 0]}  # 8 samples of 3 numbers
    learnt = {int(each) // 24 for each in found.train_inputs[:, 0, 0]}
    assert tested
    assert not tested & learnt
    assert found.groups is not None
    assert len(found.groups) == len(found.train_targets)


def test_a_given_validation_split_is_what_is_tested_on() -> None:
    held_out = np.zeros(400, bool)
    held_out[300:] = True
    found = inner(arrays(validation=held_out), 0.25)
    assert found.test_inputs[:, 0, 0].min() == 900
    assert found.validation is None


def test_a_set_whose_test_split_was_chosen_by_content_is_divided_again(tmp_path: Path) -> None:
    """By the same hash no sample would be left to choose."""
    values = np.random.default_rng(0).normal(size=200)
    frame = pd.DataFrame({"x": values, "who": np.arange(200) // 4})
    frame["label"] = np.where(values > 0, "above", "below")
    frame.to_csv(tmp_path / "rows.csv", index=False)
    typed = ("model=mlp", "data=table", f"data.path={tmp_path / 'rows.csv'}", "data.target=label")
    for more in ((), ("data.group=who",)):
        own = load_for(make_config(tmp_path, *typed, *more))
        found = load_for(make_config(tmp_path, *typed, *more, "data.inner_test=0.2"))
        assert 10 < len(found.test) < 70
        sides = len(found.train) + len(found.validation) + len(found.test)
        assert sides == len(own.train) + len(own.validation)
        tested = whole(own.test).inputs[:, 0].numpy()
        assert len(tested) + sides == 200


def test_a_text_has_no_samples_to_divide(tmp_path: Path) -> None:
    config = make_config(tmp_path, "data=pydoc", "training=text", "data.inner_test=0.2")
    with pytest.raises(UserError, match="data=pydoc is a text or of pairs"):
        load_for(config)
