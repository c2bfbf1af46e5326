"""Exported folders stand by themselves: what they say they need is all they need."""

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from torch import nn
from torchvision.models.resnet import ResNet

from sizewise.apply.export import export
from sizewise.predict import load
from sizewise.run.code import own_code
from sizewise.run.run import run
from sizewise.tracking.resolve import find_run
from sizewise.tracking.store import Store, open_store
from tests.lab import make_config
from tests.processes import run_code

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's and the ONNX exporter's own

MINE = """
import json
import sys
import time

from torch import nn

import mine_parts


class Net(nn.Module):
    def __init__(self, spec, width):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(spec.num_features, width), nn.Linear(width, spec.num_classes)
        )

    def forward(self, inputs):
        time.sleep(0 * len(json.dumps(sys.argv)))  # built in, on disk, and both
        return mine_parts.twice(self.layers(inputs))
"""
PARTS = """
def twice(value):
    return 2 * value
"""
SMALL = ("data.num_samples=200", "training.epochs=1", "threads=1")
OWN = ("model.width=3", "model.depth=null")
FAMILIES = {
    "a network": ("model=cnn", "model.width=2"),
    "a transformer": ("model=transformer", "model.width=4"),
    "a classical model": ("model=knn",),
    "a class of one's own": ("model._target_=mine.Net", *OWN),
    "a class in a package": ("model._target_=mine_pack.nets.Net", *OWN),
}
CARRIED = [name for name in FAMILIES if name != "a transformer"]  # what is in it, not its graph
# What neither PyTorch nor MLflow brings, so that a folder which needs it would have to say so.
NOT_NEEDED = ("hydra", "torchvision", "mnist1d", "altair", "rich", "optuna")
WITHOUT = f"import sys; sys.modules.update(dict.fromkeys({NOT_NEEDED!r}))\n"
INPUTS = "import numpy as np; inputs = np.load(INPUTS).astype(np.float32)\n"
SAVE = "\nnp.save('answer.npy', probabilities)\n"


@pytest.fixture(scope="module")
def own_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Write a network of one's own, in a module and in a package; other processes don't see it."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine_pack").mkdir(parents=True)
    (folder / "mine.py").write_text(MINE)
    (folder / "mine_parts.py").write_text(PARTS)
    (folder / "unused.py").write_text("raise ValueError\n")
    (folder / "mine_pack/__init__.py").touch()
    (folder / "mine_pack/nets.py").write_text(
        MINE.replace("import mine_parts", "from mine_pack import parts as mine_parts")
    )
    (folder / "mine_pack/parts.py").write_text(PARTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield


class Runs(NamedTuple):
    """A finished run of each of `FAMILIES`."""

    folder: Path
    store: Store
    ids: dict[str, str]

    def exported(self, name: str, form: str, to: Path) -> tuple[Path, np.ndarray, np.ndarray]:
        """Return the folder, inputs, and what the network answers to them in this process."""
        run = find_run(self.store, self.ids[name])
        target = FAMILIES[name][0].partition("model._target_=")[2]
        allow = (target,) if target else ()
        export(self.store, run, form, to / form, allow)
        inputs = np.random.default_rng(0).normal(size=(3, 1, 40)).astype(np.float32)
        predictor = load(self.folder / name / "model.pt", allow)
        return to / form, inputs, np.asarray(predictor.predict(inputs))


@pytest.fixture(scope="module")
def runs(own_modules: None, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Train them."""
    folder = tmp_path_factory.mktemp("runs")
    ids = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own
        for name, overrides in FAMILIES.items():
            config = make_config(folder, *SMALL, *overrides)
            ids[name] = run(config, folder / name, quiet=True).run_id
    return Runs(folder, open_store(config.tracking), ids)


def answer(folder: Path, code: str, inputs: np.ndarray) -> np.ndarray:
    """Return the probabilities that a fresh process comes to in `folder`."""
    np.save(folder.parent / "inputs.npy", inputs)
    given = INPUTS.replace("INPUTS", repr(str(folder.parent / "inputs.npy")))
    done = run_code(folder, WITHOUT + given + code + SAVE)
    assert done.returncode == 0, done.stderr
    found: np.ndarray = np.load(folder / "answer.npy")
    return found


def block(folder: Path) -> str:
    return (folder / "README.md").read_text().split("```python\n")[1].split("```")[0]


def unused_imports(code: str) -> set[str]:
    tree = ast.parse(code)
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    bound = {(each.asname or each.name).split(".")[0] for n in imports for each in n.names}
    return bound - {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}


@pytest.mark.parametrize("name", CARRIED)
def test_a_folder_for_pytorch_runs_by_its_readme_and_by_load_py(
    runs: Runs, tmp_path: Path, name: str
) -> None:
    folder, inputs, expected = runs.exported(name, "torch", tmp_path)
    loader = (folder / "load.py").read_text()
    by_module = (
        "\nfrom load import predictor\n"
        "assert np.array_equal(probabilities, predictor.predict(inputs))\n"
    )
    assert np.array_equal(answer(folder, block(folder) + by_module, inputs), expected)
    assert not unused_imports(loader)
    assert "from sizewise.predict import load\n" in loader
    assert not (folder / "unused.py").exists()


@pytest.mark.parametrize("name", CARRIED)
def test_a_folder_for_mlflow_runs_without_sizewise_and_the_users_modules(
    runs: Runs, tmp_path: Path, name: str
) -> None:
    folder, inputs, expected = runs.exported(name, "mlflow", tmp_path)
    # MLflow puts the folder's code before all else: sizewise has to come from there.
    code = (
        "import mlflow; model = mlflow.pyfunc.load_model('.')\n"
        "probabilities = model.predict(inputs)\n"
        "import sizewise; from pathlib import Path\n"
        "assert Path('code').resolve() in Path(sizewise.__file__).resolve().parents\n"
    )
    assert np.array_equal(answer(folder, code, inputs), expected)
    needs = (folder / "requirements.txt").read_text()
    assert ("scikit-learn" in needs) == (name == "a classical model")


@pytest.mark.parametrize("name", ["a network", "a transformer", "a class of one's own"])
def test_a_folder_for_onnx_needs_neither_sizewise_nor_pytorch(
    runs: Runs, tmp_path: Path, name: str
) -> None:
    pytest.importorskip("onnxruntime", reason="pip install '.[onnx]'")
    folder, inputs, expected = runs.exported(name, "onnx", tmp_path)
    alone = "import sys; sys.modules.update(sizewise=None, torch=None)\n"
    found = answer(folder, alone + block(folder), inputs)
    assert np.abs(found - expected).max() <= 1e-5
    assert not unused_imports(block(folder))


def test_a_logged_model_of_a_class_in_a_package_can_be_served(runs: Runs, tmp_path: Path) -> None:
    name = "a class in a package"
    folder, inputs, expected = runs.exported(name, "torch", tmp_path)
    models = runs.store.client.search_logged_models(
        [runs.store.experiment_id], f"source_run_id = '{runs.ids[name]}'"
    )
    code = f"import mlflow; model = mlflow.pyfunc.load_model({models[0].artifact_location!r})\n"
    (folder / "mine_pack").rename(folder / "away")
    found = answer(folder, f"{code}probabilities = model.predict(inputs)", inputs)
    assert np.array_equal(found, expected)


def test_an_installed_class_is_named_not_copied() -> None:
    assert own_code(ResNet) == ([], ["torchvision"])
    assert own_code(nn.Linear) == ([], ["torch"])
