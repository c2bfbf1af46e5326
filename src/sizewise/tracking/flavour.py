"""A trained network as MLflow serves it: weights, and sizewise's code beside them; no pickle."""

import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from mlflow import pyfunc
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import AnyType, ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec

REQUIREMENTS = ("torch", "numpy", "mlflow", "omegaconf", "pydantic")
WAYS = {"bytes": "long", "temperature": "double", "seed": "long"}  # of `sizewise.predict.Ways`
PACKAGE = Path(__file__).parents[1]


def flavour(
    path: Path,
    input_shape: Sequence[int],
    columns: Sequence[str] = (),
    code: Sequence[Path] = (),
    requirements: Sequence[str] = (),
    *,
    prompts: bool = False,
) -> dict[str, Any]:
    """Return what `mlflow.pyfunc.save_model` is told of a network.

    Args:
        path: of model.pt; `sizewise.predict` rebuilds the network from it.
        input_shape: of one sample, (C, *S).
        columns: that it reads, of a table; else it reads arrays.
        code: files or folders that hold classes of the user's own.
        requirements: packages that it needs beyond `REQUIREMENTS`.
        prompts: whether it answers a column of prompts with texts, in the ways of `WAYS`.
    """
    inputs = Schema([TensorSpec(np.dtype("float32"), (-1, *input_shape))])
    if columns:  # of any type, since MLflow takes no whole number for a float
        inputs = Schema([ColSpec(AnyType(), each) for each in columns])
    signature = ModelSignature(inputs, Schema([TensorSpec(np.dtype("float32"), (-1, -1))]))
    if prompts:
        ways = ParamSchema([ParamSpec(name, kind, None) for name, kind in WAYS.items()])
        text = Schema([ColSpec("string")])
        signature = ModelSignature(Schema([ColSpec("string", "prompt")]), text, ways)
    return {
        "signature": signature,
        "loader_module": "sizewise.predict",
        "data_path": str(path),
        "code_paths": [str(each) for each in (PACKAGE, *code)],
        "pip_requirements": [f"{name}=={version(name)}" for name in (*REQUIREMENTS, *requirements)],
    }


def save_flavour(folder: Path, flavour: dict[str, Any], model: Model | None = None) -> None:
    """Write a network to `folder`, which is empty, as `mlflow models serve` takes it.

    Args:
        folder: where.
        flavour: as `flavour` returns it.
        model: what says of which run and logged model it is, if of any.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow would have an example of inputs too
        pyfunc.save_model(str(folder), mlflow_model=model, **flavour)
