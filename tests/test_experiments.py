"""What the READMEs quote of the studies is what their records say now."""

import re
from pathlib import Path

import pytest

from experiments.write import MARKED, ROOT, readmes, written


@pytest.mark.parametrize("path", readmes(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_stands_between_markers_is_what_the_command_writes(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert written(text, path.parent) == text, "python -m experiments.write"


def test_every_study_with_records_is_quoted() -> None:
    for records in ROOT.glob("experiments/*/runs.jsonl"):
        assert MARKED.search((records.parent / "README.md").read_text()), records


def test_a_changed_number_is_noticed() -> None:
    path = ROOT / "experiments/large_vs_small/README.md"
    text = path.read_text(encoding="utf-8")
    found = MARKED.search(text)
    assert found is not None
    changed = text[: found.end(1)] + "Something else.\n" + text[found.start(4) :]
    assert written(changed, path.parent) == text


def test_the_chinese_readme_has_the_commands_figures_and_links_of_the_english_one() -> None:
    english, chinese = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md")
    )
    code, picture = re.compile(r"`([^`\n]+)`"), re.compile(r"!\[[^]]*\]\(([^)]+)\)")
    link = re.compile(r"(?<!!)\[[^]]*\]\(([^)#]+)")
    assert set(code.findall(chinese)) <= set(code.findall(english))
    assert picture.findall(chinese) == picture.findall(english)
    assert set(link.findall(chinese)) - {"README.md"} == set(link.findall(english)) - {
        "README.zh.md"
    }
    for block in re.findall(r"```\n(.*?)```", chinese, re.DOTALL):
        assert block in english
    for name in (*picture.findall(english), *link.findall(english)):
        assert (ROOT / name).exists(), name
