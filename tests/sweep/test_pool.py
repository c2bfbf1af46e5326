"""Warm workers: what they start with, and what it costs when one of them dies."""

import ast
import gc
import os
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from sizewise.errors import Interrupted, UserError
from sizewise.sweep.pool import CAN_FORK, Pool, WorkerDied, warm_up
from tests.processes import ROOT, python, wait_until


@pytest.fixture
def pool() -> Iterator[Pool]:
    warm_up("sizewise.sweep.preload")
    pool = Pool(2)
    yield pool
    pool.close()


class Unreadable(Exception):
    """Can be pickled, and not be read back."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")


def at_start() -> tuple[int, int, bool, int]:
    """Return the process, its parent, whether PyTorch is imported, and the number of threads."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    return os.getpid(), os.getppid(), "torch" in sys.modules, threads


def die(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def raise_(kind: type[BaseException], *arguments: Any) -> Callable[[], None]:
    def call() -> None:
        raise kind(*arguments)

    return call


def results(pool: Pool, *calls: Callable[[], Any]) -> list[Any]:
    found = dict(pool.run(calls))
    return [found[number] for number in range(len(calls))]


FRESH = """
from sizewise.sweep.pool import Pool, warm_up
from tests.sweep.test_pool import at_start, results

if __name__ == "__main__":  # workers import this file under another name
    warm_up("sizewise.sweep.preload")
    first, second = Pool(2), Pool(1)
    print([*results(first, at_start, at_start), *results(second, at_start)])
    first.close()
    second.close()
"""


WATCH = """
import os
import sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "mlflow":
            assert "MLFLOW_DISABLE_TELEMETRY" in os.environ, "MLflow reads its settings too early"

if "forkserver" in sys.orig_argv[-1]:
    sys.meta_path.insert(0, Watch())
"""


@pytest.mark.skipif(not CAN_FORK, reason="workers are spawned here")
def test_workers_are_forked_from_one_process_that_has_imported_torch(tmp_path: Path) -> None:
    """And MLflow, once its settings were there.

    It has not computed: two threads are the worker's first and the one that watches. In a process
    of its own: the forkserver of this one may have been started by another test.
    """
    script = tmp_path / "fresh.py"
    script.write_text(FRESH)
    (tmp_path / "sitecustomize.py").write_text(WATCH)  # Python imports it as it starts
    done = python(tmp_path, str(script), PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert done.returncode == 0, done.stderr
    workers = ast.literal_eval(done.stdout)
    assert len({process for process, *_ in workers}) == 3
    assert len({parent for _, parent, *_ in workers}) == 1
    assert [each[2:] for each in workers] == [(True, 2)] * 3


def test_workers_are_kept_for_the_next_calls(pool: Pool) -> None:
    first = {each[0] for each in results(pool, *[at_start] * 4)}
    second = {each[0] for each in results(pool, *[at_start] * 4)}
    assert len(first) == 2
    assert second == first


def test_a_worker_that_dies_costs_its_own_call_and_is_replaced(pool: Pool) -> None:
    calls = (lambda: 1, lambda: die(signal.SIGKILL), lambda: 3, lambda: os._exit(7), lambda: 5)
    one, killed, three, ended, five = results(pool, *calls)
    assert (one, three, five) == (1, 3, 5)
    assert isinstance(killed, WorkerDied)
    assert str(killed) == "its process was killed (SIGKILL), perhaps for lack of memory"
    assert isinstance(ended, WorkerDied)
    assert str(ended) == "its process ended with exit code 7"
    assert results(pool, lambda: 6, lambda: 7) == [6, 7]


def die_in_mid_answer() -> None:
    """End after the length of an answer, and a part of it, have gone down the pipe."""
    (end,) = (each for each in gc.get_objects() if isinstance(each, Connection) and not each.closed)
    os.write(end.fileno(), struct.pack("!i", 1000) + bytes(10))
    os._exit(1)


def test_a_worker_that_dies_in_the_middle_of_its_answer_costs_its_own_call(pool: Pool) -> None:
    one, died, three = results(pool, lambda: 1, die_in_mid_answer, lambda: 3)
    assert (one, three) == (1, 3)
    assert isinstance(died, WorkerDied)


def test_a_worker_that_is_killed_as_it_waits_costs_nothing(pool: Pool) -> None:
    for process, *_ in results(pool, at_start, at_start):
        os.kill(process, signal.SIGKILL)
        wait_until(lambda process=process: not Path(f"/proc/{process}").exists())  # type: ignore[misc]
    assert results(pool, lambda: 1, lambda: 2, lambda: 3) == [1, 2, 3]


def test_what_a_call_raises_is_its_result(pool: Pool) -> None:
    user, interrupted, ended, unreadable = results(
        pool,
        raise_(UserError, "a mistake"),
        raise_(Interrupted, "stopped"),
        raise_(SystemExit, 3),
        raise_(Unreadable, 1, 2),
    )
    assert (type(user), str(user)) == (UserError, "a mistake")
    assert (type(interrupted), str(interrupted)) == (Interrupted, "stopped")
    assert (type(ended), ended.code) == (SystemExit, 3)
    assert (type(unreadable), str(unreadable)) == (RuntimeError, "Unreadable: 1 and 2")


def test_calls_are_taken_when_a_worker_is_free(pool: Pool) -> None:
    taken: list[int] = []

    def calls() -> Iterator[Callable[[], int]]:
        for number in range(6):
            taken.append(number)
            yield lambda: 0

    seen = [len(taken) for _ in pool.run(calls())]
    assert seen[0] <= 2
    assert taken == list(range(6))


SCRIPT = """
from sizewise.sweep.pool import Pool

def call():
    print("printed in a worker")

if __name__ == "__main__":
    print([result for _, result in Pool(1).run([call])])
"""


def test_what_a_worker_prints_is_not_lost_and_the_process_ends(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    done = python(tmp_path, "script.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == ["[None]", "printed in a worker"]
