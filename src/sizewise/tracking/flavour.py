"""A trained network as MLflow serves it: weights, and sizewise's code beside them; no pickle."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import Schema, TensorSpec

REQUIREMENTS = ("torch", "numpy", "mlflow", "omegaconf", "pydantic")
PACKAGE = Path(__file__).parents[1]


def flavour(
    path: Path,
    input_shape: Sequence[int],
    code: Sequence[Path] = (),
    requirements: Sequence[str] = (),
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
        "code_paths": [str(PACKAGE), *map(str, code)],
        "signature": ModelSignature(Schema([inputs]), Schema([probabilities])),
        "pip_requirements": [f"{name}=={version(name)}" for name in (*REQUIREMENTS, *requirements)],
    }


def save_flavour(folder: Path, flavour: dict[str, Any]) -> None:
    """Write a network to `folder`, which is not there yet, as `mlflow models serve` takes it."""
    with _without_example():
        mlflow.pyfunc.save_model(str(folder), **flavour)


def log_flavour(run_id: str, flavour: dict[str, Any]) -> None:
    """Log a network as the model of a run."""
    with _without_example():
        Model.log(artifact_path=None, name="model", flavor=mlflow.pyfunc, run_id=run_id, **flavour)


@contextmanager
def _without_example() -> Iterator[None]:
    """Have MLflow not ask for an example of the inputs, which would only repeat the signature."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*input example was not provided")
        yield
