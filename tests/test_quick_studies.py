"""The quick forms of studies, shortened further: one command, and the report has their section."""

from pathlib import Path

import pytest

from tests.conftest import CONF
from tests.processes import train

# What is cut from each, and the file that is drawn only if its section is there, or words of it.
QUICK = {
    "compute_quick": (
        ("size=500,1k", "seed=0,1", "training.flops=2e6,5e6", "training.max_steps=null"),
        "grows with its FLOPs",
    ),
    "data_amount_quick": (
        ("size=500,2k", "data.train_samples=100,null", "seed=0"),
        "Enough on 100",
    ),
    "double_descent_quick": (("size=500,1k,2k,4k,8k", "seed=0"), ""),  # five steps have no peak
    "label_noise_quick": (("size=1k,4k", "data.label_noise=0,0.4"), "wrong labels"),
    "mnist1d_paper_quick": (("model=residual_mlp",), "Shuffling"),
    "stability_quick": (("model=cnn", "size=300,1k"), "rate"),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quick")


def test_each_quick_study_is_tried() -> None:
    assert {path.stem for path in (CONF / "experiment").glob("*_quick.yaml")} == set(QUICK)


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_study_ends_in_its_report(workspace: Path, name: str) -> None:
    cut, words = QUICK[name]
    short = (f"experiment={name}", "training.max_steps=5", "data.num_samples=1000")
    here = ("data.test_samples=null", "hydra/launcher=basic", f"hydra.sweep.dir={name}")
    done = train(workspace, *short, *cut, *here, "threads=1")
    assert done.returncode == 0, done.stderr
    report = (workspace / name / "report/report.md").read_text()
    assert words in report.partition("\n## ")[2]
