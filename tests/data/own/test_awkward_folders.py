"""Awkward folders of images: what is wrong is said in one line, or comes out right."""

import io
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sizewise.data import load
from sizewise.errors import UserError
from tests.builders import whole
from tests.data.own.photos import config, counts, fill, save

Said = pytest.CaptureFixture[str]


def test_hidden_files_are_no_classes(photos: Path) -> None:
    fill(photos, "cat", "dog", ".ipynb_checkpoints", "__MACOSX", "cat/.git", "cat/__MACOSX")
    (photos / "Thumbs.db").write_bytes(b"")
    dataset = load(config(photos), seed=0)
    assert dataset.spec.class_names == ("cat", "dog")
    assert sum(counts(dataset)) == 24


def test_images_lie_at_any_depth_and_loops_end(photos: Path) -> None:
    fill(photos, "cat/2024/may", "cat", "dog", count=10)
    (photos / "cat/2024/loop").symlink_to(photos / "cat")
    (photos / "dog/self").symlink_to(photos / "dog/self")
    dataset = load(config(photos), seed=0)
    assert dataset.spec.class_names == ("cat", "dog")
    assert sum(counts(dataset)) == 30


def test_a_class_may_be_a_link_elsewhere(photos: Path, tmp_path: Path) -> None:
    fill(tmp_path, "far")
    fill(photos, "cat", seed=5)
    (photos / "dog").symlink_to(tmp_path / "far")
    assert sum(counts(load(config(photos), seed=0))) == 24


def test_what_cannot_be_read_is_counted_and_left_out(photos: Path, capsys: Said) -> None:
    fill(photos, "cat", "dog")
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(buffer, "PNG")
    (photos / "cat/0text.png").write_text("a text")
    (photos / "cat/1half.png").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    (photos / "cat/2empty.jpg").touch()
    (photos / "cat/3gone.png").symlink_to(photos / "nowhere.png")
    (photos / "dog/folder.png").mkdir()
    (photos / "dog/notes.txt").touch()
    save(photos / "loose.png")
    assert sum(counts(load(config(photos), seed=0))) == 24
    said = capsys.readouterr().err
    assert "4 of 28 can't be read and are left out: cat/0text.png (not an image; exp" in said
    assert "cat/1half.png (an image that can't be read" in said
    assert "and 1 more" in said
    assert "images outside the folders of classes, left out: 1" in said
    assert "files that are no images (.txt), left out: 1" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_left_out(photos: Path, capsys: Said) -> None:
    fill(photos, "cat", "dog")
    (photos / "cat/3.png").chmod(0)
    assert sum(counts(load(config(photos), seed=0))) == 23
    assert "cat/3.png (permission denied)" in capsys.readouterr().err


@pytest.mark.parametrize("size", [(1, 1), (2000, 2), (1, 3000)])
def test_tiny_and_very_long_images_are_brought_to_the_form(
    photos: Path, size: tuple[int, int]
) -> None:
    fill(photos, "cat", "dog", size=(16, 16))
    fill(photos, "odd", size=size)
    dataset = load(config(photos), seed=0)
    assert dataset.spec.input_shape == (1, 16, 16)
    assert sum(counts(dataset)) == 36


def test_images_of_one_pixel_are_enlarged(photos: Path) -> None:
    fill(photos, "cat", "dog", size=(1, 1))
    assert load(config(photos), seed=0).spec.input_shape == (1, 8, 8)


def test_every_mode_is_brought_to_one_form(photos: Path, capsys: Said) -> None:
    fill(photos, "cat", "dog")
    deep = np.arange(80, dtype=np.uint16).reshape(8, 10) * 800
    Image.fromarray(deep).save(photos / "cat/deep.png")
    clear = Image.new("RGBA", (10, 8), (250, 0, 0, 0))
    clear.paste((250, 0, 0, 255), (2, 2, 8, 6))
    clear.quantize().save(photos / "cat/palette.png")
    clear.save(photos / "dog/clear.png")
    Image.new("CMYK", (10, 8), (200, 30, 0, 0)).save(photos / "dog/cmyk.jpg")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (8, 10), "red").save(photos / "dog/turned.jpg", exif=turned)
    turned[0x0112] = 99  # which means nothing
    Image.new("RGB", (10, 8), "red").save(photos / "dog/not_turned.jpg", exif=turned)
    dataset = load(config(photos), seed=0)
    assert dataset.spec.input_shape == (3, 8, 10)
    assert sum(counts(dataset)) == 30
    said = capsys.readouterr().err
    for words in (
        "16 bits of 16 scaled to 8: 1",
        "laid on white: 2",
        "turned upright: 1",
        "RGB: 26",
    ):
        assert words in said, said


