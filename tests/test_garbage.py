"""Python's garbage collector waits while a program imports, and is at work while one trains."""

from pathlib import Path

from tests.processes import ROOT, make_store, python

STEPS = """
import gc
from sizewise import garbage
before = gc.get_freeze_count()  # 0, but on Python 3.12
garbage.go_on()  # which nobody has waited for
assert (gc.isenabled(), gc.get_freeze_count()) == (True, before)
garbage.wait()
assert not gc.isenabled()
kept = [[] for _ in range(100)]
garbage.go_on()
assert gc.isenabled()
frozen = gc.get_freeze_count()
assert frozen > before + 100
garbage.wait()  # once is enough
garbage.go_on()
assert (gc.isenabled(), gc.get_freeze_count()) == (True, frozen)
"""
NETWORK = """
import gc
from torch import nn


class Net(nn.Linear):
    def __init__(self, spec, width):
        super().__init__(spec.num_features, spec.num_outputs)

    def forward(self, inputs):
        if self.training:
            open("seen", "a").write(f"{gc.isenabled()} {gc.get_freeze_count() > 100_000}\\n")
        return super().forward(inputs.flatten(1))
"""


def test_it_waits_once_and_leaves_what_is_there_alone(tmp_path: Path) -> None:
    done = python(tmp_path, "-c", STEPS)
    assert done.returncode == 0, done.stderr


def test_it_is_at_work_while_a_network_trains(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(NETWORK)
    make_store(tmp_path / "mlruns/mlflow.db")
    own = ("model._target_=mine.Net", "model.width=1", "model.depth=null", "training.max_steps=2")
    typed = (str(ROOT / "train.py"), *own, "data=digits")
    done = python(tmp_path, *typed, PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert (tmp_path / "seen").read_text() == "True True\n" * 2
