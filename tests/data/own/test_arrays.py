"""Arrays of one's own: what is read, how it is divided, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

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


def ragged(count: int = 200, seed: int = 0, longest: int = 12) -> dict[str, np.ndarray]:
    """Return sequences of 1 to 12 steps that hold their own length, and infinities after them."""
    lengths = np.arange(count) % 12 + 1
    noise = np.random.default_rng(seed).random((count, 2, 40))
    x = lengths[:, None, None] + noise[..., :longest]
    x[np.broadcast_to(np.arange(longest) >= lengths[:, None, None], x.shape)] = np.inf
    return {"x": x, "y": np.arange(count) % 2, "lengths": lengths}


def test_sequences_end_where_their_lengths_say(save: Save) -> None:
    dataset = load(save(**ragged(longest=20)), seed=0)
    assert dataset.spec.unequal
    assert dataset.spec.input_shape == (2, 12)  # what no sequence reaches is none of it
    mean, std = (np.array(each) for each in dataset.normalisation[:2])
    batch = dataset.train.batch(torch.tensor([5, 3, 8]))
    assert batch.lengths is not None
    assert batch.inputs.shape == (3, 2, max(batch.lengths))
    for sample, length in zip(batch.inputs.numpy(), batch.lengths.tolist(), strict=True):
        steps = sample[:, :length] * std[:, None] + mean[:, None]
        assert (np.floor(steps + 1e-5) == length).all()
        assert not sample[:, length:].any()


def test_sequences_are_normalised_over_their_own_steps(save: Save) -> None:
    dataset = load(save(**ragged()), seed=0)
    batch = whole(dataset.train)
    assert batch.lengths is not None
    pairs = zip(batch.inputs, batch.lengths.tolist(), strict=True)
    steps = torch.cat([sample[:, :length] for sample, length in pairs], dim=1).double()
    assert torch.allclose(steps.mean(dim=1), torch.zeros(2).double(), atol=1e-6)
    assert torch.allclose(steps.std(dim=1, correction=0), torch.ones(2).double(), atol=1e-6)
    known = dataset.normalisation
    assert known.low is not None
    assert known.high is not None
    assert 1 < min(known.low) < max(known.high) < 13
    assert known.least_std is not None
    assert max(known.least_std) == 0.0  # of a sequence of one step


def test_a_longer_sequence_moves_no_other_to_or_from_the_test_split(save: Save) -> None:
    before = load(save(**ragged()), seed=0)
    more = ragged(longest=30)
    long = np.random.default_rng(1).random((1, 2, 30))
    more = {
        "x": np.concatenate([more["x"], long]),
        "y": np.append(more["y"], 0),
        "lengths": np.append(more["lengths"], 30),
    }
    after = load(save(**more), seed=1)
    assert after.spec.input_shape == (2, 30)
    assert 0 <= len(after.test) - len(before.test) <= 1
    wider = load(save(**ragged(longest=15)), seed=0)
    assert wider.fingerprint == before.fingerprint  # by what sequences are, not by their padding
    assert load(save(**ragged(seed=1)), seed=0).fingerprint != before.fingerprint


def test_splits_of_several_widths_go_together_with_lengths(save: Save) -> None:
    parts = {"train": ragged(80), "test": ragged(60, 2, longest=14)}
    arrays = {
        f"{key}_{split}": value for split, each in parts.items() for key, value in each.items()
    }
    dataset = load(save(**arrays), seed=0)
    assert (len(dataset.test), dataset.spec.input_shape) == (60, (2, 12))


GOOD = signals(40)
RAGGED = ragged(40)
WRONG = {
    "one class": ({**GOOD, "y": np.zeros(40, int)}, "one class, 0: expected samples of two"),
    "no y": ({"x": GOOD["x"]}, "holds x: expected x and y"),
    "nothing": ({}, "holds nothing: expected x and y"),
    "labels missing": ({**GOOD, "y": GOOD["y"][:39]}, r"y has the shape \(39,\): expected \(40,\)"),
    "fractions": ({**GOOD, "y": GOOD["y"] / 2}, "expected classes, as whole numbers or words"),
    "words to learn from": ({**GOOD, "x": np.array(["a"] * 40)}, "expected numbers of shape"),
    "NaN": ({**GOOD, "x": np.where(GOOD["x"] > 9, np.nan, GOOD["x"])}, "hold NaN, infinities or"),
    "beyond float32": ({**GOOD, "x": np.where(GOOD["x"] > 9, 1e200, GOOD["x"])}, "beyond float32"),
    "one axis": ({**GOOD, "x": np.arange(40)}, r"shape \(40,\): expected numbers of shape"),
    "no samples": ({"x": np.zeros((0, 3)), "y": np.zeros(0, int)}, "expected numbers of shape"),
    "no test": ({"x_train": GOOD["x"], "y_train": GOOD["y"]}, "not both train and test"),
    "other lengths": (
        {"x_train": GOOD["x"], "y_train": GOOD["y"], "x_test": GOOD["x"][..., :5],
         "y_test": GOOD["y"]},
        r"samples of the shapes \[\(2, 5\), \(2, 12\)\]",
    ),
    "lengths missing": ({**RAGGED, "lengths": RAGGED["lengths"][:39]}, r"shape \(39,\), for x of"),
    "lengths too large": ({**RAGGED, "lengths": RAGGED["lengths"] + 1}, "2 to 13: expected 1 to"),
    "lengths of nothing": ({**RAGGED, "lengths": RAGGED["lengths"] - 1}, "0 to 11: expected 1 to"),
    "lengths of 1.5": ({**RAGGED, "lengths": RAGGED["lengths"] * 1.5}, "expected a whole number"),
    "NaN before the end": (
        {**RAGGED, "x": np.where(RAGGED["x"] > 12, np.nan, RAGGED["x"])}, "3 samples of 40 hold",
    ),
    "padding alone": ({"x": RAGGED["x"], "y": RAGGED["y"]}, "lengths says how many steps"),
    "images with lengths": (
        {"x": np.ones((40, 1, 4, 4)), "y": RAGGED["y"], "lengths": RAGGED["lengths"]},
        "for each sequence of",
    ),
    "lengths for one split": (
        {"x_train": GOOD["x"], "y_train": GOOD["y"], "x_test": GOOD["x"], "y_test": GOOD["y"],
         "lengths_test": np.full(40, 3)},
        "lengths beside each x",
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


def test_a_damaged_file_is_refused(save: Save) -> None:
    config = save(**GOOD)
    whole = Path(str(config.path)).read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]):
        Path(str(config.path)).write_bytes(damaged)
        with pytest.raises(UserError, match=r"can't be read as an \.npz"):
            load(config, seed=0)


def test_a_class_that_the_test_split_lacks_is_said(
    save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = np.random.default_rng(1).standard_normal((40, 3))
    for rare in range(40):  # wherever the one sample of a class would fall
        dataset = load(save(x=inputs, y=np.where(np.arange(40) == rare, 1, 0)), seed=0)
        assert 1 not in whole(dataset.test).targets
        said = "the test split has no sample of 1" in capsys.readouterr().err
        assert said == (rare == 0)  # the same line is not said again