def test_many_classes_and_names_of_any_alphabet(photos: Path) -> None:
    accented = "café"
    fill(photos, *(f"c{each:03}" for each in range(300)), "猫", accented, count=2)
    fill(photos, unicodedata.normalize("NFD", accented), count=2, seed=900)
    dataset = load(config(photos), seed=0)
    assert dataset.spec.num_classes == 302
    assert {"猫", accented} <= set(dataset.spec.class_names)


def test_a_class_may_be_called_train(photos: Path) -> None:
    fill(photos, "plane", "train")
    assert load(config(photos), seed=0).spec.class_names == ("plane", "train")


def test_names_that_differ_in_case_are_two_classes(photos: Path) -> None:
    fill(photos, "Cat", "cat")
    assert load(config(photos), seed=0).spec.class_names == ("Cat", "cat")


def test_a_test_folder_that_lacks_a_class_shifts_no_label(photos: Path, capsys: Said) -> None:
    fill(photos / "train", "a", "b", "c")
    fill(photos / "test", "a", "c", seed=10)
    dataset = load(config(photos), seed=0)
    assert sorted(set(whole(dataset.test).targets.tolist())) == [0, 2]
    assert "the test split has no sample of b" in capsys.readouterr().err


def spoil(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        path.write_bytes(b"bad")


def only_train_is_whole(folder: Path) -> None:
    fill(folder, "train/a", "train/b", "test/a")
    spoil(folder / "test")


def all_is_spoilt(folder: Path) -> None:
    fill(folder, "a", "b", count=1)
    spoil(folder)


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (lambda _: None, "is not there: expected a folder of images, or of sounds"),
    "a file": (lambda path: path.write_text("x"), "is a file: expected a folder of images"),
    "empty": (lambda path: path.mkdir(), "holds neither images nor sounds \\(.wav\\): expected"),
    "empty classes": (lambda path: (path / "cat").mkdir(parents=True), "holds neither"),
    "no classes": (lambda path: fill(path, "."), "12 images, but no folder of a class"),
    "one class": (lambda path: fill(path, "cat"), "holds one class, cat: expected samples of two"),
    "one image each": (lambda path: fill(path, "a", "b", count=1), "no sample of 2 falls to the"),
    "nothing to read": (all_is_spoilt, "2 of 2 can't be read"),
    "no train": (
        lambda path: fill(path, "val/a", "val/b", "test/a", "test/b"),
        "holds test, val, but no train/",
    ),
    "classes beside splits": (
        lambda path: fill(path, "train/a", "train/b", "test/a", "test/b", "c"),
        "holds test, train beside c: expected",
    ),
    "images without classes in train": (
        lambda path: fill(path, "train", "test"), "24 images, but no folder of a class"
    ),
    "a class only in test": (
        lambda path: fill(path, "train/a", "train/b", "test/a", "test/c"),
        "c is in the test split alone",
    ),
    "names of the splits' classes differ in case": (
        lambda path: fill(path, "train/a", "train/b", "test/A", "test/b"),
        "A is in the test split alone",
    ),
    "a test split that can't be read": (only_train_is_whole, "none of test/ can be read"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_said_in_a_line(photos: Path, case: str) -> None:
    make, words = REFUSED[case]
    make(photos)
    with pytest.raises(UserError, match=words) as caught:
        load(config(photos), seed=0)
    assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written_is_said(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(photos, "cat", "dog")
    (tmp_path / "taken").write_text("a file")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "taken"))
    with pytest.raises(UserError, match=r"can't be written .*: expected .* XDG_CACHE_HOME=FOLDER"):
        load(config(photos), seed=0)


def test_a_disk_that_is_full_is_said_before(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(photos, "cat", "dog")
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 100}))
    with pytest.raises(UserError, match=r"needs 0\.0 GB in .*: expected a smaller data\.image_siz"):
        load(config(photos), seed=0)
