"""How every entry point, `train.py` and `sizewise`, reports a user's mistakes, and ends."""

import io
import os
import shlex
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from sizewise.errors import UserError, first_line, nearest, say
from sizewise.place import TRAIN

STARTED = time.monotonic()  # of this process, for who has promised to end in time
EXTRAS = {
    "hydra/sweeper=optuna": "tune",
    "hydra/launcher=ray": "ray",
    "hydra/launcher=submitit_slurm": "slurm",
    "hydra/launcher=submitit_local": "slurm",
}  # what an extra of pyproject.toml brings


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn a mistake of the user's into one line on stderr and exit code 2.

    Hydra's own errors are put into the same form. `SIZEWISE_DEBUG=1` shows the traceback instead.
    """
    try:
        yield
        sys.stdout.flush()
    except KeyboardInterrupt as error:
        say(str(error) or "interrupted")
        sys.exit(130)  # what shells expect after Ctrl-C
    except BrokenPipeError:  # whoever read what was printed has enough
        _send_nowhere(sys.stdout)
        sys.exit(1)
    except Exception as error:
        message = _explain(error)
        if message is None or os.environ.get("SIZEWISE_DEBUG") == "1":
            raise
        say(message)
        sys.exit(2)


def _send_nowhere(stream: TextIO) -> None:
    """Drop what follows on a stream, also from processes that this one starts."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class _Spoken:
    """A stream of words for a reader who may leave: what can't be written is dropped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._dropping():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._dropping():
            self._stream.flush()

    @contextmanager
    def _dropping(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError):  # a pipe that is closed, a full disk
            _send_nowhere(self._stream)


def replace_unencodable() -> None:
    """Print a question mark for a character that the screen's encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def outlive_screen() -> None:
    """Keep this process from ending by words that can't be written."""
    replace_unencodable()
    sys.stdout = cast(TextIO, _Spoken(sys.stdout))
    sys.stderr = cast(TextIO, _Spoken(sys.stderr))


def _explain(error: Exception) -> str | None:
    """Return the line that tells a user what to change; None if the error is not the user's."""
    if isinstance(error, UserError):
        return str(error)
    if type(error).__name__ == "UncompletedJobError":  # submitit's
        return (
            f"a job of the sweep has no result ({first_line(error)}); type the command again to go "
            "on, with a higher hydra.launcher.timeout_min or hydra.launcher.max_num_timeout"
        )
    if "hydra_ray_launcher" in str(error):  # its config is in conf/, the launcher itself may not be
        return _needs("hydra/launcher=ray")
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    if str(error).startswith("Config group override must be"):
        return (
            "a group can't be null or a number: expected the name of one of its files, as in "
            "model=lstm; to run without an experiment, leave experiment out"
        )
    if str(error).startswith("Ambiguous value for argument"):
        typed = str(error).partition("'")[2].partition("'")[0]
        return f"{typed} has several values, a sweep's: expected {' '.join(TRAIN)} -m {typed}"
    if str(error).startswith("Only one of --run, --multirun, --cfg"):
        return "--cfg, --info and -sc show one run's config: expected them without -m"
    if str(error) == "No trials are completed yet.":  # Optuna's
        return "no trial of the sweep has finished, so there is no best one; see what failed above"
    from hydra.errors import HydraException, MissingConfigException, OverrideParseException
    from omegaconf.errors import OmegaConfBaseException

    if not isinstance(error, HydraException | OmegaConfBaseException) and not _is_of_hydra(error):
        return None
    if isinstance(error, OverrideParseException):
        name, _, value = error.override.partition("=")
        quoted = shlex.quote(f'{name}="{value}"')
        hint = f"; quote what is no plain word: {quoted}" if name and value else ""
        return f"{error.override} can't be read: expected KEY=VALUE{hint}"
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        if error.missing_cfg_file.startswith("data/"):  # of one's own it may be a path
            from sizewise.config.own import no_such_set

            return no_such_set(error.missing_cfg_file.removeprefix("data/"), error.options)
        group, _, name = error.missing_cfg_file.rpartition("/")
        if f"{group}={name}" in EXTRAS:
            return _needs(f"{group}={name}")
        return f"there is no {group}={name}: {nearest(name, error.options)}"
    key = getattr(error.__cause__, "full_key", None)
    if key and not key.startswith("hydra"):
        from sizewise.config import unknown_key

        return unknown_key(key)
    reason = first_line(error.__cause__ if isinstance(error.__cause__, Exception) else error)
    return f"{reason}; expected KEY=VALUE, as in `{' '.join(TRAIN)} --help`"


def _is_of_hydra(error: Exception) -> bool:
    """Whether Hydra itself has stumbled over what was typed."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith(("hydra.", "omegaconf."))


def _needs(choice: str) -> str:
    command = f"pip install --constraint constraints.txt --editable '.[{EXTRAS[choice]}]'"
    return f"{choice} needs the extra {EXTRAS[choice]}: {command}"
