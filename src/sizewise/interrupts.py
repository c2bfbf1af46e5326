"""Ctrl-C and SIGTERM: held back until a step is finished and its state is on disk."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from sizewise.errors import say

SECONDS = 0.5  # between looks at a stop file, or for a signal
GRACE_SECONDS = 60.0  # for an orphan to finish its step and write its state


@contextmanager
def held_back() -> Iterator[Callable[[], bool]]:
    """Hold Ctrl-C and SIGTERM back, and yield what tells whether one came. A second acts at once.

    Only a process's main thread can do so; elsewhere none is seen to come.
    """
    received: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)
        name = signal.Signals(number).name
        say(f"{name}: stopping after this step (again: at once)")

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_softly(file: Path) -> None:
    """From now on, have the first Ctrl-C or SIGTERM make `file`, and a second end this process.

    Ctrl-C is kept from the processes that this one starts: a terminal sends it to a whole group,
    and a process that is still importing would die of it. What they look for is the file.
    """

    def stop(*_: object) -> None:
        if file.exists():
            if os.isatty(1):
                os.write(1, b"\n\x1b[?25h")  # the cursor, which a live table hides
            os._exit(128 + signal.SIGINT)
        file.touch()
        say("stopping; the runs at work finish their step and are kept (again: at once)")

    def wait() -> None:
        while True:
            signal.sigwait({signal.SIGINT})
            stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)  # threads from before don't block it
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # children inherit it, handlers not
    threading.Thread(target=wait, daemon=True, name="Ctrl-C").start()


def end_with_parent() -> None:
    """Have this process, which multiprocessing started, stop by SIGTERM when its parent dies.

    After `GRACE_SECONDS` it ends in any case.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent").start()
