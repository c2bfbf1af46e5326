"""`sizewise check`: what it finds, and the command that it ends by."""

import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sizewise.config.as_train import compose
from sizewise.data import near
from tests.conftest import CONF
from tests.data.own.photos import fill, save
from tests.lab import sizewise

Check = Callable[..., list[str]]


@pytest.fixture
def check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Check:
    """Return what checks a path, and returns the lines that it printed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(CONF.parent)

    def checked(path: Path, *overrides: str, code: int = 0) -> list[str]:
        assert sizewise("check", str(path), *overrides) == code
        said = capsys.readouterr()
        return [line.strip() for line in (said.err if code else said.out).splitlines()]

    return checked


def facts(lines: list[str]) -> dict[str, str]:
    return {name: rest.strip() for name, _, rest in (line.partition("  ") for line in lines)}


def test_a_folder_in_order_has_no_doubts(check: Check, tmp_path: Path) -> None:
    fill(tmp_path / "my photos", "cat", "dog", count=20)
    lines = check(tmp_path / "my photos", "data.image_size=12")
    found = facts(lines)
    assert (found["images"], found["sizes"]) == ("40", "10x8")
    assert found["form"].startswith("grey, 12x12 (as asked for;")
    assert found["classes"] == "2: cat 20, dog 20"
    train, validation, test = (int(each.split()[0]) for each in found["splits"].split(", "))
    assert train + validation + test == 40
    assert validation == round(0.1 * (40 - test))
    assert not [line for line in lines if line.startswith("!")]
    python, script, *words = shlex.split(lines[-1])
    assert (python, script) == ("python", "train.py")
    config = compose(words, CONF)
    assert config.data.path == str(tmp_path / "my photos")  # type: ignore[attr-defined]
    assert config.data.image_size == "12"  # type: ignore[attr-defined]


def test_what_may_be_wrong_is_said(check: Check, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    fill(photos / "train", "cat", count=60)
    fill(photos / "train", "Cat_", "dog", count=6, seed=10)
    fill(photos / "test", "cat", count=3)  # as in train/
    fill(photos / "test", "dog", count=2, seed=20)
    save(photos / "train/dog/twice.png", 0)  # the first of the cats
    save(photos / "train/cat/large.png", 77, size=(100, 80))
    (photos / "train/cat/bad.png").touch()
    lines = check(photos)
    assert facts(lines)["sizes"] == "2, from 10x8 to 100x80"
    doubts = [line.removeprefix("! ") for line in lines if line.startswith("!")]
    starts = (
        "1 of 80 can't be read and are left out: train/cat/bad.png (not an image",
        "exact copies of other images: 4",
        "images that are in several classes: 1, the first in cat, dog",
        "images of test that are in train too: 3; data.drop_leaks=true leaves them out there",
        "Cat_, cat: classes of nearly the same name",
        "cat has 11 times the images of Cat_: always to answer cat is right in 81%",
        "Cat_, dog: fewer than 10 images each",
    )
    assert len(doubts) == len(starts)
    for doubt, start in zip(doubts, starts, strict=True):
        assert doubt.startswith(start), doubt


def test_images_that_were_saved_again_are_found_in_the_test_split(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)

    def draw(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(random.integers(0, 256, (16, 16), dtype=np.uint8))
        coarse.resize((48, 48), Image.Resampling.BICUBIC).save(path)

    for name in ("train/cat/{}.png", "train/dog/{}.png", "test/dog/{}.png", "test/cat/{}.png"):
        for number in range(12 if name.startswith("train") else 2):
            draw(tmp_path / "photos" / name.format(number))
    with Image.open(tmp_path / "photos/train/cat/7.png") as image:
        image.resize((96, 96)).save(tmp_path / "photos/test/cat/again.jpg", quality=80)
    said = "! test images that are nearly the same as one learnt from: 1 "
    said += "(test/cat/again.jpg and train/cat/7.png); compared: "
    assert f"{said}5 of 5 with 24 of 24" in check(tmp_path / "photos")
    monkeypatch.setattr(near, "MOST_TESTED", 3)
    assert f"{said}3 of 5 with 24 of 24" in check(tmp_path / "photos")


def test_arrays_are_checked_too(check: Check, tmp_path: Path) -> None:
    labels = np.array(["a"] * 40 + ["b"] * 3)
    np.savez(tmp_path / "signals.npz", x=np.random.default_rng(0).normal(size=(43, 9)), y=labels)
    lines = check(tmp_path / "signals.npz")
    assert facts(lines)["a sample"] == "1x9"
    assert "! b: fewer than 10 samples each" in lines
    assert "data=arrays" in lines[-1]
    ends = np.arange(43) % 5 + 3
    np.savez(tmp_path / "uneven.npz", x=np.ones((43, 2, 9)) * ends[:, None, None], y=labels,
             lengths=ends)  # fmt: skip
    assert facts(check(tmp_path / "uneven.npz"))["a sample"] == "2x3 to 7"


def test_what_cannot_be_trained_on_ends_in_one_line(check: Check, tmp_path: Path) -> None:
    fill(tmp_path / "one", "cat")
    (tmp_path / "notes.txt").touch()
    for name, words in (
        ("one", "holds one class, cat: expected samples of two classes or more"),
        ("notes.txt", "is not of a kind that is read: expected a folder of images, or an .npz"),
        ("nowhere", "there is no"),
    ):
        (line,) = check(tmp_path / name, code=2)
        assert words in line
