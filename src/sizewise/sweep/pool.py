"""Warm worker processes. One that dies costs the call it was at, and is replaced.

Where the system can, workers are forked from a process that has imported what they need; it never
computes, so that there are no threads of OpenMP's to be lost in the fork. It starts at `warm_up`.
"""

import atexit
import multiprocessing
import pickle
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

import cloudpickle

from sizewise.entry import outlive_screen
from sizewise.interrupts import SECONDS, end_with_parent

CAN_FORK = "forkserver" in multiprocessing.get_all_start_methods()
CONTEXT: Any = multiprocessing.get_context("forkserver" if CAN_FORK else "spawn")


class WorkerDied(Exception):
    """What comes of a call whose worker ended in the middle of it.

    Args:
        process_id: the worker's.
        exit_code: negative where a signal has killed it.
    """

    def __init__(self, process_id: int, exit_code: int) -> None:
        how = f"ended with exit code {exit_code}"
        if exit_code < 0:
            name = signal.Signals(-exit_code).name
            how = f"was killed ({name}), perhaps for lack of memory"
        super().__init__(f"its process {how}")
        self.process_id = process_id


def warm_up(preload: str) -> None:
    """Begin to import a module in the process that workers will be forked from."""
    if CAN_FORK:
        from multiprocessing import forkserver

        CONTEXT.set_forkserver_preload([preload])
        with _away_from_ctrl_c():
            forkserver.ensure_running()


class Pool:
    """Processes of this machine that are kept for the calls to come.

    Args:
        size: how many calls are at work at once.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._idle: list[_Worker] = []
        self._busy: dict[_Worker, int] = {}
        atexit.register(self.close)  # before multiprocessing waits for its processes

    def run(
        self,
        calls: Iterable[Callable[[], Any]],
        is_overdue: Callable[[int], bool] = lambda _: False,
    ) -> Iterator[tuple[int, Any]]:
        """Make the calls, and yield the number of each with its result as soon as it is there.

        A call is taken from `calls` when a worker is free for it. What it raises is its result;
        that is a `WorkerDied` where its worker has ended, or was killed since the call, by its
        number, was overdue.
        """
        waiting = enumerate(calls)
        while True:
            while len(self._busy) < self._size and (call := next(waiting, None)) is not None:
                self._give(*call)
            if not self._busy:
                return
            for worker in [each for each, call in self._busy.items() if is_overdue(call)]:
                worker.kill()
            yield from self._results()

    def close(self) -> None:
        """Let the workers end when they have finished what they are at."""
        for worker in (*self._idle, *self._busy):
            worker.connection.close()

    def _give(self, number: int, call: Callable[[], Any]) -> None:
        worker = self._idle.pop() if self._idle else _Worker()
        content = cloudpickle.dumps(call)  # also functions of __main__, as Hydra's task is
        try:
            worker.connection.send_bytes(content)
        except OSError:  # it was killed as it waited
            worker = _Worker()
            worker.connection.send_bytes(content)
        self._busy[worker] = number

    def _results(self) -> Iterator[tuple[int, Any]]:
        # Another thread may receive a signal, whose handler this one runs when it wakes up.
        ready = wait([worker.connection for worker in self._busy], timeout=SECONDS)
        for worker in [each for each in self._busy if each.connection in ready]:
            number = self._busy.pop(worker)
            try:
                result = pickle.loads(worker.connection.recv_bytes())
                self._idle.append(worker)
            except (EOFError, OSError):  # it ended before its answer, or within it
                result = worker.died()
            yield number, result


class _Worker:
    def __init__(self) -> None:
        self.connection, its_end = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=_work, args=(its_end,), name="worker")
        with _away_from_ctrl_c():
            self._process.start()
        its_end.close()

    def kill(self) -> None:
        self._process.kill()

    def died(self) -> WorkerDied:
        self._process.join()
        return WorkerDied(self._process.pid, self._process.exitcode)


@contextmanager
def _away_from_ctrl_c() -> Iterator[None]:
    """Have a process that is started ignore Ctrl-C, which a terminal sends to a whole group."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _work(connection: Connection) -> None:
    """Make calls until the other end of the connection is closed."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # whatever a call makes of it
    outlive_screen()
    end_with_parent()
    while True:
        try:
            content = connection.recv_bytes()
        except EOFError:
            return
        try:
            result = pickle.loads(content)()
        except BaseException as error:
            result = error
        sys.stdout.flush()
        with suppress(BrokenPipeError):  # the parent is gone
            connection.send_bytes(_pickled(result))


def _pickled(result: Any) -> bytes:
    try:
        content = cloudpickle.dumps(result)
        pickle.loads(content)  # some exceptions can't be read back
    except Exception:
        content = pickle.dumps(RuntimeError(f"{type(result).__name__}: {result}"))
    return bytes(content)
