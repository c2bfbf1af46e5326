"""The config of a run, which may be somebody else's."""

import os
from pathlib import Path

import pytest

from sizewise.apply.runs import recorded_config
from sizewise.errors import UserError
from sizewise.tracking.artifacts import read_config
from tests.lab import Lab


@pytest.fixture
def sent(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list whose one text the store sends as the config of any run."""
    text = [read_config(lab.store, lab.stored("small"))]
    monkeypatch.setattr("sizewise.apply.runs.read_config", lambda *_: text[0])
    return text


def test_a_run_of_this_machine_has_its_data_where_it_had_it(lab: Lab) -> None:
    config = recorded_config(lab.store, lab.stored("lstm"))
    assert config.data.root == str(lab.folder / "data")
    assert config.model.family == "lstm"
    assert config.training.epochs == 2


def test_a_folder_that_only_the_store_names_is_not_used(
    lab: Lab, sent: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SIZEWISE_DATA", raising=False)
    sent[0] = sent[0].replace(str(lab.folder / "data"), str(tmp_path))
    foreign = lab.stored("small")._replace(tags={"folder": str(tmp_path), "run_key": "k"})
    assert recorded_config(lab.store, foreign).data.root == "data"
    assert recorded_config(lab.store, lab.stored("small")).data.root != str(tmp_path)
    changed = recorded_config(lab.store, foreign, ["data.root=/elsewhere"])
    assert changed.data.root == "/elsewhere"


def test_own_data_that_only_the_store_names_are_asked_for(
    lab: Lab, sent: list[str], tmp_path: Path
) -> None:
    own = f"name: arrays\n  path: {tmp_path}\n  test_fraction: 0.2"
    sent[0] = sent[0].replace("name: digits", own)
    with pytest.raises(UserError, match=r"data\.path has no value; give one with data\.path="):
        recorded_config(lab.store, lab.stored("small"))
    given = recorded_config(lab.store, lab.stored("small"), ["data.path=/elsewhere"])
    assert given.data.path == "/elsewhere"  # type: ignore[attr-defined]


def test_the_environment_is_not_read(lab: Lab, sent: list[str]) -> None:
    name = next(iter(os.environ))
    sent[0] = sent[0].replace("name: digits", f"name: ${{oc.env:{name}}}")
    with pytest.raises(UserError, match="is not one that sizewise wrote"):
        recorded_config(lab.store, lab.stored("small"))


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "model: 3", "!!python/object:os.x {}"])
def test_another_file_in_its_place_is_told(lab: Lab, sent: list[str], text: str) -> None:
    sent[0] = text
    with pytest.raises(UserError) as caught:
        recorded_config(lab.store, lab.stored("small"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", ["data.roof=x", "data.validation_fraction=2", "=", "data.root"])
def test_a_change_that_makes_no_sense_is_told(lab: Lab, change: str) -> None:
    with pytest.raises(UserError):
        recorded_config(lab.store, lab.stored("small"), [change])
