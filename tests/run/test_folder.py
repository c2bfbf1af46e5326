"""A run's folder leads to its run, and what it keeps for later comes along in a move."""

import json
from pathlib import Path

import pytest

from sizewise.errors import Interrupted, UserError
from sizewise.run.code import OwnCode
from sizewise.run.folder import Outcome, RunFolder, acquire


def test_a_folder_leads_to_the_run_that_it_took_up_also_after_a_move(tmp_path: Path) -> None:
    first, second = RunFolder(tmp_path / "a/run"), RunFolder(tmp_path / "a/again/job")
    for folder in (first, second):
        folder.claim("key").release()
    first.lead_to(first)
    second.lead_to(first)
    assert RunFolder.at(first.path) == first
    assert RunFolder.at(second.path).path.samefile(first.path)
    moved = (tmp_path / "a").rename(tmp_path / "b")
    assert RunFolder.at(moved / "again/job").path.samefile(moved / "run")


def test_of_two_runs_that_ask_for_one_folder_the_second_is_refused(tmp_path: Path) -> None:
    """While the first is at work there, and when it has ended; the first may go on in it."""
    folder = RunFolder(tmp_path / "run")
    first = folder.claim("first")
    with pytest.raises(UserError, match="already holds a run: expected one for each"):
        folder.claim("second")
    assert folder.belongs_to("first")
    folder.add_metrics({"step": 1, "val/error": 0.5})
    first.release()
    with pytest.raises(UserError, match="already holds a run"):
        folder.claim("second")
    assert not folder.is_locked()
    folder.claim("first").release()


def test_what_is_kept_of_a_run_finds_the_stores_file_again_after_a_move(tmp_path: Path) -> None:
    folder, store = RunFolder(tmp_path / "a/run"), tmp_path / "a/my runs.db"
    folder.claim("key").release()
    store.touch()
    uri = f"sqlite:///{store}?timeout=60"
    Outcome(uri, "1", input_shape=(1, 40), requirements=["skops"]).write(folder)
    assert Outcome.read(folder).input_shape == (1, 40)
    moved = (tmp_path / "a").rename(tmp_path / "b")
    assert Outcome.read(RunFolder(moved / "run")).uri == (
        f"sqlite:///{moved}/my%20runs.db?timeout=60"
    )
    alone = (moved / "run").rename(tmp_path / "alone")
    assert Outcome.read(RunFolder(alone)).uri == uri


def test_a_torn_last_line_of_metrics_is_cut_off(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.mend_metrics() == []
    folder.add_metrics({"step": 1, "loss": 0.5})
    with (tmp_path / RunFolder.METRICS).open("a") as file:
        file.write('{"step": 2, "lo')
    assert folder.mend_metrics() == [{"step": 1, "loss": 0.5}]
    assert (tmp_path / RunFolder.METRICS).read_text() == json.dumps({"step": 1, "loss": 0.5}) + "\n"


@pytest.mark.parametrize("where", ["outputs", "lab/outputs"])  # beside the package, and in it
def test_code_of_the_users_own_is_copied_with_the_package_that_it_stands_in(
    tmp_path: Path, where: str
) -> None:
    (tmp_path / "lab/__pycache__").mkdir(parents=True)
    for name in ("lab/net.py", "lab/sizes.json", "lab/__pycache__/net.pyc", "parts.py"):
        (tmp_path / name).write_text(name)
    (tmp_path / where).mkdir()
    code = tmp_path / where / RunFolder.CODE
    OwnCode([tmp_path / "lab", tmp_path / "parts.py"], []).copy_to(code)
    copied = {str(path.relative_to(code)) for path in code.rglob("*") if path.is_file()}
    assert copied == {"lab/net.py", "lab/sizes.json", "parts.py"}
    OwnCode([], ["torchvision"]).copy_to(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_who_waits_for_a_lock_hears_that_it_is_to_stop(tmp_path: Path) -> None:
    held = RunFolder(tmp_path).claim("key")
    answers = iter([False, True])
    with pytest.raises(Interrupted):
        acquire(RunFolder(tmp_path).lock(), lambda: next(answers))
    held.release()
    acquire(RunFolder(tmp_path).lock(), lambda: True)
