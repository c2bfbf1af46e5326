"""docs/extending.md, done: each thing is added to a copy of the project, and trains."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sizewise.records import RunRecord, read_records
from tests.processes import ROOT, make_store

FAMILY = '''
from torch import Tensor, nn

from sizewise.data.spec import DataSpec


class Wide(nn.Module):
    """One layer of width w, whose activation is the sine."""

    def __init__(self, spec: DataSpec, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(spec.num_features, width)
        self.head = nn.Linear(width, spec.num_outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.hidden(inputs.flatten(1)).sin())
'''
TASK = """
from sizewise.records import Measure


class Regress:
    measure = Measure("squared error", "", 0.05)

    def losses(self, outputs, targets):
        return (outputs[:, 0] - targets).square()

    def errors(self, outputs, targets, losses):
        return losses

    def tally(self, num_outputs):
        return None


TASK = Regress()
"""
DATA = """
import torch

from sizewise.data.dataset import Dataset
from sizewise.data.normalisation import Normalisation
from sizewise.data.spec import DataSpec
from sizewise.data.splits import Split


class Waves:
    def divide(self, config, seed):
        generator = torch.Generator().manual_seed(seed)

        def split(count):
            inputs = torch.rand(count, 1, 4, generator=generator)
            return Split(inputs, (6 * inputs.sum(dim=(1, 2))).sin())

        spec = DataSpec(config.name, (1, 4), (), task="regress", outputs=1)
        splits = split(400), split(100), split(100)
        return Dataset(spec, *splits, Normalisation([0.0], [1.0]), f"waves {seed}")


def read(config):
    return Waves()
"""
STUDY = """
from sizewise.report.section import Section


def section(records):
    sizes = sorted({record.extras["weights"] for record in records if record.extras})
    return Section(f"The weights' sums are told of {len(sizes)} runs.") if sizes else None
"""
YAML = "family: wide\nwidth: 16\ndepth: null\n_target_: null\n"
DATA_YAML = "name: waves\nroot: nowhere\nvalidation_fraction: 0.1\ntrain_samples: null\n"
EXPERIMENT = """# @package _global_
defaults:
  - override /model: wide
  - override /data: waves

training:
  optimizer: adagrad
  epochs: 2

hydra:
  mode: MULTIRUN
  sweeper:
    params:
      size: 50,200
      seed: 0,1
"""


class Project:
    """A copy of the project, to add to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = ""  # by the added study's sweep
        for name in ("src", "conf"):
            shutil.copytree(ROOT / name, folder / name, symlinks=True)
        shutil.copy(ROOT / "train.py", folder)

    def write(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text)

    def add(self, path: str, after: str, text: str) -> None:
        file = self.folder / path
        assert after in file.read_text(), f"{path} has no {after}"
        file.write_text(file.read_text().replace(after, after + text, 1))

    def train(self, *overrides: str) -> str:
        make_store(self.folder / "mlruns/mlflow.db")
        done = subprocess.run(
            [sys.executable, "train.py", *overrides],
            env=os.environ | {"PYTHONPATH": str(self.folder / "src")},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project to which a family, a set, a task, an optimiser and a study are added."""
    project = Project(tmp_path_factory.mktemp("project"))
    package = "src/sizewise"
    project.write(f"{package}/models/wide.py", FAMILY)
    project.add(
        f"{package}/models/__init__.py",
        "FAMILIES: dict[str, str] = {\n",
        '    "wide": "sizewise.models.wide.Wide",\n',
    )
    project.write("conf/model/wide.yaml", YAML)

    project.write(f"{package}/data/published/waves.py", DATA)
    project.add(
        f"{package}/data/published/__init__.py",
        "PUBLISHED: dict[str, str] = {\n",
        '    "waves": "sizewise.data.published.waves",\n',
    )
    project.write("conf/data/waves.yaml", DATA_YAML)

    project.write(f"{package}/tasks/regress.py", TASK)
    project.add(
        f"{package}/tasks/__init__.py",
        "TASKS: dict[str, str] = {\n",
        '    "regress": "sizewise.tasks.regress",\n',
    )

    project.add(
        f"{package}/training/optimizer.py", '    "sgd": SGD,\n', '    "adagrad": Adagrad,\n'
    )
    project.add(f"{package}/training/optimizer.py", "import SGD, ", "Adagrad, ")
    optimisers = 'Literal["adam", "adamw", "keras_adam", '
    project.add(f"{package}/config/schema.py", optimisers, '"adagrad", ')

    project.add(
        f"{package}/run/results.py",
        "    extras: dict[str, Any] = dict(state.extras",
        ", weights=float(sum(each.sum() for each in model.parameters()))",
    )
    project.write(f"{package}/report/studies/weights.py", STUDY)
    registry = f"{package}/report/studies/__init__.py"
    project.add(registry, "    shuffled,", "\n    weights,")
    project.add(registry, "    shuffled.section,", "\n    weights.section,")
    project.write("conf/experiment/waves.yaml", EXPERIMENT)
    return project


@pytest.fixture(scope="module")
def records(project: Project) -> list[RunRecord]:
    """Return the runs of the added study."""
    project.said = project.train("experiment=waves", "hydra.sweep.dir=sweep", "threads=1")
    return read_records(project.folder / "sweep/report/runs.jsonl")


def test_a_family_a_set_and_an_optimiser_train_at_any_size(records: list[RunRecord]) -> None:
    assert len(records) == 4
    assert {record.family for record in records} == {"wide"}
    assert {record.config["training.optimizer"] for record in records} == {"adagrad"}
    assert len({record.parameters for record in records}) == 2


def test_a_task_brings_its_measure_into_record_and_report(
    project: Project, records: list[RunRecord]
) -> None:
    report = (project.folder / "sweep/report/report.md").read_text()

    assert {record.measure.name for record in records} == {"squared error"}
    assert all(record.error() > 0 for record in records)
    assert "squared error" in project.said
    assert "squared error" in report
    assert "accuracy" not in report


def test_a_measurement_is_in_each_record_and_a_study_tells_of_it(
    project: Project, records: list[RunRecord]
) -> None:
    sums = {record.extras["weights"] for record in records}

    assert len(sums) == 4
    assert (
        "The weights' sums are told of 4 runs."
        in (project.folder / "sweep/report/report.md").read_text()
    )


def test_the_document_names_the_same_files() -> None:
    text = (ROOT / "docs/extending.md").read_text()
    for name in ("FAMILIES", "PUBLISHED", "TASKS", "MAKERS", "STUDIES", "RunRecord.extras"):
        assert f"`{name}`" in text
