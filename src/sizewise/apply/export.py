"""`sizewise export`: a network as a folder that stands by itself, for PyTorch, MLflow or ONNX."""

import json
import shlex
import shutil
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from string import Template

import numpy as np

from sizewise import __version__
from sizewise.apply.runs import find_finished, recorded_config
from sizewise.data import load
from sizewise.data.own.named import columns_of
from sizewise.data.published import read_arrays
from sizewise.data.spec import TableForm
from sizewise.errors import UserError
from sizewise.models.classical.estimators import requirements_of
from sizewise.predict import Deployed, Predictor, Prompted
from sizewise.predict.fetch import load_run
from sizewise.predict.onnx import INSTEAD, Graph, write_onnx
from sizewise.predict.prompted import NextByte, Writer
from sizewise.run.code import own_code
from sizewise.tracking.artifacts import model_file
from sizewise.tracking.flavour import save_flavour, signature_of
from sizewise.tracking.queries import StoredRun
from sizewise.tracking.store import Store

CHECKED = 256  # of the set's test samples
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
    network = load_run(store, run, allow_code)
    spec, code = network.spec, own_code(type(network.model))
    kind = "_table" if spec.table else ""
    words = {
        "name": " ".join(run.name.split()),
        "family": type(network.model).__name__,
        "data": spec.name,
        "shape": ", ".join(map(str, spec.input_shape)),
        "labels": repr(spec.class_names),
        "allow": f", {allow_code!r}" if allow_code else "",
    }
    if spec.table is not None:
        words |= _of_table(spec.table, spec.class_names)
    if isinstance(network, Prompted):
        kind = "_prompt"
        words |= {"does": network.does, "prompt": repr(network.example)}
    with _new_folder(folder) as partial, model_file(store, run) as weights:
        if form == "mlflow":
            needs = (*requirements_of(network.model), *code.packages)
            columns = columns_of(spec.table) if spec.table else ()
            signature = signature_of(spec.input_shape, columns, prompts=kind == "_prompt")
            save_flavour(partial, weights, signature, code.paths, needs)
            serve = ["mlflow", "models", "serve", "-m", str(folder), "--env-manager", "local"]
            return f"serve it with: {shlex.join(serve)}"
        if form == "onnx":
            graph = _graph_of(store, run, network)
            gap = f"{write_onnx(graph, partial / 'model.onnx'):.1e}"
            checked = f"{len(graph.inputs)} test samples of {spec.name}"
            words |= {"gap": gap, "checked": checked}
            files = {"README.md": f"onnx{kind}.md"}
            if spec.table is not None:
                files["encode.py"] = "encode.py.txt"
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
            files = {"README.md": f"torch{kind}.md", "load.py": "load.py.txt"}
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


def _graph_of(store: Store, run: StoredRun, network: Predictor | Prompted) -> Graph:
    """Return what goes into ONNX, with test samples of the run's own data set to check it by.

    Raises:
        UserError: the data can't be had, or the network has no such form.
    """
    model = network.model
    if not isinstance(network, Predictor | Writer):
        raise UserError(
            f"a {type(model).__name__} answers symbol by symbol, each after what it said before, "
            f"which is no graph of ONNX; {INSTEAD}"
        )
    config = recorded_config(store, run)
    try:
        if isinstance(network, Writer):
            test = load(config.data, config.seed).test
            some = test.batch(slice(0, min(CHECKED, len(test))))
            return Graph(NextByte(model), some.inputs.numpy(), "probabilities")
        inputs = np.asarray(read_arrays(config.data).test_inputs[:CHECKED], dtype=np.float32)
    except UserError as error:
        raise UserError(f"the ONNX graph is checked on the run's own data: {error}") from error
    spec = network.spec
    return Graph(
        Deployed(model, network.normalisation, spec),
        inputs,
        "probabilities" if spec.class_names else "numbers",
        spec.table.std if spec.task == "regress" and spec.table else 1.0,
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
