"""A trained network as MLflow serves it: weights, and sizewise's code beside them; no pickle."""

import platform
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import yaml
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import AnyType, ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec

REQUIREMENTS = ("torch", "numpy", "mlflow", "omegaconf", "pydantic")
WAYS = {"bytes": "long", "temperature": "double", "seed": "long"}  # of `sizewise.predict.Ways`
PACKAGE = Path(__file__).parents[1]
# Half of its files, none of which `sizewise.predict` imports; copying them would take longer than
# all else at the end of a small run.
LEFT_OUT = ("__pycache__", "advise", "apply", "conf", "report", "serve", "sweep")


def save_flavour(
    folder: Path,
    weights: Path,
    signature: ModelSignature,
    code: Sequence[Path] = (),
    requirements: Sequence[str] = (),
    model: Model | None = None,
) -> None:
    """Write a network to `folder`, which is empty, as `mlflow models serve` takes it.

    `mlflow.pyfunc.save_model` would look through every file of every package that is installed,
    which takes half a second, to warn of requirements that are those of this very environment.

    Args:
        folder: where.
        weights: model.pt; `sizewise.predict` rebuilds the network from it.
        signature: what it reads and gives, from `signature_of`.
        code: files or folders that hold classes of the user's own.
        requirements: packages that it needs beyond `REQUIREMENTS`.
        model: what says of which run and logged model it is, if of any.
    """
    model = model or Model()
    model.signature = signature
    (folder / "data").mkdir()
    shutil.copy(weights, folder / "data")
    own, others = (shutil.ignore_patterns(*names) for names in (LEFT_OUT, LEFT_OUT[:1]))
    shutil.copytree(PACKAGE, folder / "code" / PACKAGE.name, ignore=own)
    for path in code:
        if path.is_dir():
            shutil.copytree(path, folder / "code" / path.name, ignore=others)
        else:
            shutil.copy(path, folder / "code")
    needed = [f"{name}=={version(name)}" for name in (*REQUIREMENTS, *requirements)]
    (folder / "requirements.txt").write_text("\n".join(needed))
    python = platform.python_version()
    environments = {
        "conda.yaml": {
            "name": "sizewise",
            "channels": ["conda-forge"],
            "dependencies": [f"python={python}", "pip", {"pip": needed}],
        },
        "python_env.yaml": {
            "python": python,
            "build_dependencies": ["pip", "setuptools", "wheel"],
            "dependencies": ["-r requirements.txt"],
        },
    }
    for name, content in environments.items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
    model.add_flavor(  # as mlflow.pyfunc.add_to_model does, whose import warns and takes time
        "python_function",
        loader_module="sizewise.predict",
        python_version=python,
        data=f"data/{weights.name}",
        code="code",
        env={"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
    )
    model.save(str(folder / "MLmodel"))


def signature_of(
    input_shape: Sequence[int], columns: Sequence[str] = (), *, prompts: bool = False
) -> ModelSignature:
    """Return what a network reads and gives.

    Args:
        input_shape: of one sample, (C, *S).
        columns: that it reads, of a table; else it reads arrays.
        prompts: whether it answers a column of prompts with texts, in the ways of `WAYS`.
    """
    if prompts:
        ways = ParamSchema([ParamSpec(name, kind, None) for name, kind in WAYS.items()])
        return ModelSignature(
            Schema([ColSpec("string", "prompt")]), Schema([ColSpec("string")]), ways
        )
    inputs = Schema([TensorSpec(np.dtype("float32"), (-1, *input_shape))])
    if columns:  # of any type, since MLflow takes no whole number for a float
        inputs = Schema([ColSpec(AnyType(), each) for each in columns])
    return ModelSignature(inputs, Schema([TensorSpec(np.dtype("float32"), (-1, -1))]))
