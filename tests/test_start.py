"""What is not imported before it is needed: it would keep the user waiting."""

from pathlib import Path

import pytest

from tests.processes import python

WITHOUT = """
import runpy, sys

sys.argv = ["train.py", *sys.argv[1:]]
try:
    runpy.run_path({path!r}, run_name="__main__")
finally:
    print("imported:", *sorted({{"mlflow", "matplotlib", "torch"}} & set(sys.modules)))
"""
TRAIN = Path(__file__).parents[1] / "train.py"


@pytest.mark.parametrize("arguments", [["--help"], ["-sc", "query=bash"], ["--cfg", "job"]])
def test_help_and_completion_do_without_pytorch(tmp_path: Path, arguments: list[str]) -> None:
    code = WITHOUT.format(path=str(TRAIN))
    done = python(tmp_path, "-c", code, *arguments, COMP_LINE="python train.py model=")
    assert done.stdout.splitlines()[-1].strip() == "imported:", done.stderr
    assert "model" in done.stdout


REPORT = """
import runpy, sys

sys.argv = ["sizewise", "report", {path!r}]
runpy.run_module("sizewise", run_name="__main__")
assert not {{"mlflow", "torch"}} & set(sys.modules)
"""


def test_a_report_of_a_file_does_without_mlflow(tmp_path: Path) -> None:
    path = TRAIN.parent / "experiments/large_vs_small/runs.jsonl"
    done = python(tmp_path, "-c", REPORT.format(path=str(path)))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "reports/large_vs_small/report.html").exists()
