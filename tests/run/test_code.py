"""A run's key holds the code that the run uses, and no other."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sizewise.data.published import PUBLISHED
from sizewise.models import ALL_FAMILIES
from sizewise.run.code import ROOMS, SOURCE, imported
from sizewise.run.identity import EVERY_RUN, LOOP, SEARCH
from sizewise.tasks import TASKS

ROOT = SOURCE.parent
RUNS = {
    "cnn": ["model=cnn", "data=digits"],
    "lstm": ["model=lstm", "data=digits"],
    "lstm on mnist1d": ["model=lstm", "data=mnist1d", "data.num_samples=100"],
    "mup": ["model=cnn", "data=digits", "parametrization=mup"],
    "svm": ["model=svm", "data=digits"],
    "own": ["model._target_=mine.Net", "model.depth=null", "data=digits"],
    "own lstm": ["model._target_=mine.Wider", "model.depth=2", "data=digits"],
    "balanced": ["model=mlp", "data=digits", "training.class_weights=balanced"],
}
OWN = {"own", "own lstm"}  # of one module
LSTMS = {"lstm", "lstm on mnist1d"} | OWN
KEYS = """
import json, os, sys
from pathlib import Path
from sizewise.config.as_train import compose
from sizewise.data import load
from sizewise.run.identity import identify
conf, runs = Path(sys.argv[1]), json.loads(sys.argv[2])
known = {}
for name, overrides in runs.items():
    config = compose([*overrides, "data.root=data", "size=null"], conf)
    known[name] = config, load(config.data, config.seed)
for _ in sys.stdin:
    if not os.fork():  # what it has read of the code is forgotten with it
        keys = {
            name: identify(config, data.spec, data.fingerprint, data.train_fingerprint).key
            for name, (config, data) in known.items()
        }
        print(json.dumps(keys), flush=True)
        os._exit(0)
    os.wait()
"""
MINE = """
from torch import nn


class Net(nn.Module):
    def __init__(self, spec, width):
        from parts import hidden

        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), *hidden(spec, width))


from sizewise.models.recurrent import LSTM


class Wider(LSTM):
    pass
"""
PARTS = """
from torch import nn


def hidden(spec, width):
    return nn.Linear(spec.num_features, width), nn.ReLU(), nn.Linear(width, spec.num_classes)
"""


class Copy:
    """A copy of the code and the configs that can be edited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(SOURCE / "sizewise", folder / "src/sizewise")
        shutil.copytree(ROOT / "conf", folder / "conf")
        (folder / "mine.py").write_text(MINE)
        (folder / "parts.py").write_text(PARTS)
        self.start()
        self.before = self.keys()

    def start(self) -> None:
        """Start a process that imports the code as it is."""
        path = os.pathsep.join([str(self.folder / "src"), str(self.folder)])
        self.process = subprocess.Popen(
            [sys.executable, "-c", KEYS, str(self.folder / "conf"), json.dumps(RUNS)],
            env=os.environ | {"PYTHONPATH": path},
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def stop(self) -> None:
        self.process.communicate()  # which closes its stdin, and so ends it

    def keys(self) -> dict[str, str]:
        """Return the key of each of `RUNS` under the code as it is."""
        assert self.process.stdin
        assert self.process.stdout
        print(file=self.process.stdin, flush=True)
        found: dict[str, str] = json.loads(self.process.stdout.readline())
        return found

    def changed(self) -> set[str]:
        """Return those of `RUNS` that have another key than before, and start from there."""
        keys = self.keys()
        changed = {name for name in RUNS if keys[name] != self.before[name]}
        self.before = keys
        return changed

    def replace(self, path: str, old: str, new: str) -> None:
        file = self.folder / path
        text = file.read_text()
        assert old in text, f"{path} has no {old}"
        file.write_text(text.replace(old, new, 1))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    made = Copy(tmp_path_factory.mktemp("code"))
    yield made
    made.stop()


def test_what_a_run_does_not_use_leaves_its_key(copy: Copy) -> None:
    package = "src/sizewise"
    shutil.copy(copy.folder / package / "models/mlp.py", copy.folder / package / "models/kan.py")
    copy.replace(
        f"{package}/models/__init__.py",
        '    "cnn":',
        '    "kan": "sizewise.models.kan.MLP",\n    "cnn":',
    )
    sets = copy.folder / package / "data/published"
    shutil.copy(sets / "digits.py", sets / "letters.py")
    copy.replace(
        f"{package}/data/published/__init__.py",
        '    "digits":',
        '    "letters": "sizewise.data.published.letters",\n    "digits":',
    )
    tasks = copy.folder / package / "tasks"
    shutil.copy(tasks / "next_byte.py", tasks / "regress.py")
    copy.replace(
        f"{package}/tasks/__init__.py",
        '    "classify":',
        '    "regress": "sizewise.tasks.regress",\n    "classify":',
    )
    copy.replace(
        f"{package}/config/schema.py",
        "    clip_grad_norm: Positive | None\n",
        "    clip_grad_norm: Positive | None\n    stretch: Positive | None = None\n",
    )
    copy.replace(f"{package}/training/loop.py", '"""The training loop."""', '"""Its loop."""\n# !')
    copy.replace(f"{package}/cli.py", "import ", "import this  # noqa: F401\nimport ")
    copy.stop()
    copy.start()

    assert copy.changed() == set()


@pytest.mark.parametrize(
    ("path", "old", "new", "uses_it"),
    [
        ("training/loop.py", "CHECK_EVERY = 50", "CHECK_EVERY = 60", set(RUNS) - {"svm"}),
        ("training/evaluate.py", "BATCH_SIZE = 256", "BATCH_SIZE = 250", set(RUNS)),
        ("models/cnn.py", "KERNEL = 3", "KERNEL = 2 + 1", {"cnn", "mup"}),
        ("models/mup.py", "DRAWS = 16", "DRAWS = 8 + 9", {"mup"}),
        ("models/recurrent.py", "nn.ReLU()", "nn.Tanh()", LSTMS),
        ("data/balance.py", "import", "import this\nimport", {"balanced"}),
        ("data/published/digits.py", "* 4 // 5", "* 5 // 6", set(RUNS) - {"lstm on mnist1d"}),
        ("models/classical/estimators.py", "C=setting", "tol=1, C=setting", {"svm"}),
        ("../../parts.py", "nn.ReLU()", "nn.Tanh()", OWN),
    ],
)
def test_an_edit_gives_new_keys_to_the_runs_that_use_it(
    copy: Copy, path: str, old: str, new: str, uses_it: set[str]
) -> None:
    copy.replace(f"src/sizewise/{path}", old, new)

    assert copy.changed() == uses_it


def test_what_is_hashed_is_imported_from_where_it_stands() -> None:
    """A name that is imported by way of a package's `__init__` would not lead to its file."""
    named = [*PUBLISHED.values(), *TASKS.values()]
    named += [each.rpartition(".")[0] for each in ALL_FAMILIES.values()]
    hashed = imported([*named, *EVERY_RUN, LOOP, SEARCH], SOURCE)
    assert len(hashed) > 25
    for path in hashed.values():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("sizewise."):
                package = SOURCE.joinpath(*str(node.module).split("."), "__init__.py")
                if package.exists() and f"{node.module}.".startswith(ROOMS):
                    names = {alias.name for alias in node.names}
                    assert names <= LOOKS_UP, f"{path} imports {names} from {node.module}"


LOOKS_UP = {"build", "find_task"}  # what finds a file by its name in a registry
