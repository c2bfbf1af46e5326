"""Sweeps as a user runs them."""

import json
import re
import shlex
from pathlib import Path

import pytest

from sizewise.records import read_records
from tests.processes import ROOT, client, command, run_code, shared, train

# Three runs that finish and one whose loss overflows.
GRID = ("-m", "model=mlp", "size=600,2k", "data.validation_fraction=0.1,0", "training.epochs=2")
LAUNCHER = ("training.patience=9", "hydra/launcher=basic")
RUN_A_JOB = """
import sys
from pathlib import Path
from hydra import compose, initialize_config_dir
from sizewise.sweep.job import run_in_sweep

overrides = ["model=logistic", "size=500"]
with initialize_config_dir(sys.argv[1], version_base="1.3"):
    print(run_in_sweep(compose("config", overrides), Path(sys.argv[2]), "0", overrides, "again"))
"""
FINE = ("-m", "model=cnn,logistic", "size=500", "seed=0,1", "training.epochs=2")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder in which a sweep of four runs has finished, in two processes."""
    folder = tmp_path_factory.mktemp("sweeps")
    done = train(folder, *FINE, "hydra.sweep.dir=first", "hydra.launcher.n_jobs=2")
    assert done.returncode == 0, done.stderr
    assert "0 done, 0 failed, 4 to run" in done.stdout
    return folder


def runs(folder: Path, kind: str = "") -> list[str]:
    found = client(folder).search_runs(["1"], kind)
    return [run.info.run_id for run in found]


def test_a_sweep_is_one_parent_run_with_its_runs_below(workspace: Path) -> None:
    (parent,) = client(workspace).search_runs(["1"], "tags.kind = 'sweep'")
    children = client(workspace).search_runs(
        ["1"], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    )

    assert parent.info.status == "FINISHED"
    assert sorted((run.data.tags["family"], run.data.tags["seed"]) for run in children) == [
        ("cnn", "0"),
        ("cnn", "1"),
        ("logistic", "0"),
        ("logistic", "1"),
    ]
    assert {run.data.tags["sweep"] for run in children} == {parent.info.run_name}
    assert {run.data.tags["size"] for run in children} == {"478", "510"}
    artifacts = {
        item.path for item in client(workspace).list_artifacts(parent.info.run_id, "report")
    }
    assert {"report/report.html", "report/report.md", "report/runs.jsonl"} <= artifacts


def test_what_is_planned_is_what_has_run(workspace: Path) -> None:
    planned = json.loads((workspace / "first/sweep.json").read_text())["keys"]
    records = (workspace / "first/report/runs.jsonl").read_text().splitlines()

    assert [json.loads(line)["run_key"] for line in records] == planned
    assert {path.stem for path in (workspace / "first/runs").glob("*.json")} == set(planned)
    assert all((workspace / f"first/{job}/.hydra/config.yaml").exists() for job in range(4))
    assert (workspace / "first/multirun.yaml").exists()


def test_a_run_that_was_not_planned_is_refused(workspace: Path) -> None:
    """As of other data, or other code, on another machine."""
    told = json.loads((workspace / "first/sweep.json").read_text()) | {"keys": ["another"]}
    sweep = workspace / "refused"
    sweep.mkdir()
    (sweep / "sweep.json").write_text(json.dumps(told))
    done = run_code(workspace, RUN_A_JOB, str(ROOT / "conf"), str(sweep))
    (state,) = (json.loads(path.read_text()) for path in sweep.glob("runs/*.json"))
    assert done.stdout.strip() == "nan", done.stderr
    assert (state["name"], state["status"]) == ("model=logistic size=500", "failed")
    assert "logistic-510-mnist1d-s0 is not what was planned" in state["error"]


def test_each_run_takes_its_share_of_the_cores(workspace: Path) -> None:
    record = json.loads((workspace / "first/0/record.jsonl").read_text())

    assert record["threads"] == 1
    assert record["config"]["seed"] == 0


def test_running_a_finished_sweep_again_trains_nothing_and_reports_again(workspace: Path) -> None:
    before = runs(workspace)
    done = train(workspace, *FINE, "hydra.sweep.dir=again", "hydra/launcher=basic")

    assert done.returncode == 0, done.stderr
    assert "4 done, 0 failed, 0 to run" in done.stdout
    (parent,) = client(workspace).search_runs(["1"], "tags.kind = 'sweep'")
    assert parent.info.status == "FINISHED"
    assert len(re.findall(r"skip \S+: finished as [0-9a-f]{32}", done.stdout)) == 4
    assert runs(workspace) == before
    first, again = (
        (workspace / f"{folder}/report/runs.jsonl").read_text() for folder in ("first", "again")
    )
    assert first == again


def test_a_report_takes_in_all_runs_alike_whichever_sweep_trained_them(workspace: Path) -> None:
    part = ("-m", "model=logistic", "size=500", "seed=0,1", "training.epochs=2")
    done = train(workspace, *part, "hydra.sweep.dir=part", "hydra/launcher=basic")
    assert "2 done, 0 failed, 0 to run" in done.stdout, done.stderr
    name = done.stdout.partition(":")[0]
    again = command(workspace, "report", name, "--to", "part-again")

    assert again.returncode == 0, again.stderr
    for report in ("part/report", "part-again"):
        records = read_records(workspace / report / "runs.jsonl")
        assert sorted((each.family, each.seed) for each in records) == [
            *(("cnn", 0), ("cnn", 1), ("logistic", 0), ("logistic", 1))
        ]
        assert (
            "2 runs of this sweep and 2 like them" in (workspace / report / "report.md").read_text()
        )


def test_a_deleted_run_is_the_only_one_trained_again(workspace: Path) -> None:
    victim = json.loads((workspace / "first/2/record.jsonl").read_text())
    client(workspace).delete_run(victim["run_id"])
    before = set(runs(workspace))
    done = train(workspace, *FINE, "hydra.sweep.dir=mended", "hydra/launcher=basic")

    assert done.returncode == 0, done.stderr
    assert "3 done, 0 failed, 1 to run" in done.stdout
    (new,) = set(runs(workspace)) - before
    records = (workspace / "mended/report/runs.jsonl").read_text().splitlines()
    *reused, mended = sorted(map(json.loads, records), key=lambda each: each["run_id"] == new)
    assert mended["run_id"] == new
    assert mended["run_key"] == victim["run_key"]
    assert mended["metrics"]["test/loss"] == pytest.approx(victim["metrics"]["test/loss"], rel=1e-3)
    assert len(reused) == 3
    assert {each["run_id"] for each in reused} <= before
    assert [each.name for each in (workspace / "mended").glob("[0-9]")] == ["0"]


def test_rerun_trains_finished_runs_again(workspace: Path) -> None:
    before = len(runs(workspace))
    one = ("-m", "model=logistic", "size=500", "seed=0", "training.epochs=2", "rerun=true")
    done = train(workspace, *one, "hydra/launcher=basic")

    assert done.returncode == 0, done.stderr
    assert len(runs(workspace)) == before + 2  # the run, and the new sweep's parent


def test_a_failed_run_is_told_with_its_retry_and_the_others_finish(workspace: Path) -> None:
    done = train(workspace, *GRID, *LAUNCHER, "hydra.sweep.dir=failing")

    assert done.returncode == 1
    assert done.stdout.count("failed: mlp-") == 2
    told = r"[1-4]/4  mlp-\S+  failed: training.patience=9 looks at validation"
    assert len(re.findall(told, done.stdout)) == 2  # as it happens, besides at the end
    script = shlex.quote(str(ROOT / "train.py"))
    assert f"  again: python {script} model=mlp size=600 data.validation_fraction=0 " in done.stdout
    statuses = [
        run.info.status for run in client(workspace).search_runs(["1"], "tags.family = 'mlp'")
    ]
    assert sorted(statuses) == ["FAILED", "FAILED", "FINISHED", "FINISHED"]
    again = train(workspace, *GRID, *LAUNCHER, "sweep.on_failure=stop", "hydra.sweep.dir=stopping")
    assert "2 done, 2 failed, 0 to run" in again.stdout
    assert again.returncode == 1
    assert "not started: 1 runs, since sweep.on_failure=stop" in again.stdout


@pytest.mark.slow
def test_an_optimiser_goes_on_where_it_stopped(workspace: Path) -> None:
    tune = ("experiment=tune_lstm", "size=300", "training.epochs=1", "hydra.sweeper.n_jobs=1")
    there = ("hydra/launcher=basic", "threads=1")
    for trials, trained in ((2, 2), (3, 1)):
        before = set(runs(workspace, "tags.sweep = 'tune_lstm' AND tags.family = 'lstm'"))
        done = train(workspace, *tune, *there, f"hydra.sweeper.n_trials={trials}")
        assert done.returncode == 0, done.stderr
        after = set(runs(workspace, "tags.sweep = 'tune_lstm' AND tags.family = 'lstm'"))
        assert len(after - before) == trained


def test_an_impossible_size_is_refused_before_anything_trains(tmp_path: Path) -> None:
    done = train(tmp_path, "-m", "model=logistic,lstm", "size=2k,1")

    assert done.returncode == 2
    assert "size=1 is too small: the smallest logistic for mnist1d has 60" in done.stderr
    assert "[in the run model=logistic size=1]" in done.stderr
    assert done.stderr.count("\n") == 1
    assert [each.name for each in client(tmp_path).search_experiments()] == ["Default"]


def test_a_plan_counts_what_is_done_and_trains_nothing(workspace: Path) -> None:
    before = runs(workspace)
    there = (
        f"data.root={shared['SIZEWISE_DATA']}",
        f"tracking.uri=sqlite:///{workspace}/mlruns/mlflow.db",
    )
    done = command(ROOT, "plan", *FINE, "seed=0,1,2", *there)

    assert done.returncode == 0, done.stderr
    assert re.search(r"6 runs, 4 done, 2 to run: about [0-9.]+ minutes", done.stdout)
    assert re.search(r"cnn +mnist1d +3,600 +500 +478 +1 +3 +2 ", done.stdout)
    assert runs(workspace) == before


def test_a_report_can_be_written_again_from_the_store_and_from_a_file(workspace: Path) -> None:
    (name,) = {
        run.info.run_name
        for run in client(workspace).search_runs(["1"], "tags.kind = 'sweep'")
        if "cnn" in run.data.tags["command"]
    }
    stored = command(workspace, "report", name, "--to", "stored")
    assert stored.returncode == 0, stored.stderr
    filed = command(workspace, "report", "stored/runs.jsonl", "--to", "filed")
    assert filed.returncode == 0, filed.stderr

    kept = [
        {
            json.loads(line)["run_key"]
            for line in (workspace / to / "runs.jsonl").read_text().splitlines()
        }
        for to in ("stored", "filed")
    ]
    assert kept[0] == kept[1]
    assert len(kept[0]) == 4
    missing = command(workspace, "report", "lrge_vs_small")
    assert missing.returncode == 2
    assert "there is no sweep lrge_vs_small" in missing.stderr
