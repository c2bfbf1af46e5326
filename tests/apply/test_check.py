"""`sizewise check`: what it finds, and the command that it ends by."""

import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sizewise.config.as_train import compose
from sizewise.data import near
from tests.data.own.photos import fill, save
from tests.lab import CONF, sizewise

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
        "images of test that are in train too: 3",
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


def test_images_of_an_array_are_held_against_each_other_too(check: Check, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 200, (40, 1, 12, 12), dtype=np.uint8)
    images = coarse.repeat(3, axis=2).repeat(3, axis=3)
    lighter = images[[17]] + np.uint8(9)
    splits = {"x_train": images[:30], "x_test": np.concatenate([images[30:], lighter])}
    labels = np.arange(41) % 2
    np.savez(tmp_path / "small.npz", y_train=labels[:30], y_test=labels[30:], **splits)  # type: ignore[arg-type]
    said = "! test images that are nearly the same as one learnt from: 1 "
    said += "(x_test[10] and x_train[17]); compared: 11 of 11 with 30 of 30"
    assert said in check(tmp_path / "small.npz")


def test_texts_are_checked_too(check: Check, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    for index in range(40):
        text = "".join(f"note {index} says {index * line}\n" for line in range(30))
        (tmp_path / f"notes/{index}.md").write_text(text)
    (tmp_path / "notes/photo.png").write_bytes(b"\x89PNG\0")
    lines = check(tmp_path / "notes")
    found = facts(lines)
    assert (found["files"], found["documents"]) == ("40", "40")
    assert found["different bytes"] == str(len(set("note says 0123456789\n")))
    known = dict(each.split() for each in found["bits per byte"].split(", "))
    assert set(known) == {"gzip", "bz2", "xz"}
    assert 0.3 < float(known["gzip"]) < 4
    assert "! files that hold NUL bytes and so are no texts (.png), left out: 1" in lines
    assert compose(shlex.split(lines[-1])[2:], CONF).training.max_steps == 2000


def test_what_cannot_be_trained_on_ends_in_one_line(check: Check, tmp_path: Path) -> None:
    fill(tmp_path / "one", "cat")
    (tmp_path / "notes.md").write_text("short")
    (tmp_path / "notes.doc").write_bytes(bytes(9))
    for name, words in (
        ("one", "holds one class, cat: expected samples of two classes or more"),
        ("notes.md", "split of 0 bytes, and data.window=128 needs more: expected more text"),
        ("notes.doc", "notes.doc holds NUL bytes and is no text"),
        ("nowhere", "nowhere is not there: expected a folder"),
    ):
        (line,) = check(tmp_path / name, code=2)
        assert words in line


ROWS = 200
RANDOM = np.random.default_rng(0)
SPENT = RANDOM.gamma(2.0, 300.0, ROWS).round(2)
TABLE = pd.DataFrame(
    {
        "age": RANDOM.integers(18, 90, ROWS),
        "plan": np.where(RANDOM.random(ROWS) < 0.3, "gold", "basic"),
        "spent": SPENT,
        "churn": np.where((RANDOM.random(ROWS) < 0.9) == (SPENT > 500), "stays", "leaves"),
    }
)


def written(path: Path, **columns: object) -> Path:
    TABLE.assign(**columns).to_csv(path, index=False)
    return path


def test_a_table_in_order_has_no_doubts(check: Check, tmp_path: Path) -> None:
    path = written(tmp_path / "my customers.csv", year=2026)
    lines = check(path, "data.target=churn")
    found = facts(lines)
    assert "standardised: age, spent; one number for each category: plan (2)" in found["read"]
    assert "left out: year (constant)" in found["read"]
    assert found["classes"].startswith("2: ")
    assert not [line for line in lines if line.startswith("!")]  # 90 % is no giveaway
    config = compose(shlex.split(lines[-1])[2:], CONF)
    assert (config.model.family, config.data.path) == ("mlp", str(path))  # type: ignore[attr-defined]
    lines = check(path, "data.target=spent")
    assert facts(lines)["numbers"].startswith(f"from {SPENT.min():g} to {SPENT.max():g}")
    assert not [line for line in lines if line.startswith("!")]


def test_what_gives_a_target_away_is_said(check: Check, tmp_path: Path) -> None:
    own = {
        "refund": (TABLE.churn == "leaves") * RANDOM.random(ROWS),
        "state": TABLE.churn.map({"stays": "active", "leaves": "closed"}),
        "gross": TABLE.spent * 1.081 + 3,
    }
    path = written(tmp_path / "customers.csv", **own)
    doubts = [line for line in check(path, "data.target=churn") if line.startswith("!")]
    assert [each.split()[1] for each in doubts] == ["refund", "state"]
    assert "alone tells churn: a tree on it is wrong in 1 of" in doubts[0]
    assert doubts[0].endswith("data.drop=[refund] leaves it out")
    (doubt,) = (line for line in check(path, "data.target=spent") if line.startswith("!"))
    assert doubt.startswith("! gross alone tells spent: a tree on it explains 9")


def test_a_few_numbers_beside_which_all_others_look_alike_are_said(
    check: Check, tmp_path: Path
) -> None:
    spent = TABLE.spent.where(np.arange(ROWS) % 200 > 0, 1e7)
    path = written(tmp_path / "customers.csv", spent=spent)
    (doubt,) = (line for line in check(path, "data.target=spent") if line.startswith("!"))
    assert "numbers in spent" in doubt
    assert "more than 90% of the spread: all others look alike beside that" in doubt


def test_copies_and_near_names_in_a_table_are_said(check: Check, tmp_path: Path) -> None:
    plan = TABLE.plan.where(np.arange(ROWS) % 9 > 0, "Gold ")
    churn = TABLE.churn.where(np.arange(ROWS) % 50 > 0, "Stays")
    table = TABLE.assign(plan=plan, churn=churn, day=np.arange(ROWS) // 10)
    twice = pd.concat([table, table[:12].assign(day=19)])
    twice.to_csv(tmp_path / "customers.csv", index=False)
    lines = check(tmp_path / "customers.csv", "data.target=churn", "data.order_by=day")
    doubts = [line.removeprefix("! ") for line in lines if line.startswith("!")]
    assert "plan: Gold, gold: nearly the same category" in doubts
    assert "Stays, stays: classes of nearly the same name" in doubts
    (leaked,) = (each for each in doubts if "in train too" in each)
    assert leaked == "samples of test that are in train too: 12"


def test_constant_numbers_and_copies_of_arrays_are_said(check: Check, tmp_path: Path) -> None:
    inputs = RANDOM.normal(size=(60, 9))
    inputs[:, 3:5] = 0
    labels = np.arange(60) % 3
    train, test = {"x_train": inputs[:40], "y_train": labels[:40]}, inputs[38:]
    np.savez(tmp_path / "series.npz", x_test=test, y_test=labels[38:], allow_pickle=False, **train)
    lines = check(tmp_path / "series.npz")
    assert "! numbers of a sample that are the same in all: 2 of 9" in lines
    assert "! samples of test that are in train too: 2" in lines
