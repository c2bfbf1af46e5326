"""The same sweep on the engines that scale out, for real on this machine."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.processes import client, train
from tests.ray_cluster import ray_cluster

pytestmark = pytest.mark.slow

SWEEP = ("-m", "model=cnn", "size=300", "seed=0,1", "data.num_samples=500", "training.epochs=2")
HERE = (*SWEEP, "threads=1", "hydra.sweep.dir=sweep")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What the runs give one after the other in one process."""
    return sweep(tmp_path_factory.mktemp("basic"), "basic")


def sweep(folder: Path, launcher: str, *more: str, **environment: str) -> list[Any]:
    done = train(folder, *HERE, f"hydra/launcher={launcher}", *more, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "UserWarning" not in done.stderr
    statuses = [run.info.status for run in client(folder).search_runs(["1"])]
    assert statuses == ["FINISHED"] * 3
    records = [json.loads((folder / f"sweep/{job}/record.jsonl").read_text()) for job in (0, 1)]
    assert [record["config"]["threads"] for record in records] == [1, 1]
    return [
        [
            {name: epoch[name] for name in ("train/loss", "val/loss", "grad_norm")}
            for epoch in record["history"]
        ]
        + [record["metrics"]["test/loss"], record["run_key"]]
        for record in records
    ]


def test_our_workers_give_the_same(tmp_path: Path, expected: list[Any]) -> None:
    assert sweep(tmp_path, "pool", "hydra.launcher.n_jobs=2") == expected


def test_submitit_gives_the_same(tmp_path: Path, expected: list[Any]) -> None:
    assert sweep(tmp_path, "submitit_local") == expected


def test_ray_gives_the_same_on_two_nodes(tmp_path: Path, expected: list[Any]) -> None:
    with ray_cluster() as environment:
        assert sweep(tmp_path, "ray", **environment) == expected
