"""A trained network as a folder that stands by itself: for PyTorch, MLflow or ONNX."""

import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

from sizewise import __version__
from sizewise.apply.onnx import write_onnx
from sizewise.apply.recorded import recorded_config
from sizewise.data.published import read
from sizewise.errors import UserError
from sizewise.models.classic import requirements_of
from sizewise.predict import Predictor
from sizewise.predict.fetch import load_run
from sizewise.run.code import own_code
from sizewise.run.folder import RunFolder
from sizewise.tracking.artifacts import model_file
from sizewise.tracking.flavour import flavour, save_flavour
from sizewise.tracking.queries import StoredRun
from sizewise.tracking.store import Store

FORMATS = ("mlflow", "torch", "onnx")
CHECKED = 256  # of the set's test samples

TORCH = """# $name

A $family trained on $data: inputs (N, $shape) as the data set has them, normalised inside.
Needs $needs.

```python
# load.py beside this file does the same
from sizewise.predict import load

predictor = load("model.pt"$allow)
probabilities = predictor.predict(inputs)  # a NumPy array; one row of class probabilities each
labels = [predictor.spec.class_names[index] for index in probabilities.argmax(axis=1)]
```
"""
LOAD = '''"""Load the network beside this file: `from load import predictor`."""

from pathlib import Path

from sizewise.predict import load

predictor = load(Path(__file__).with_name("model.pt")$allow)
'''
ONNX = """# $name

A $family trained on $data: inputs (N, $shape), float32, as the data set has them; the graph
normalises them and gives class probabilities. Largest difference from PyTorch on $checked: $gap.
Needs onnxruntime.

```python
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
(probabilities,) = session.run(None, {"inputs": inputs})
labels = $labels
```
"""


def export(
    store: Store,
    run: StoredRun,
    form: str,
    folder: Path,
    allow_code: tuple[str, ...] = (),
) -> str:
    """Write a run's network to a new folder, whole or not at all, and return what was done.

    Args:
        store: that holds the run.
        run: a finished one.
        form: one of `FORMATS`.
        folder: not there yet, or empty.
        allow_code: classes that are not sizewise's own and may be imported: `check_code`.

    Raises:
        UserError: the folder is in use, or the network can't be exported to this form.
    """
    predictor = load_run(store, run, allow_code)
    with _new_folder(folder) as partial:
        if form == "onnx":
            return _export_onnx(store, run, predictor, partial)
        code = own_code(type(predictor.model))
        with model_file(store, run) as weights:
            if form == "mlflow":
                requirements = (*requirements_of(predictor.model), *code.packages)
                shape = predictor.spec.input_shape
                save_flavour(partial, flavour(weights, shape, code.paths, requirements))
                serve = ["mlflow", "models", "serve", "-m", str(folder), "--env-manager", "local"]
                return f"serve it with: {shlex.join(serve)}"
            shutil.copyfile(weights, partial / RunFolder.MODEL)
        code.copy_to(partial)
        allow = f", {allow_code!r}" if allow_code else ""
        needs = ", ".join([f"sizewise {__version__}", *code.packages])
        beside = f", and {', '.join(path.name for path in code.paths)} beside it"
        words = {"allow": allow, "needs": needs + (beside if code.paths else "")}
        for name, text in (("README.md", TORCH), ("load.py", LOAD)):
            (partial / name).write_text(_filled(text, run, predictor, **words))
        return f"load it as {folder / 'README.md'} says"


def _export_onnx(store: Store, run: StoredRun, predictor: Predictor, folder: Path) -> str:
    try:
        inputs = read(recorded_config(store, run).data).test_inputs[:CHECKED]
        checked = f"{len(inputs)} test samples of {predictor.spec.name}"
    except UserError as error:
        raise UserError(f"the ONNX graph is checked on the run's own data: {error}") from error
    gap = write_onnx(predictor, inputs, folder / "model.onnx")
    words = {"checked": checked, "gap": f"{gap:.1e}", "labels": repr(predictor.spec.class_names)}
    (folder / "README.md").write_text(_filled(ONNX, run, predictor, **words))
    return f"checked against PyTorch on {checked}: largest difference {gap:.1e}"


def _filled(text: str, run: StoredRun, predictor: Predictor, **words: str) -> str:
    return Template(text).substitute(
        name=" ".join(run.name.split()),
        family=type(predictor.model).__name__,
        data=predictor.spec.name,
        shape=", ".join(map(str, predictor.spec.input_shape)),
        **words,
    )


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder to fill, which becomes `folder` when all went well.

    Raises:
        UserError: `folder` is in use, or can't be made.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(f"{folder} is there already; choose another with --to FOLDER")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as parent:
            partial = Path(parent, "export")
            partial.mkdir()
            yield partial
            partial.replace(folder)
    except OSError as error:
        raise UserError(f"{folder} can't be written ({error.strerror})") from error
