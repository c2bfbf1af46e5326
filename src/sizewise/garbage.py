"""When Python looks for garbage: not while a program imports, nor when it ends.

To look through all that PyTorch and MLflow make again and again takes a quarter of the time of
their import, and a second at the end of the process, with which everything goes.
"""

import atexit
import gc

_is_asked_for = False


def wait() -> None:
    """Collect nothing until `go_on`: to be called at the start of a program."""
    global _is_asked_for
    if not _is_asked_for:
        _is_asked_for = True
        gc.disable()
        atexit.register(gc.freeze)


def go_on() -> None:
    """Collect again, but for what is there by now: it stays. Nothing is done without `wait`."""
    if _is_asked_for and not gc.isenabled():
        gc.freeze()
        gc.enable()
