"""A whole project that is copied, moved and reached by a link, as a user does it."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.processes import command, python, train
from tests.tracking.test_local import contents

TINY = ("model=cnn", "size=1k", "data.num_samples=200", "training.epochs=1", "threads=1")

LOAD = """
import mlflow, numpy as np
mlflow.set_tracking_uri("sqlite:///mlruns/mlflow.db")
(run,) = mlflow.search_runs(experiment_names=["sizewise"], output_format="list")
(output,) = run.outputs.model_outputs
model = mlflow.pyfunc.load_model(f"models:/{output.model_id}")
assert model.predict(np.zeros((3, 1, 40), np.float32)).shape == (3, 10)
mlflow.artifacts.download_artifacts(f"runs:/{run.info.run_id}/record.jsonl")
print(run.info.artifact_uri)
"""


@pytest.mark.slow
def test_a_project_is_copied_moved_and_linked(tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.mkdir()
    train(first, *TINY, "hydra.run.dir=run").check_returncode()
    before = contents(first)
    copy = tmp_path / "copy"
    shutil.copytree(first, copy, symlinks=True)

    done = train(copy, "-m", *TINY, "seed=0,1", "hydra.sweep.dir=sweep", "hydra.launcher.n_jobs=1")
    assert done.returncode == 0, done.stderr
    assert "was copied from" in done.stderr
    assert "1 done" in done.stdout
    assert contents(first) == before
    assert len(list(copy.glob("mlruns/artifacts/*/artifacts/record.jsonl"))) == 2
    assert len(list(copy.glob("mlruns/artifacts/models/*/artifacts/MLmodel"))) == 2

    moved = first.rename(tmp_path / "moved")
    np.save(tmp_path / "x.npy", np.zeros((2, 1, 40), np.float32))
    run_id = (moved / "run/mlflow_run_id").read_text().strip()
    done = command(moved, "predict", run_id, str(tmp_path / "x.npy"))
    assert done.returncode == 0, done.stderr
    assert "was moved from" in done.stderr
    done = python(moved, "-c", LOAD)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith(moved.as_uri())

    link = tmp_path / "link"
    link.symlink_to(moved)
    done = command(link, "where", "run")
    assert (done.returncode, done.stderr) == (0, "")
    assert str(moved / "run") in done.stdout
