"""A run is known by its key: whatever its job's number, folder or launcher, and whoever asks."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import mlflow
import pytest

from sizewise.records import RunRecord, read_records
from tests.processes import client, train

Q = ("-m", "model=logistic", "training.max_steps=20")
BASIC = "hydra/launcher=basic"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which a sweep over seeds 0, 1 and 2 has finished."""
    folder = tmp_path_factory.mktemp("identity")
    train(folder, *Q, "seed=0,1,2", BASIC).check_returncode()
    return folder


def runs(folder: Path, condition: str = "") -> list[mlflow.entities.Run]:
    """Return the runs, without sweeps, that fulfil a condition."""
    condition = " AND ".join(filter(None, ["tags.family != ''", condition]))
    return list(client(folder).search_runs(["1"], condition))


def reported(sweep: Path, own: int) -> list[RunRecord]:
    """Return a sweep's own runs as its report has them, after those that are like them."""
    return read_records(sweep / "report/runs.jsonl")[-own:]


def test_a_swept_interpolation_trains_each_of_its_values(workspace: Path) -> None:
    swept = ["-m", "model=logistic", "seed=90", "training.epochs=12", BASIC]
    swept.append("training.batch_size=50,200")
    train(workspace, *swept, "training.max_steps=100").check_returncode()
    own = "training.max_steps=${training.batch_size}"
    done = train(workspace, *swept, own, "hydra.sweep.dir=own")

    assert "0 done, 0 failed, 2 to run" in done.stdout, done.stderr
    assert [record.steps for record in reported(workspace / "own", 2)] == [50, 200]


def test_a_shuffled_sweep_trains_every_seed_under_its_own_name(workspace: Path) -> None:
    done = train(workspace, *Q, "seed=shuffle(0,1,2,3,4,5)", BASIC, "hydra.sweep.dir=shuffled")

    assert done.returncode == 0, done.stderr
    records = reported(workspace / "shuffled", 6)
    assert sorted(record.seed for record in records) == [0, 1, 2, 3, 4, 5]
    assert all(record.name.endswith(f"-s{record.seed}") for record in records)
    own = {record.seed: record.metrics["test/loss"] for record in records}
    assert len(set(own.values())) == 6
    for seed, loss in own.items():
        (run,) = runs(workspace, f"tags.seed = '{seed}' AND params.`training.batch_size` = '100'")
        assert run.data.metrics["test/loss"] == loss
    assert "6/6" in done.stdout


def test_a_sweep_may_name_its_folders_as_it_likes(workspace: Path) -> None:
    subdir = "hydra.sweep.subdir=${hydra:job.override_dirname}"
    done = train(workspace, *Q, "seed=10,11", subdir, BASIC, "hydra.sweep.dir=named")

    assert done.returncode == 0, done.stderr
    assert "2/2" in done.stdout
    assert "report: named/report/report.html" in done.stdout
    assert (workspace / "named/model=logistic,seed=10,training.max_steps=20/record.jsonl").exists()


def test_a_seed_that_is_typed_twice_is_trained_once(workspace: Path) -> None:
    done = train(workspace, *Q, "seed=choice(20,20,21,20)", BASIC, "hydra.sweep.dir=twice")

    assert done.returncode == 0, done.stderr
    assert "0 done, 0 failed, 2 to run" in done.stdout
    assert [len(runs(workspace, f"tags.seed = '{seed}'")) for seed in (20, 21)] == [1, 1]
    assert {record.seed for record in reported(workspace / "twice", 2)} == {20, 21}


def test_a_sweep_over_the_jobs_own_numbers_is_followed(workspace: Path) -> None:
    numbered = ("seed=${hydra:job.num}", "training.learning_rate=0.02,0.03")
    done = train(workspace, *Q, *numbered, BASIC, "hydra.sweep.dir=numbered")

    assert done.returncode == 0, done.stderr
    records = reported(workspace / "numbered", 2)
    found = sorted((r.seed, r.config["training.learning_rate"]) for r in records)
    assert found == [(0, 0.02), (1, 0.03)]


def test_a_run_whose_artifacts_are_gone_is_the_only_one_trained_again(workspace: Path) -> None:
    rate = "params.`training.learning_rate` = '0.01'"
    (lost,) = runs(workspace, f"tags.seed = '1' AND {rate}")
    shutil.rmtree(urlsplit(str(lost.info.artifact_uri)).path)
    done = train(workspace, *Q, "seed=0,1,2", BASIC, "hydra.sweep.dir=mended")

    assert done.returncode == 0, done.stderr
    assert "2 done, 0 failed, 1 to run" in done.stdout
    assert "train again, since it can't be read: logistic-410-mnist1d-s1" in done.stdout
    records = reported(workspace / "mended", 3)
    assert [record.seed for record in records] == [0, 1, 2]
    assert records[1].run_id != lost.info.run_id
    assert records[1].metrics["test/loss"] == lost.data.metrics["test/loss"]


def test_an_optimiser_is_told_of_a_trial_that_failed_and_goes_on(workspace: Path) -> None:
    tuned = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=4", "hydra.sweeper.n_jobs=1")
    held_out = "data.validation_fraction=choice(0.1,0)"
    own = (held_out, "training.patience=9", "hydra.sweeper.sampler.seed=1", "seed=30")
    done = train(workspace, *Q, *tuned, *own, BASIC, "model=mlp", "hydra.sweep.dir=tuned")

    assert "Traceback" not in done.stderr + done.stdout
    assert done.returncode == 1
    assert "mlp-23k-mnist1d-s30  failed: training.patience=9 looks" in done.stdout
    assert "again: python" in done.stdout
    fractions = {
        run.data.params["data.validation_fraction"] for run in runs(workspace, "tags.seed = '30'")
    }
    assert fractions == {"0.1", "0.0"}
    assert "best_value" in (workspace / "tuned/optimization_results.yaml").read_text()
    (parent,) = client(workspace).search_runs(["1"], "tags.kind = 'sweep' AND status = 'FAILED'")
    assert parent.info.end_time is not None


def test_no_sweep_is_left_running(workspace: Path) -> None:
    broken = train(workspace, *Q, "seed=40,41", BASIC, "hydra.sweep.dir=/proc/nowhere")
    assert broken.returncode == 2, broken.stderr
    assert broken.stderr.count("\n") == 1
    assert not client(workspace).search_runs(["1"], "attributes.status = 'RUNNING'")
