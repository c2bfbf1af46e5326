"""Runs train.py and sizewise in processes forked from one that has imported what they import.

An import of PyTorch and MLflow takes longer than the tests' runs do. A request is a line of JSON on
stdin: the program, or code, which imports sizewise anew; its arguments, the folder, the environment
and two files for what is printed. The answer is the exit code. The process ends with its stdin.
Reports get blank figures, unless FIGURES=drawn is in the environment. A sweep's own workers are
forked from here as well.
"""

import atexit
import gc
import itertools
import json
import multiprocessing.util
import os
import runpy
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

TRAIN = Path(__file__).parents[1] / "train.py"

BEFORE = set(os.environ)
SPAWN: Callable[..., int] = multiprocessing.util.spawnv_passfds
BLANK = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
BLANK_PNG = b"\x89PNG\r\n\x1a\n"
exit_code: list[int] = []  # of a fork, once it is at its end


@atexit.register  # first, and so the last to be called
def leave() -> None:
    """End a fork as it is: to take its modules apart copies all of their memory."""
    if exit_code:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code[0])


def serve() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            _become(request)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(request: dict[str, Any]) -> None:
    """Run a program as if this process had been started for it, and end."""
    os.chdir(request["folder"])
    made = {name: value for name, value in os.environ.items() if name not in BEFORE}
    os.environ.clear()
    os.environ.update(made | request["environment"])  # what the imports have set stays
    if request["environment"].get("FIGURES") != "drawn":
        _draw_blanks()
    mock.patch("multiprocessing.util.spawnv_passfds", _spawn).start()
    signal.alarm(300)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, name in ((1, "output"), (2, "errors")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    program, arguments = request["program"], request["arguments"]
    is_train = program == "train.py"
    sys.argv = [str(TRAIN) if is_train else program, *arguments]
    sys.path[0] = str(TRAIN.parent) if is_train else str(Path.cwd())
    sys.path[1:1] = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    code: object = 1
    try:
        if is_train:
            runpy.run_path(str(TRAIN), run_name="__main__")
        elif program == "sizewise":
            runpy.run_module("sizewise", run_name="__main__")
        else:
            _forget("sizewise")
            warnings.simplefilter("ignore")
            sys.argv = ["-c", *arguments]
            exec(program, {"__name__": "__main__"})
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
        if isinstance(code, str):
            print(code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    exit_code.append(code if isinstance(code, int) else 1)
    sys.exit()


def _spawn(path: str, arguments: list[str], kept: list[int]) -> int:
    """Start a process for multiprocessing: its fork server by a fork, which has its imports."""
    code = arguments[-1]
    if "forkserver" not in code:
        return SPAWN(path, arguments, kept)
    if child := os.fork():
        return child
    for first, last in itertools.pairwise((2, *sorted(kept), os.sysconf("SC_OPEN_MAX"))):
        os.closerange(first + 1, last)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    try:
        exec(code, {"__name__": "__main__"})
    finally:
        os._exit(0)


def _draw_blanks() -> None:
    """Have figures be blank: to start the engine that draws, and to draw, is most of a report."""
    mock.patch("vl_convert.vegalite_to_svg", return_value=BLANK).start()
    mock.patch("vl_convert.svg_to_png", return_value=BLANK_PNG).start()


def _forget(package: str) -> None:
    """Have the next import of a package look for it anew."""
    for name in [each for each in sys.modules if each.partition(".")[0] == package]:
        del sys.modules[name]


def warm_up() -> None:
    """Import what a run, a sweep and a report do, find Hydra's plug-ins, read the code of a run."""
    from hydra.core.plugins import Plugins

    import sizewise.report
    import sizewise.run.run
    import sizewise.sweep.parent
    import sizewise.sweep.preload  # noqa: F401
    from sizewise.models import find_class
    from sizewise.run.identity import code_of

    Plugins.instance()
    for family in ("cnn", "logistic"):
        code_of(find_class(family), "mnist1d", "classify")
    mock.patch("sizewise.cost.SECONDS", 0.01).start()  # for a network's speed
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    warm_up()

    serve()
