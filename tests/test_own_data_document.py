"""docs/own-data.md, followed word for word."""

import re
import shlex
from pathlib import Path

import pytest

from tests.processes import ROOT, command, python, train


@pytest.mark.slow
def test_what_the_document_says_to_try_works(tmp_path: Path) -> None:
    text = (ROOT / "docs/own-data.md").read_text(encoding="utf-8")
    found = re.search(r"## Try it\n.*?```\n(.*?)```", text, re.DOTALL)
    assert found is not None
    typed = [shlex.split(line, comments=True) for line in found[1].splitlines() if line]
    assert len(typed) > 9
    for program, *words in typed:
        if program == "sizewise":
            done = command(tmp_path, *words)
        elif words[0] == "train.py":
            done = train(tmp_path, *words[1:], "threads=1")
        else:
            done = python(tmp_path, str(ROOT / words[0]), *words[1:])
        assert done.returncode == 0, (words, done.stderr)
