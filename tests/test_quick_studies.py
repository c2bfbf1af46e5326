"""The quick forms of studies, shortened further: one command, and the report has their section."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.lab import CONF
from tests.processes import train

STEPS = "training.max_steps=5"
RATES = "training.learning_rate=0.01,0.1"
SHORT_TEXT = ("data=pydoc", "data.train_samples=500", "data.validation_fraction=0.1")
# How each is cut short, and words that its section alone has; a peak takes more than five steps.
QUICK = {
    "compute_quick": (("size=500,1k", "training.flops=2e6,5e6"), "grows with its FLOPs"),
    "data_amount_quick": (
        (STEPS, "size=500,2k", "data.train_samples=100,null", "seed=0"),
        "Enough on 100",
    ),
    "double_descent_quick": ((STEPS, "size=500,1k,2k,4k,8k", "seed=0"), ""),
    "interpretability_quick": ((STEPS, "model=cnn", "explain=5", "seed=0"), "by the maps of cnn"),
    "label_noise_quick": (
        (STEPS, "size=1k,4k", "data.label_noise=0,0.4", "seed=0"),
        "wrong labels",
    ),
    "mnist1d_paper_quick": ((STEPS, "model=residual_mlp"), "the steps costs"),
    "speech_quick": ((STEPS, "model=lstm", "size=1k,4k", "seed=0"), "1,040"),
    "seq2seq_quick": ((STEPS, "size=1k,3k", "data.num_samples=1000", "seed=0"), "at length 6"),
    "stability_quick": ((STEPS, "model=cnn", "size=300,1k", "seed=0,1", RATES), "rate"),
    "text_quick": ((STEPS, *SHORT_TEXT, "size=5k,6k", "seed=0"), "knows more than xz"),
}

MNIST1D = ("data.num_samples=1000", "data.validation_fraction=0.1", "data.test_samples=null")
OF_OTHER_DATA = {  # and who carries it
    "seq2seq_quick": "sizewise",
    "speech_quick": "aeon",
    "text_quick": "pydoc_data",
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quick")


def test_each_quick_study_is_tried() -> None:
    assert {path.stem for path in (CONF / "experiment").glob("*_quick.yaml")} == set(QUICK)


IN_FAST_TESTS = ("seq2seq_quick",)


@pytest.mark.parametrize(
    "name",
    [
        each if each in IN_FAST_TESTS else pytest.param(each, marks=pytest.mark.slow)
        for each in QUICK
    ],
)
def test_a_quick_study_ends_in_its_report(workspace: Path, name: str) -> None:
    cut, words = QUICK[name]
    if (package := OF_OTHER_DATA.get(name)) and find_spec(package) is None:
        pytest.skip(f"needs the package {package}")
    data = () if package else MNIST1D
    here = ("hydra/launcher=basic", f"hydra.sweep.dir={name}", "threads=1")
    done = train(workspace, f"experiment={name}", *data, *cut, *here, FIGURES="drawn")
    assert done.returncode == 0, done.stderr
    report = (workspace / name / "report/report.md").read_text()
    figures = list((workspace / name / "report/figures").iterdir())
    assert min(figure.stat().st_size for figure in figures) > 1000
    assert words in report.partition("\n## ")[2]
