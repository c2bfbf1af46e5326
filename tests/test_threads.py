"""Threads: the cores that are ours, the number a run takes, and what a run leaves behind."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from threadpoolctl import threadpool_info

from sizewise.apply.reproduce import reproduce
from sizewise.config import Config
from sizewise.errors import Interrupted
from sizewise.models import Classical
from sizewise.run.run import run
from sizewise.sweep.job import jobs_at_once
from sizewise.threads import SPINS, share_of_cores, threads_for
from sizewise.tracking.queries import runs_by_key
from sizewise.tracking.store import open_store
from tests.processes import ROOT, command, environment_of, make_store, python

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred")  # MLflow's own

SMALL = ("data.num_samples=200", "training.epochs=2", "training.max_steps=3")
LARGE = ("model=cnn", "model.width=72")  # work for a thread or two more
COUNT = "from sizewise.threads import share_of_cores; print(share_of_cores(), share_of_cores(2))"
SPIN = "import os, sizewise; print(os.environ.get('GOMP_SPINCOUNT'))"
TAKE = """
import os
from sizewise.threads import take_share
print(take_share(), os.environ.get('GOMP_SPINCOUNT'))
"""
QUOTA = """
import builtins, io, os
exists, read = os.path.exists, open
os.cpu_count = lambda: 64
os.sched_getaffinity = lambda _: set(range(64))
os.path.exists = lambda path: path == "/sys/fs/cgroup/cpu.max" or exists(path)
builtins.open = lambda path, *a, **k: (
    io.StringIO("200000 100000") if path == "/sys/fs/cgroup/cpu.max" else read(path, *a, **k)
)
"""


def printed(folder: Path, code: str, **environment: str) -> str:
    unset = "import os; [os.environ.pop(n) for n in list(os.environ) if not os.environ[n]]\n"
    none = dict.fromkeys(("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS"), "")
    done = python(folder, "-c", unset + code, **none | environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_process_held_to_one_core_counts_one(tmp_path: Path) -> None:
    """As under `taskset -c 0`."""
    held = "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    assert printed(tmp_path, held + COUNT) == "1 1"


def test_a_container_with_two_of_64_cores_counts_two(tmp_path: Path) -> None:
    assert printed(tmp_path, QUOTA + COUNT) == "2 1"


@pytest.mark.parametrize(("typed", "expected"), [("1", "1 1"), ("8,2", "2 1"), ("words", "2 1")])
def test_omp_num_threads_bounds_each_process(tmp_path: Path, typed: str, expected: str) -> None:
    assert printed(tmp_path, QUOTA + COUNT, OMP_NUM_THREADS=typed) == expected


@pytest.mark.parametrize(("jobs", "at_once"), [(-1, 6), (-2, 5), (-9, 1), (2, 2), (1, 1)])
def test_a_sweep_divides_the_cores_that_are_ours(
    monkeypatch: pytest.MonkeyPatch, jobs: int, at_once: int
) -> None:
    monkeypatch.setattr("joblib.cpu_count", lambda: 6)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    composed = OmegaConf.create({"hydra": {"launcher": {"n_jobs": jobs}}})
    assert jobs_at_once(composed) == at_once
    assert share_of_cores(at_once) == 6 // at_once
    assert share_of_cores(7) == 1


def test_waiting_threads_spin_briefly_unless_the_user_has_said(tmp_path: Path) -> None:
    assert printed(tmp_path, SPIN) == str(SPINS)
    assert printed(tmp_path, SPIN, GOMP_SPINCOUNT="7") == "7"
    assert printed(tmp_path, SPIN, OMP_WAIT_POLICY="ACTIVE") == "None"


@contextmanager
def another_at_work(folder: Path) -> Iterator[None]:
    code = "from sizewise.threads import others_at_work as o; print(o(), flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment_of(folder, {"XDG_CACHE_HOME": str(folder)}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"0\n"
        yield
    finally:
        process.kill()  # which leaves its lock's file
        process.communicate()


def test_a_run_takes_the_cores_that_others_leave_and_spins_briefly_beside_them(
    tmp_path: Path,
) -> None:
    def taken(before: str = "", **environment: str) -> str:
        return printed(tmp_path, before + TAKE, XDG_CACHE_HOME=str(tmp_path), **environment)

    alone, whole = str(len(os.sched_getaffinity(0))), f"{len(os.sched_getaffinity(0))} None"
    held = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    assert taken() == whole
    with another_at_work(tmp_path):
        assert taken() == f"{max(1, int(alone) // 2)} {SPINS}"
        assert taken(GOMP_SPINCOUNT="7").endswith(" 7")
        assert taken(held) == ("1 None" if alone != "1" else f"1 {SPINS}")
    assert taken() == whole
    assert taken(GOMP_SPINCOUNT="7") == f"{alone} 7"
    assert printed(tmp_path, TAKE, XDG_CACHE_HOME="/dev/null") == whole


def test_openmp_hears_the_spin_count(tmp_path: Path) -> None:
    if not any(library["prefix"] == "libgomp" for library in threadpool_info()):
        pytest.skip("PyTorch is built on another OpenMP here")
    done = python(tmp_path, "-c", "import sizewise.sweep.job", OMP_DISPLAY_ENV="VERBOSE")
    assert f"GOMP_SPINCOUNT = '{SPINS}'" in done.stderr


def test_each_thread_takes_its_work() -> None:
    steps = {0: 1, 99e6: 1, 100e6: 2, 599e6: 2, 600e6: 3, 1.1e9: 5, 9e9: 8, None: 8}
    assert {flops: threads_for(flops, 8) for flops in steps} == steps
    assert threads_for(9e9, 1) == 1


@pytest.fixture
def config(compose: Callable[..., Config], tmp_path: Path) -> Callable[..., Config]:
    """Return a function from overrides to a small run's config, with a store of its own."""
    make_store(tmp_path / "mlflow.db")
    own = (
        f"tracking.uri=sqlite:///{tmp_path}/mlflow.db",
        f"tracking.artifacts={tmp_path}/artifacts",
    )
    return lambda *overrides: compose(*SMALL, *own, *overrides)


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    """Leave the other tests their one thread."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_a_small_network_takes_one_thread_and_a_large_one_its_share(
    config: Callable[..., Config], tmp_path: Path
) -> None:
    """Whatever the run before has left, and what is typed wins."""
    for number, (overrides, expected) in enumerate(
        [
            (("model=cnn", "size=800"), 1),
            (LARGE, 2),
            ((*LARGE, "threads=1"), 1),
            (("model=cnn", "size=800", "threads=2"), 2),
            (("model=knn",), 2),
        ]
    ):
        wanted = config(*overrides)
        record = run(wanted, tmp_path / str(number), quiet=True, share=2)
        assert record.threads == torch.get_num_threads() == expected, overrides
        found = open_store(wanted.tracking).client.get_run(record.run_id)
        assert found.data.tags["threads"] == str(expected)
        assert record.config["threads"] == wanted.threads


def test_a_network_after_a_classical_run_has_its_own_threads(
    config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[set[int]] = []
    make_features = Classical.make_features

    def look(self: Classical, *given: torch.Tensor | None) -> object:
        held.append({library["num_threads"] for library in threadpool_info()})
        return make_features(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Classical, "make_features", look)
    before = {library["filepath"]: library["num_threads"] for library in threadpool_info()}
    run(config("model=knn", "threads=1"), tmp_path / "classical", quiet=True)
    assert held
    assert held[-1] == {1}
    assert max(before.values()) > 1
    for library in threadpool_info():
        if library["user_api"] == "blas" and library["filepath"] in before:
            assert library["num_threads"] == before[library["filepath"]]
    record = run(config("model=cnn", "size=800"), tmp_path / "network", quiet=True, share=2)
    assert record.threads == torch.get_num_threads() == 1


def test_a_run_sets_determinism_for_itself(config: Callable[..., Config], tmp_path: Path) -> None:
    torch.use_deterministic_algorithms(True, warn_only=True)  # as a run on a GPU has left it
    try:
        run(config("model=cnn", "size=800"), tmp_path / "run", quiet=True)
        assert not torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def test_a_resumed_run_and_a_reproduction_keep_the_number_it_began_with(
    config: Callable[..., Config], tmp_path: Path
) -> None:
    wanted = config(*LARGE)
    looks = iter([False, False, True])
    with pytest.raises(Interrupted):
        run(wanted, tmp_path / "run", quiet=True, share=3, asked_to_stop=lambda: next(looks))
    record = run(
        wanted, tmp_path / "again", quiet=True, share=1, take_up=True, asked_to_stop=lambda: False
    )
    assert (record.threads, record.steps) == (3, 3)
    store = open_store(wanted.tracking)
    found = next(each for each in runs_by_key(store).values())
    assert reproduce(store, found).differences == []
    assert torch.get_num_threads() == 3


def test_what_is_typed_on_resuming_wins(config: Callable[..., Config], tmp_path: Path) -> None:
    looks = iter([False, False, True])
    with pytest.raises(Interrupted):
        run(
            config(*LARGE), tmp_path / "run", quiet=True, share=3, asked_to_stop=lambda: next(looks)
        )
    typed = config(*LARGE, "threads=2")
    record = run(typed, tmp_path / "again", quiet=True, take_up=True, asked_to_stop=lambda: False)
    found = open_store(typed.tracking).client.get_run(record.run_id)
    assert (record.threads, found.data.tags["threads"]) == (2, "2")


def test_the_plan_shows_the_threads(tmp_path: Path, data_root: Path) -> None:
    sweep = ("-m", "model=cnn", "size=800,60k", "data.num_samples=200", "hydra.launcher.n_jobs=1")
    done = command(
        ROOT, "plan", *sweep, f"tracking.uri=sqlite:///{tmp_path}/mlflow.db",
        SIZEWISE_DATA=str(data_root), COLUMNS="200",
    )  # fmt: skip
    lines = [line.split() for line in done.stdout.splitlines()]
    column = lines[0].index("threads")
    assert lines[1][column] == "1", done.stderr
    assert int(lines[2][column]) >= 1
