"""A trained network as MLflow serves it: weights, and sizewise's code beside them; no pickle."""

import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.models import ModelSignature
from mlflow.types.schema import Schema, TensorSpec
from mlflow.utils import environment

# MLflow would list all that is installed, for 2 s, to see whether the requirements are: they are
# taken from there.
setattr(environment, "warn_dependency_requirement_mismatches", lambda _: None)  # noqa: B010

REQUIREMENTS = ("torch", "numpy", "mlflow", "omegaconf", "pydantic")
PACKAGE = Path(__file__).parents[1]


def flavour(
    path: Path, input_shape: Sequence[int], code: Sequence[str], requirements: Sequence[str]
) -> dict[str, Any]:
    """Return what MLflow's pyfunc is told of a network.

    Args:
        path: of model.pt; `sizewise.predict` rebuilds the network from it.
        input_shape: of one sample, (C, *S).
        code: files or folders that hold classes of the user's own.
        requirements: packages that it needs beyond `REQUIREMENTS`.
    """
    inputs = TensorSpec(np.dtype("float32"), (-1, *input_shape))
    probabilities = TensorSpec(np.dtype("float32"), (-1, -1))
    return {
        "loader_module": "sizewise.predict",
        "data_path": str(path),
        "code_paths": [str(PACKAGE), *code],
        "signature": ModelSignature(Schema([inputs]), Schema([probabilities])),
        "pip_requirements": [f"{name}=={version(name)}" for name in (*REQUIREMENTS, *requirements)],
    }


def save_flavour(
    folder: Path,
    path: Path,
    input_shape: Sequence[int],
    code: Sequence[str] = (),
    requirements: Sequence[str] = (),
) -> None:
    """Write a network to `folder`, which is not there yet, as `mlflow models serve` takes it."""
    with warnings.catch_warnings():
        # An example would only repeat the signature.
        warnings.filterwarnings("ignore", message=".*input example was not provided")
        mlflow.pyfunc.save_model(str(folder), **flavour(path, input_shape, code, requirements))
