"""`sizewise export`: a network as a folder that stands by itself, for PyTorch, MLflow or ONNX."""

import json
import logging
import shlex
import shutil
import tempfile
import warnings
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from string import Template

import numpy as np
import torch

from sizewise import __version__
from sizewise.apply.runs import find_finished, recorded_config
from sizewise.data.own.named import columns_of
from sizewise.data.published import read_arrays
from sizewise.data.spec import TableForm
from sizewise.errors import UserError, first_line
from sizewise.models.classical.estimators import requirements_of
from sizewise.predict import Deployed, Predictor
from sizewise.predict.fetch import load_run
from sizewise.run.code import own_code
from sizewise.tracking.artifacts import model_file
from sizewise.tracking.flavour import flavour, save_flavour
from sizewise.tracking.queries import StoredRun
from sizewise.tracking.store import Store

CHECKED = 256  # of the set's test samples
TOLERANCE = 1e-5
INSTALL = "pip install --constraint constraints.txt --editable '.[onnx]'"
TEMPLATES = Path(__file__).with_name("templates")


def run(arguments: Namespace) -> None:
    """Write a run's network to a folder."""
    store, stored = find_finished(arguments)
    done = export(store, stored, arguments.format, arguments.to, tuple(arguments.allow_code))
    print(f"{stored.name} is in {arguments.to}\n{done}")


def export(
    store: Store, run: StoredRun, form: str, folder: Path, allow_code: tuple[str, ...] = ()
) -> str:
    """Write a run's network to a new folder, whole or not at all, and return what was done.

    Args:
        store: that holds the run.
        run: a finished one.
        form: `mlflow`, `torch` or `onnx`.
        folder: not there yet, or empty.
        allow_code: classes that are not sizewise's own and may be imported: `check_code`.

    Raises:
        UserError: the folder is in use, or the network can't be exported to this form.
    """
    predictor = load_run(store, run, allow_code)
    spec, code = predictor.spec, own_code(type(predictor.model))
    words = {
        "name": " ".join(run.name.split()),
        "family": type(predictor.model).__name__,
        "data": spec.name,
        "shape": ", ".join(map(str, spec.input_shape)),
        "labels": repr(spec.class_names),
        "allow": f", {allow_code!r}" if allow_code else "",
    }
    if spec.table is not None:
        words |= _of_table(spec.table, spec.class_names)
    with _new_folder(folder) as partial, model_file(store, run) as weights:
        if form == "mlflow":
            needs = (*requirements_of(predictor.model), *code.packages)
            columns = columns_of(spec.table) if spec.table else ()
            save_flavour(partial, flavour(weights, spec.input_shape, columns, code.paths, needs))
            serve = ["mlflow", "models", "serve", "-m", str(folder), "--env-manager", "local"]
            return f"serve it with: {shlex.join(serve)}"
        if form == "onnx":
            inputs = _real_inputs(store, run)
            gap = f"{_write_onnx(predictor, inputs, partial / 'model.onnx'):.1e}"
            checked = f"{len(inputs)} test samples of {spec.name}"
            words |= {"gap": gap, "checked": checked}
            files = {"README.md": "onnx.md"}
            if spec.table is not None:
                files = {"README.md": "onnx_table.md", "encode.py": "encode.py.txt"}
                encodings = [asdict(each) for each in spec.table.columns]
                (partial / "columns.json").write_text(json.dumps(encodings, indent=1))
            done = f"checked against PyTorch on {checked}: largest difference {gap}"
        else:
            shutil.copyfile(weights, partial / "model.pt")
            code.copy_to(partial)
            words["needs"] = ", ".join([f"sizewise {__version__}", *code.packages])
            if code.paths:
                beside = ", ".join(path.name for path in code.paths)
                words["needs"] += f", and {beside} beside it"
            readme = "torch_table.md" if spec.table else "torch.md"
            files = {"README.md": readme, "load.py": "load.py.txt"}
            done = f"load it as {folder / 'README.md'} says"
        for name, template in files.items():
            text = Template((TEMPLATES / template).read_text())
            (partial / name).write_text(text.substitute(words))
    return done


def _of_table(form: TableForm, class_names: tuple[str, ...]) -> dict[str, str]:
    """Return what is said of a network that reads a table, by the words' names in a template."""
    rows = []
    for each in form.columns:
        missing = "no category" if each.categories else f"taken as {each.mean:.6g}"
        flag = ", and a number that says so" if each.flagged else ""
        becomes = ", ".join(each.categories) or "a number"
        rows.append(f"| {each.name} | {becomes} | {missing}{flag} |".replace("\n", " "))
    keys = f" and the columns {form.id} and {form.time}, which say of what a row is which step"
    return {
        "columns": "\n".join(rows),
        "keys": keys if form.id else "",
        "answers": "probabilities" if class_names else "numbers",
        "unit": "class probabilities" if class_names else f"{form.target} in its own unit",
        "named": f"labels = {class_names!r}" if class_names else "",
        "samples": "lists of the rows of a sequence, dicts" if form.id else "rows, dicts",
    }


def _real_inputs(store: Store, run: StoredRun) -> np.ndarray:
    """Return test samples of the run's own data set (N, C, *S), float32."""
    try:
        inputs = read_arrays(recorded_config(store, run).data).test_inputs
    except UserError as error:
        raise UserError(f"the ONNX graph is checked on the run's own data: {error}") from error
    return np.asarray(inputs[:CHECKED], dtype=np.float32)


def _write_onnx(predictor: Predictor, inputs: np.ndarray, path: Path) -> float:
    """Write a network as ONNX, with its normalisation and softmax, for batches of any size.

    Args:
        predictor: the network.
        inputs: real ones (N, C, *S), float32, to check it with; N is at least 2.
        path: of the file.

    Returns:
        The largest difference between onnxruntime's answers and PyTorch's: of probabilities, or in
        the target's standard deviations.

    Raises:
        UserError: ONNX is not installed, has no form for the network, or says something else.
    """
    try:  # an extra
        import onnxruntime
        import onnxscript  # noqa: F401  # which PyTorch's exporter needs; it brings onnx
    except ImportError as error:
        raise UserError(f"--format onnx needs {error.name}: {INSTALL}") from error
    instead = "--format torch or mlflow keeps it as it is"
    network = Deployed(predictor.model, predictor.normalisation, predictor.spec)
    names = ["probabilities" if predictor.spec.class_names else "numbers"]
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns of its own ways
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network.eval(),
                (torch.from_numpy(inputs[:2]),),
                str(path),
                output_names=names,
                dynamic_shapes={"inputs": {0: torch.export.Dim("batch")}},
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # whatever a network that is not made of tensors provokes
        name, reason = type(predictor.model).__name__, first_line(error)
        raise UserError(f"a {name} has no form in ONNX ({reason}); {instead}") from error
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    spec = predictor.spec
    unit = spec.table.std if spec.task == "regress" and spec.table else 1.0
    gap = 0.0
    for batch in (inputs[:1], inputs):
        (answers,) = session.run(None, {"inputs": batch})
        gap = float(np.maximum(gap, np.abs(answers - predictor.predict(batch)).max() / unit))
    if not gap <= TOLERANCE:  # NaN is not
        raise UserError(f"ONNX differs from PyTorch by {gap:.1e}, over {TOLERANCE:g}; {instead}")
    return gap


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
