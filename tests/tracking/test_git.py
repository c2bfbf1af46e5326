"""Which commit is recorded."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sizewise.tracking import lifecycle
from sizewise.tracking.lifecycle import git_commit


def commit() -> str | None:
    """Return what a process would be told that asks for the first time."""
    git_commit.cache_clear()
    return git_commit()


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository of somebody's, with a package in it that nobody has committed."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "theirs"
    package = folder / ".venv/lib/site-packages/sizewise"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (folder / "paper.tex").write_text("")
    git(tmp_path, "init", "--quiet", "theirs")
    git(folder, "add", "paper.tex")
    git(folder, "commit", "--quiet", "-m", "first")
    monkeypatch.setattr(lifecycle, "PACKAGE", package)
    yield folder
    git_commit.cache_clear()


def test_a_package_in_another_repositorys_environment_has_no_commit(repository: Path) -> None:
    assert commit() is None
    (repository / ".gitignore").write_text(".venv\n")
    assert commit() is None


def test_code_that_is_tracked_has_its_repositorys_commit(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repository, "add", "--force", ".venv")
    git(repository, "commit", "--quiet", "-m", "vendored")
    head = git(repository, "rev-parse", "HEAD")
    assert commit() == head
    (lifecycle.PACKAGE / "__init__.py").write_text("changed = True\n")
    assert commit() == f"{head}+"
    monkeypatch.setenv("GIT_DIR", "/nowhere")  # as a hook of another repository sets it
    assert commit() == f"{head}+"


def test_an_untracked_copy_beside_the_tracked_package_has_no_commit(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repository, "add", "--force", ".venv")
    git(repository, "commit", "--quiet", "-m", "vendored")
    copy = repository / "copy"
    shutil.copytree(lifecycle.PACKAGE, copy)
    monkeypatch.setattr(lifecycle, "PACKAGE", copy)
    assert commit() is None


def test_without_git_there_is_no_commit(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "PACKAGE", tmp_path)
    assert commit() is None
    monkeypatch.setenv("PATH", "")
    assert commit() is None
