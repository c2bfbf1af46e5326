"""docs/tour.md: each command can be typed, and each link leads somewhere."""

import re
import shlex
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import OmegaConf

from sizewise import cli
from sizewise.config import parse
from sizewise.config.as_train import composed_as_typed
from sizewise.config.compose import Grid
from tests.lab import CONF
from tests.processes import ROOT

TOUR = ROOT / "docs/tour.md"
TEXT = TOUR.read_text(encoding="utf-8")
TYPED = [
    line
    for block in re.findall(r"^```\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]


@pytest.mark.parametrize("line", [line for line in TYPED if line.startswith("python train.py")])
def test_what_trains_is_a_config(line: str) -> None:
    words = shlex.split(line)[2:]
    multirun = "-m" in words
    overrides = [each for each in words if each != "-m"]
    with composed_as_typed(overrides, CONF, multirun=multirun) as composed:
        grid = Grid(composed)
        jobs = grid.jobs
        assert (len(jobs) > 1) == (multirun or "experiment=" in line)
        config: Any = OmegaConf.create(OmegaConf.to_container(grid.compose(jobs[0])))
        parse(config)


@pytest.mark.parametrize("line", [line for line in TYPED if line.startswith("sizewise ")])
def test_what_sizewise_is_asked_it_understands(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(cli, "import_module", lambda _: SimpleNamespace(run=asked.append))
    monkeypatch.setattr(sys, "argv", shlex.split(line))
    cli.main()
    assert [each.command for each in asked] == shlex.split(line)[1:2]


def test_nothing_else_is_typed_but_what_fetches_a_package() -> None:
    other = [line for line in TYPED if not line.startswith(("python train.py ", "sizewise "))]
    assert all(line.startswith("pip install ") for line in other)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)]+)\)", TEXT))))
def test_each_link_leads_to_what_is_there(link: str) -> None:
    name, _, place = link.partition("#")
    path = TOUR.parent / name
    assert path.exists()
    if place:
        titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert place in {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in titles}
