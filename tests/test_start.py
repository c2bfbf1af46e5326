"""What is not imported before it is needed: it would keep the user waiting."""

from pathlib import Path

import pytest

from sizewise.config import Mnist1dConfig
from sizewise.data.published import read
from tests.processes import python

AT_FIRST_STEP = """
import os, runpy, sys
from sizewise.training.adam import Adam

def step(self, learning_rate):
    print("imported:", *sorted(LATER & set(sys.modules)), flush=True)
    os._exit(0)

LATER = {"mlflow", "matplotlib", "sklearn", "torch._dynamo", "pandas"}
Adam.step = step
sys.argv = ["train.py", *sys.argv[1:]]
runpy.run_path(os.environ["TRAIN"], run_name="__main__")
"""
WITHOUT = """
import runpy, sys

sys.argv = ["train.py", *sys.argv[1:]]
try:
    runpy.run_path({path!r}, run_name="__main__")
finally:
    print("imported:", *sorted({{"mlflow", "matplotlib", "torch"}} & set(sys.modules)))
"""
TRAIN = Path(__file__).parents[1] / "train.py"


def test_the_first_step_is_taken_before_mlflow_is_imported(
    tmp_path: Path, data_root: Path, mnist1d_config: Mnist1dConfig
) -> None:
    read(mnist1d_config)  # generating it takes matplotlib
    done = python(tmp_path, "-c", AT_FIRST_STEP, f"data.root={data_root}", TRAIN=str(TRAIN))
    assert done.stdout.splitlines()[-1].strip() == "imported:", done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["-sc", "query=bash"], ["--cfg", "job"]])
def test_help_and_completion_do_without_pytorch(tmp_path: Path, arguments: list[str]) -> None:
    code = WITHOUT.format(path=str(TRAIN))
    done = python(tmp_path, "-c", code, *arguments, COMP_LINE="python train.py model=")
    assert done.stdout.splitlines()[-1].strip() == "imported:", done.stderr
    assert "model" in done.stdout
