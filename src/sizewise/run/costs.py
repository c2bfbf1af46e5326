"""What it costs to use a network: measured once for each architecture of a sweep."""

import hashlib
import json
from pathlib import Path

import torch
from torch import nn

from sizewise import cost
from sizewise.data import DataSpec
from sizewise.files import replacing
from sizewise.flops import flops_per_sample
from sizewise.models import Architecture, Classical
from sizewise.sizing import parameters_of


def costs_of_use(
    model: nn.Module, architecture: Architecture, spec: DataSpec, shared: Path | None
) -> dict[str, float]:
    """Return latency, throughput, parameters and FLOPs, by name.

    They are the same for networks that differ in their weights alone: of these the first is
    measured. A classical model is measured each time, since what it has learnt decides its size.

    Args:
        model: a trained one.
        architecture: its own.
        spec: of its data.
        shared: the folder of what other runs of the sweep have measured; None for a run by itself.
    """
    if shared is None or isinstance(model, Classical):
        return _measured(model, spec)
    alike = architecture, spec, torch.get_num_threads(), str(cost.device_of(model)), cost.machine()
    file = shared / f"{hashlib.sha256(repr(alike).encode()).hexdigest()[:16]}.json"
    try:
        found: dict[str, float] = json.loads(file.read_text())
    except FileNotFoundError:
        found = _measured(model, spec)
        shared.mkdir(exist_ok=True)
        with replacing(file) as output:
            output.write(json.dumps(found).encode())
    return found


def _measured(model: nn.Module, spec: DataSpec) -> dict[str, float]:
    costs = dict(cost.measure_speed(model, spec)._asdict())
    size, flops = parameters_of(model), flops_per_sample(model, spec)
    if size is not None:
        costs["parameters"] = size
    if flops is not None:
        costs |= {"flops_inference": flops.inference, "flops_training": flops.training}
    return costs
