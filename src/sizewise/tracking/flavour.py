"""A trained network as MLflow serves it: weights, and sizewise's code beside them; no pickle."""

import platform
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from mlflow import pyfunc
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import Schema, TensorSpec

REQUIREMENTS = ("torch", "numpy", "mlflow", "omegaconf", "pydantic")
PACKAGE = Path(__file__).parents[1]
NOT_CODE = shutil.ignore_patterns("__pycache__")


def flavour(
    path: Path,
    input_shape: Sequence[int],
    code: Sequence[Path] = (),
    requirements: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what `save_model` is told of a network.

    Args:
        path: of model.pt; `sizewise.predict` rebuilds the network from it.
        input_shape: of one sample, (C, *S).
        code: files or folders that hold classes of the user's own.
        requirements: packages that it needs beyond `REQUIREMENTS`.
    """
    inputs = TensorSpec(np.dtype("float32"), (-1, *input_shape))
    probabilities = TensorSpec(np.dtype("float32"), (-1, -1))
    return {
        "signature": ModelSignature(Schema([inputs]), Schema([probabilities])),
        "weights": path,
        "code": [PACKAGE, *code],
        "requirements": [f"{name}=={version(name)}" for name in (*REQUIREMENTS, *requirements)],
    }


def save_flavour(folder: Path, flavour: dict[str, Any]) -> None:
    """Write a network to `folder`, which is not there yet, as `mlflow models serve` takes it."""
    SizewiseFlavour.save_model(str(folder), Model(), **flavour)


def log_flavour(run_id: str, flavour: dict[str, Any]) -> None:
    """Log a network as the model of a run."""
    Model.log(artifact_path=None, name="model", flavor=SizewiseFlavour, run_id=run_id, **flavour)


class SizewiseFlavour:
    """What MLflow takes for a flavour of models: something that saves one.

    `mlflow.pyfunc.save_model` does the same and then looks through all that is installed, for
    1.3 s, to see whether the requirements are, which are taken from there.
    """

    @staticmethod
    def save_model(
        path: str,
        mlflow_model: Model,
        *,
        signature: ModelSignature,
        weights: Path,
        code: Sequence[Path],
        requirements: Sequence[str],
    ) -> None:
        """Write a model that MLflow loads by `sizewise.predict`: see `flavour`."""
        folder = Path(path)
        (folder / "data").mkdir(parents=True, exist_ok=True)
        shutil.copy2(weights, folder / "data")
        (folder / "code").mkdir()
        for each in code:
            if each.is_dir():
                shutil.copytree(each, folder / "code" / each.name, ignore=NOT_CODE)
            else:
                shutil.copy2(each, folder / "code")
        (folder / "requirements.txt").write_text("\n".join(requirements) + "\n")
        python = {
            "python": platform.python_version(),
            "build_dependencies": ["pip", "setuptools", "wheel"],
            "dependencies": ["-r requirements.txt"],
        }
        (folder / "python_env.yaml").write_text(yaml.safe_dump(python))
        mlflow_model.signature = signature
        pyfunc.add_to_model(
            mlflow_model,
            loader_module="sizewise.predict",
            data=f"data/{weights.name}",
            code="code",
            python_env="python_env.yaml",
        )
        mlflow_model.save(str(folder / "MLmodel"))
