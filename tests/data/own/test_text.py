"""Texts of one's own: what is read, how it is divided, and that it is learnt from."""

from pathlib import Path

import pytest
import torch

from sizewise.config import OwnTextConfig
from sizewise.data import Dataset, load
from sizewise.data.own.text import SHORTEST, cut, look
from sizewise.errors import UserError

CHINESE = "".join(
    f"第{index}章：天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。\n" for index in range(900)
)


def config(path: Path, **changes: object) -> OwnTextConfig:
    plain = OwnTextConfig(
        name="text",
        path=str(path),
        root="nowhere",
        test_fraction=0.1,
        validation_fraction=0.1,
        train_samples=None,
        window=32,
    )
    return plain.model_copy(update=changes)


def text_of(dataset: Dataset, split: str) -> bytes:
    text: torch.Tensor = getattr(dataset, split).text
    return text.numpy().tobytes()


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "千字文.txt"
    path.write_text(CHINESE, encoding="utf-8")
    return path


def test_a_book_in_chinese_is_divided_at_the_ends_of_lines(book: Path) -> None:
    dataset = load(config(book), seed=0)
    parts = {name: text_of(dataset, name) for name in ("train", "validation", "test")}
    lines = [line for part in parts.values() for line in part.decode().splitlines(keepends=True)]
    assert sorted(lines) == sorted(CHINESE.splitlines(keepends=True))
    assert len(set(lines)) == len(lines)
    total = len(CHINESE.encode())
    assert 0.03 < len(parts["test"]) / total < 0.2
    assert 0.05 < len(parts["validation"]) / total < 0.1
    assert (dataset.spec.name, dataset.spec.own) == ("千字文", True)
    assert dataset.spec.output_shape == (32, 256)


def test_splits_go_by_content_and_not_by_names(tmp_path: Path) -> None:
    for folder, named in (("one", "{}.md"), ("two", "x{}.txt")):
        (tmp_path / folder).mkdir()
        for index in range(60):
            (tmp_path / folder / named.format(index)).write_text(f"{index} " * 300)
    (tmp_path / "two/copy.txt").write_text("7 " * 300)
    one, two = (load(config(tmp_path / folder), seed=0) for folder in ("one", "two"))
    assert one.fingerprint == two.fingerprint  # the copy is read once
    assert text_of(one, "test") == text_of(two, "test")


def test_files_are_cut_only_where_a_few_are_most_of_the_text(tmp_path: Path) -> None:
    long = "".join(f"line {index}\n" for index in range(20_000))
    (tmp_path / "long.txt").write_text(long)
    for index in range(5):
        (tmp_path / f"{index}.txt").write_text(f"{index} is short")
    documents = look(tmp_path).documents().values()
    assert {f"{index} is short".encode() for index in range(5)} <= set(documents)
    pieces = [each for each in documents if each.startswith(b"line")]
    assert 64 <= len(pieces) <= 256
    assert all(each.endswith(b"\n") for each in pieces)


def test_a_text_without_lines_is_cut_anywhere() -> None:
    text = bytes(range(11, 250)) * 40
    pieces = list(cut(text, SHORTEST))
    assert b"".join(pieces) == text
    assert {len(each) for each in pieces[:-1]} == {SHORTEST}
    assert len(pieces[-1]) <= 2 * SHORTEST


def test_what_is_no_text_is_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for index in range(40):
        (tmp_path / f"{index}.txt").write_bytes(f"Größe {index} ".encode("latin-1") * 100)
    (tmp_path / "photo.PNG").write_bytes(b"\x89PNG\0\0")
    (tmp_path / "program").write_bytes(b"\x7fELF\0\0")
    (tmp_path / ".hidden").write_text("not to be read")
    dataset = load(config(tmp_path), seed=0)
    assert "(.png, no suffix), left out: 2\n" in capsys.readouterr().err
    everything = b"".join(text_of(dataset, name) for name in ("train", "validation", "test"))
    assert len(everything) == sum(len(f"Größe {index} ") * 100 for index in range(40))
    assert "ö".encode("latin-1") in everything


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "can't be read (No such file or directory): expected a file or a folder of text"),
        (b"", "split of 0 bytes, and data.window=32 needs more: expected more text"),
        (b"a\0b", "holds NUL bytes and is no text"),
        ("naïve".encode("utf-16"), "holds NUL bytes and is in UTF-16: save it as UTF-8"),
    ],
)
def test_what_can_not_be_learnt_from_says_so(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "notes.txt").write_bytes(content)
    with pytest.raises(UserError) as caught:
        load(config(tmp_path / "notes.txt"), seed=0)
    assert words in str(caught.value)


def test_a_folder_without_text_says_so(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(bytes(9))
    with pytest.raises(UserError, match="holds no text: expected files that hold no NUL bytes"):
        load(config(tmp_path), seed=0)


def test_a_page_of_text_has_all_three_splits(tmp_path: Path) -> None:
    for name in range(8):  # other texts, of which other pieces go to the test split
        lines = (f"{name} 第{line}行：模型越大，越准确。\n" for line in range(60))
        (tmp_path / "page.md").write_text("".join(lines), encoding="utf-8")
        dataset = load(config(tmp_path / "page.md"), seed=0)
        assert min(map(len, (dataset.train, dataset.validation, dataset.test))) > 0
