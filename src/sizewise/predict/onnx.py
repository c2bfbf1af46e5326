"""Trained networks as ONNX, checked against PyTorch."""

import logging
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from sizewise.errors import UserError, first_line

TOLERANCE = 1e-5
INSTALL = "pip install --constraint constraints.txt --editable '.[onnx]'"
INSTEAD = "--format torch or mlflow keeps it as it is"


class Graph(NamedTuple):
    """What goes into a file, for batches of any size.

    Args:
        network: with all that stands before and behind the trained one.
        inputs: real ones to check it with, two or more.
        output: what it gives, in a word.
        unit: of its numbers, by which a difference is told.
    """

    network: nn.Module
    inputs: np.ndarray
    output: str
    unit: float = 1.0


@torch.no_grad()
def write_onnx(graph: Graph, path: Path) -> float:
    """Write a network as ONNX.

    Returns:
        The largest difference between onnxruntime's answers and PyTorch's, in the graph's unit.

    Raises:
        UserError: ONNX is not installed, has no form for the network, or says something else.
    """
    try:  # an extra
        import onnxruntime
        import onnxscript  # noqa: F401  # which PyTorch's exporter needs; it brings onnx
    except ImportError as error:
        raise UserError(f"--format onnx needs {error.name}: {INSTALL}") from error
    network, inputs = graph.network.eval(), graph.inputs
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns of its own ways
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network,
                (torch.from_numpy(inputs[:2]),),
                str(path),
                output_names=[graph.output],
                dynamic_shapes={"inputs": {0: torch.export.Dim("batch")}},
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # whatever a network that is not made of tensors provokes
        name, reason = type(network.model).__name__, first_line(error)
        raise UserError(f"a {name} has no form in ONNX ({reason}); {INSTEAD}") from error
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    gap = 0.0
    for batch in (inputs[:1], inputs):
        (answers,) = session.run(None, {"inputs": batch})
        expected = network(torch.from_numpy(batch)).numpy()
        gap = float(np.maximum(gap, np.abs(answers - expected).max() / graph.unit))
    if not gap <= TOLERANCE:  # NaN is not
        raise UserError(f"ONNX differs from PyTorch by {gap:.1e}, over {TOLERANCE:g}; {INSTEAD}")
    return gap
