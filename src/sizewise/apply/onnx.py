"""A trained network as an ONNX graph, checked against PyTorch."""

import importlib.util
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from sizewise.errors import UserError, first_line
from sizewise.predict import Deployed, Predictor

TOLERANCE = 1e-5
PACKAGES = ("onnx", "onnxscript", "onnxruntime")
INSTALL = "pip install --constraint constraints.txt --editable '.[onnx]'"


def write_onnx(predictor: Predictor, inputs: np.ndarray, path: Path) -> float:
    """Write a network as ONNX, with its normalisation and softmax, for batches of any size.

    Args:
        predictor: the network.
        inputs: real ones (N, C, *S), to check it with; N is at least 2.
        path: of the file.

    Returns:
        The largest difference between onnxruntime's probabilities and PyTorch's.

    Raises:
        UserError: ONNX is not installed, has no form for the network, or says something else.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(f"--format onnx needs {', '.join(missing)}: {INSTALL}")
    deployed = Deployed(predictor.model, predictor.normalisation, inputs.ndim - 2).eval()
    sample = torch.from_numpy(inputs[:2].astype(np.float32))
    try:
        with _quietly():
            torch.onnx.export(
                deployed,
                (sample,),
                str(path),
                input_names=["inputs"],
                output_names=["probabilities"],
                dynamic_shapes={"inputs": {0: torch.export.Dim("batch")}},
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # whatever a network that is not made of tensors provokes
        raise UserError(
            f"a {type(predictor.model).__name__} has no form in ONNX ({first_line(error)}); "
            "--format torch or mlflow keeps it as it is"
        ) from error
    gap = _largest_difference(predictor, inputs.astype(np.float32), path)
    if not gap <= TOLERANCE:
        raise UserError(
            f"the ONNX graph differs from PyTorch by {gap:.1e}, more than {TOLERANCE:g}; "
            "--format torch or mlflow keeps the network as it is"
        )
    return gap


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the exporter from warning of its own ways, for the time of an export."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _largest_difference(predictor: Predictor, inputs: np.ndarray, path: Path) -> float:
    """Return it over one sample by itself and over all at once."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    gaps = []
    for batch in (inputs[:1], inputs):
        (probabilities,) = session.run(None, {"inputs": batch})
        gaps.append(float(np.abs(probabilities - predictor.predict(batch)).max()))
    return max(gaps)
