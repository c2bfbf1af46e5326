"""What it costs to use a network is measured once for each architecture of a sweep."""

from pathlib import Path

import pytest

from sizewise.run.run import run
from tests.lab import make_config

SMALL = ("data.num_samples=200", "training.epochs=1")
OF_USE = {"latency_ms_p50", "latency_ms_p95", "throughput", "flops_inference", "flops_training"}


def costs(folder: Path, shared: Path | None, *overrides: str) -> dict[str, float]:
    """Train a run and return its costs of use."""
    record = run(
        make_config(folder, *SMALL, *overrides),
        folder / "-".join(overrides),
        quiet=True,
        shared_costs=shared,
    )
    return {name: record.metrics[f"cost/{name}"] for name in OF_USE}


def test_seeds_of_a_size_share_them_and_other_sizes_do_not(tmp_path: Path) -> None:
    shared = tmp_path / "costs"
    first = costs(tmp_path, shared, "model=mlp", "size=1k")
    assert costs(tmp_path, shared, "model=mlp", "size=1k", "seed=1") == first
    larger = costs(tmp_path, shared, "model=mlp", "size=4k")
    assert larger["flops_inference"] > first["flops_inference"]
    assert len(list(shared.iterdir())) == 2
    other_threads = costs(tmp_path, shared, "model=mlp", "size=1k", "seed=1", "threads=2")
    assert other_threads["latency_ms_p50"] != pytest.approx(first["latency_ms_p50"], rel=1e-9)


def test_a_run_by_itself_measures_its_own(tmp_path: Path) -> None:
    first = costs(tmp_path, None, "model=mlp", "size=1k")
    assert costs(tmp_path, None, "model=mlp", "size=1k", "seed=1") != first
