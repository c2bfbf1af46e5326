"""What `python -m build` makes: it holds all that it takes, and trains without a checkout."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.processes import ROOT, client, python

SWEEP = ("model=logistic", "data.num_samples=200", "training.epochs=1", "threads=1", "seed=0,1")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an unpacked wheel, built elsewhere: building leaves files."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("src", "conf"):
        shutil.copytree(ROOT / name, folder / "project" / name, symlinks=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "project")
    build = ("-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "./project")
    done = subprocess.run(
        [sys.executable, *build], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as packed:
        packed.extractall(folder / "installed")
    return folder / "installed"


def test_a_wheel_holds_every_file_of_the_packages_and_the_config(wheel: Path) -> None:
    def files(folder: Path, *left_out: str) -> set[Path]:
        found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        return {path for path in found if not {*left_out, "__pycache__"} & set(path.parts)}

    assert files(wheel / "sizewise/conf") == files(ROOT / "conf")
    for name in ("sizewise", "hydra_plugins"):
        assert files(wheel / name, "conf") == files(ROOT / "src" / name, "conf")


@pytest.mark.slow
def test_a_wheel_sweeps_where_it_is_typed(wheel: Path, tmp_path: Path) -> None:
    typed = ("train", "-m", *SWEEP, "hydra.launcher.n_jobs=1")
    done = python(tmp_path, "-m", "sizewise", *typed, PYTHONPATH=str(wheel))

    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} - {"data"} == {"mlruns", "multirun"}
    assert len(list(tmp_path.glob("mlruns/artifacts/*/artifacts/record.jsonl"))) == 2
    sweep, *runs = client(tmp_path).search_runs(["1"], order_by=["attributes.start_time"])
    assert sweep.data.tags["command"].startswith("sizewise train -m ")
    assert {run.data.tags["command"] for run in runs} == {
        f"sizewise train {' '.join(SWEEP[:-1])} seed={seed}" for seed in (0, 1)
    }
