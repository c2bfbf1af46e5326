"""What a run's record keeps of its maps, for studies of many runs."""

import base64
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sizewise import sample_errors
from sizewise.data.spec import DataSpec
from sizewise.data.splits import Batch, Samples
from sizewise.errors import UserError
from sizewise.explain import faithful
from sizewise.explain.methods import explained, methods_for

ALL = "integrated_gradients"  # suits every network, so that families compare
MOST_BYTES = 8_000  # of maps that a record keeps
WORK = 150  # of measuring a sample's maps, in samples that are trained on


def check_measurable(model: nn.Module, spec: DataSpec) -> None:
    """Check that a network's maps can be measured.

    Raises:
        UserError: there are none, or it tells no classes, of which curves could be drawn.
    """
    methods_for(model, spec)
    if not spec.class_names:
        raise UserError(
            f"explain=… measures maps of classes, and {spec.name} has none: expected explain=null"
        )


def choose(test: Samples, count: int) -> NDArray[np.int64]:
    """Return the indices of so many test samples, or of all, ascending; always the same ones."""
    return np.sort(np.random.default_rng(0).permutation(len(test))[:count])


def measure(
    model: nn.Module,
    untrained: nn.Module,
    samples: Batch,
    spec: DataSpec,
    places: NDArray[np.bool_] | None,
) -> dict[str, Any]:
    """Return how a network's maps of the classes that it tells do in all tests, sample by sample.

    Args:
        model: in evaluation mode, on the CPU.
        untrained: the same with random weights.
        samples: normalised; their targets are not read.
        spec: of the data.
        places: where there is something to look at, (N, P), if that is known.

    Returns:
        `samples` and `places`, how many; `methods`, by method each measurement of each sample,
        packed as errors are: `half` (see `faithful.half_mass`), `deletion`, `insertion`,
        `likeness` to the maps of random weights, and where places are known `truth` and
        `pointing`; `chance`, how often pointing at random would be right; `incomplete`, the most
        that integrated gradients lack; and the first maps' `shares`, a byte each in base64,
        255 at a map's highest.
    """
    with torch.no_grad():
        samples = samples._replace(targets=model(*samples.given).argmax(dim=1))
    found: dict[str, Any] = {"samples": len(samples.inputs), "methods": {}}
    if places is not None:
        found["chance"] = float(places.mean())
    for method in dict.fromkeys((methods_for(model, spec)[0], ALL)):
        maps = explained(model, samples, spec, method)
        mass = faithful.shares(maps)
        scores = {
            "half": faithful.half_mass(mass),
            "likeness": faithful.likeness(maps, explained(untrained, samples, spec, method)),
            **faithful.areas(model, samples, maps)._asdict(),
        }
        if places is not None:
            scores["truth"] = faithful.on_truth(mass, places)
            scores["pointing"] = faithful.pointing(mass, places)
        found["methods"][method] = {
            name: sample_errors.pack(values, weighted=True) for name, values in scores.items()
        }
    found |= {"places": mass.shape[1], "incomplete": round(float(maps.incomplete.max()), 5)}
    first = mass[: max(1, MOST_BYTES // mass.shape[1])]
    levels = np.round(255 * first / first.max(axis=1, keepdims=True)).astype(np.uint8)
    return found | {"shares": base64.b64encode(levels.tobytes()).decode("ascii")}
