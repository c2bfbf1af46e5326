"""Sets of the package aeon: its layout is made here; the real one is read if it is there."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from sizewise.config import DataConfig
from sizewise.data.arrays import Arrays
from sizewise.data.lengths import lengths_of
from sizewise.data.published import read_arrays
from sizewise.errors import UserError

HEAD = "#what it is\n\n@problemName X\n@dimensions 2\n@classLabel true a b\n@data\n"
TRAIN = ["1,2,3:4,5,6:b", "1,2:3,4.5:a", "7:8:b"]
TEST = ["9,8,7,6:1,2,3,4:a"]


def read(name: str) -> Arrays:
    return read_arrays(
        DataConfig(name=name, root="nowhere", validation_fraction=0.1, train_samples=None)
    )


@pytest.fixture
def aeon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of one set in a package aeon that fails if it is imported."""
    folder = tmp_path / "aeon/datasets/data/JapaneseVowels"
    folder.mkdir(parents=True)
    (tmp_path / "aeon/__init__.py").write_text("raise RuntimeError")
    for split, lines in (("TRAIN", TRAIN), ("TEST", TEST)):
        (folder / f"JapaneseVowels_{split}.ts").write_text(HEAD + "\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_sequences_are_read_with_their_lengths_and_classes(aeon: Path) -> None:
    arrays = read("japanese_vowels")
    assert arrays.class_names == ("a", "b")
    assert arrays.told == {"unequal": True}
    assert lengths_of(arrays.train_inputs).tolist() == [3, 2, 1]
    nothing = [np.nan, np.nan]
    np.testing.assert_array_equal(arrays.train_inputs[1], [[1, 2, *nothing], [3, 4.5, *nothing]])
    np.testing.assert_array_equal(arrays.test_inputs, [[[9, 8, 7, 6], [1, 2, 3, 4]]])
    assert (arrays.train_targets.tolist(), arrays.test_targets.tolist()) == ([1, 0, 1], [0])


def test_a_damaged_file_says_how_to_get_it_again(aeon: Path) -> None:
    (aeon / "JapaneseVowels_TEST.ts").write_text(HEAD + "1,2:3:a")
    with pytest.raises(
        UserError, match=r"_TEST\.ts can't be read .*--force-reinstall aeon"
    ) as error:
        read("japanese_vowels")
    assert "\n" not in str(error.value)


def test_without_the_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sizewise.data.published.packaged.find_spec", lambda _: None)
    with pytest.raises(UserError, match="not installed: pip install --no-deps aeon"):
        read("osu_leaf")


@pytest.mark.skipif(find_spec("aeon") is None, reason="pip install --no-deps aeon")
@pytest.mark.parametrize(
    ("name", "train", "test", "shape", "classes"),
    [
        ("japanese_vowels", 270, 370, (12, 29), 9),
        ("osu_leaf", 200, 242, (1, 427), 6),
        ("arrow_head", 36, 175, (1, 251), 3),
        ("italy_power_demand", 67, 1029, (1, 24), 2),
    ],
)
def test_the_sets_are_divided_as_published(
    name: str, train: int, test: int, shape: tuple[int, int], classes: int
) -> None:
    arrays = read(name)
    config = DataConfig(name=name, root="nowhere", validation_fraction=0.1, train_samples=None)
    dataset = arrays.divide(config, seed=0)
    assert (len(arrays.train_targets), len(arrays.test_targets)) == (train, test)
    assert (dataset.spec.input_shape, dataset.spec.num_classes) == (shape, classes)
    assert dataset.spec.unequal == (name == "japanese_vowels")
    lengths = lengths_of(np.concatenate([arrays.train_inputs, arrays.test_inputs]))
    assert (lengths.min(), lengths.max()) == (7 if dataset.spec.unequal else shape[1], shape[1])
