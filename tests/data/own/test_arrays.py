"""Arrays of one's own: what is read, how it is divided, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sizewise.config import OwnConfig
from sizewise.data import load
from sizewise.errors import UserError
from tests.builders import whole

Save = Callable[..., OwnConfig]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Return a function that saves arrays as signals.npz and returns the config that names it."""

    def saved(**arrays: Any) -> OwnConfig:
        path = tmp_path / "signals.npz"
        np.savez(path, **arrays)
        return OwnConfig(
            name="arrays",
            root="data",
            train_samples=None,
            path=str(path),
            test_fraction=0.25,
            validation_fraction=0.2,
        )

    return saved


def signals(count: int = 200, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 11
    return {"x": rng.standard_normal((count, 2, 12)) + labels[:, None, None], "y": labels}


def test_whole_numbers_are_classes_in_their_order(save: Save) -> None:
    dataset = load(save(**signals()), seed=0)
    assert dataset.spec.name == "signals"
    assert dataset.spec.input_shape == (2, 12)
    assert dataset.spec.class_names == tuple(map(str, range(11)))
    assert sum(map(len, (dataset.train, dataset.validation, dataset.test))) == 200
    assert 30 < len(dataset.test) < 70
    assert len(dataset.validation) == pytest.approx(0.2 * (200 - len(dataset.test)), abs=1)


def test_samples_that_are_added_move_none_to_or_from_the_test_split(save: Save) -> None:
    before = load(save(**signals()), seed=0)
    more = {name: np.concatenate([signals()[name], signals(90, 1)[name]]) for name in ("x", "y")}
    after = load(save(**more), seed=1)
    held, now = (set(map(bytes, _raw(each))) for each in (before, after))
    assert held <= now
    assert before.test_fingerprint == load(save(**signals()), seed=5).test_fingerprint


def _raw(dataset: Any) -> list[np.ndarray]:
    mean, std = (np.array(each)[:, None] for each in dataset.normalisation[:2])
    inputs = whole(dataset.test).inputs.numpy() * std + mean
    return [np.round(each, 3).astype(np.float16) for each in inputs]


def test_splits_by_name_are_kept(save: Save) -> None:
    parts = {"train": signals(80), "val": signals(40, 1), "test": signals(30, 2)}
    arrays = {f"{key}_{split}": part[key] for split, part in parts.items() for key in ("x", "y")}
    for seed in (0, 1):
        dataset = load(save(**arrays), seed)
        assert [*map(len, (dataset.train, dataset.validation, dataset.test))] == [80, 40, 30]
    targets = whole(dataset.validation).targets.numpy()
    np.testing.assert_array_equal(targets, parts["val"]["y"])


def test_words_are_classes_and_images_of_bytes_stay_grey(save: Save) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 1, 8, 8), dtype=np.uint8)
    dataset = load(save(x=images, y=np.array(["dog", "cat"] * 20)), seed=0)
    assert dataset.spec.class_names == ("cat", "dog")
    assert dataset.spec.is_image


GOOD = signals(40)
WRONG = {
    "one class": ({**GOOD, "y": np.zeros(40, int)}, "one class, 0: expected samples of two"),
    "no y": ({"x": GOOD["x"]}, "holds x: expected x and y"),
    "nothing": ({}, "holds nothing: expected x and y"),
    "labels missing": ({**GOOD, "y": GOOD["y"][:39]}, r"y has the shape \(39,\): expected \(40,\)"),
    "fractions": ({**GOOD, "y": GOOD["y"] / 2}, "expected classes, as whole numbers or words"),
    "words to learn from": ({**GOOD, "x": np.array(["a"] * 40)}, "expected numbers of shape"),
    "NaN": ({**GOOD, "x": np.where(GOOD["x"] > 9, np.nan, GOOD["x"])}, "hold NaN or infinities"),
    "one axis": ({**GOOD, "x": np.arange(40)}, r"shape \(40,\): expected numbers of shape"),
    "no samples": ({"x": np.zeros((0, 3)), "y": np.zeros(0, int)}, "expected numbers of shape"),
    "no test": ({"x_train": GOOD["x"], "y_train": GOOD["y"]}, "not both train and test"),
    "other lengths": (
        {"x_train": GOOD["x"], "y_train": GOOD["y"], "x_test": GOOD["x"][..., :5],
         "y_test": GOOD["y"]},
        r"samples of the shapes \[\(2, 5\), \(2, 12\)\]",
    ),
    "only in test": (
        {"x_train": GOOD["x"], "y_train": GOOD["y"], "x_test": GOOD["x"], "y_test": GOOD["y"] + 5},
        "11, 12, 13, 14, 15 is in the test split alone",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_a_line(save: Save, case: str) -> None:
    arrays, words = WRONG[case]
    with pytest.raises(UserError, match=words) as caught:
        load(save(**arrays), seed=0)
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(save: Save, tmp_path: Path) -> None:
    config = save(**GOOD)
    for content, words in ((b"no archive", "can't be read as an .npz"), (None, "there is no file")):
        path = tmp_path / "other.npz"
        if content:
            path.write_bytes(content)
        else:
            path.unlink()
        with pytest.raises(UserError, match=words):
            load(config.model_copy(update={"path": str(path)}), seed=0)


def test_a_class_that_the_test_split_lacks_is_said(
    save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = np.random.default_rng(1).standard_normal((40, 3))
    for rare in range(40):  # wherever the one sample of a class would fall
        dataset = load(save(x=inputs, y=np.where(np.arange(40) == rare, 1, 0)), seed=0)
        assert 1 not in whole(dataset.test).targets
        assert "the test split has no sample of 1" in capsys.readouterr().err
