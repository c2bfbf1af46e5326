"""Signals that are held back, and processes that end with their parent."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sizewise.interrupts import held_back
from tests.processes import kill, wait_until


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_the_second_acts_at_once(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    with held_back() as received:
        assert not received()
        os.kill(os.getpid(), number)
        assert received()
        assert f"{number.name}: stopping after this step" in capsys.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_threads_leave_signals_to_the_main_thread() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def look() -> None:
        with held_back() as received:
            seen.extend((received(), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [False, before]


PARENT = """
import multiprocessing, os, sys, time
from sizewise.interrupts import end_with_parent, held_back

def work():
    end_with_parent()
    with held_back() as received:
        print(os.getpid(), flush=True)
        while not received():
            time.sleep(0.01)
    print("stopped softly", flush=True)

if __name__ == "__main__":
    multiprocessing.get_context(sys.argv[1]).Process(target=work).start()
    time.sleep(60)
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_process_is_asked_to_stop_when_its_parent_is_gone(tmp_path: Path, method: str) -> None:
    output, script = tmp_path / "output", tmp_path / "script.py"
    script.write_text(PARENT)
    with output.open("w") as file:
        parent = subprocess.Popen([sys.executable, str(script), method], stdout=file)
    wait_until(lambda: output.read_text() != "")
    kill(parent.pid)
    parent.wait()
    wait_until(lambda: output.read_text().endswith("stopped softly\n"))
    child = int(output.read_text().split()[0])
    wait_until(lambda: not Path(f"/proc/{child}").exists())
