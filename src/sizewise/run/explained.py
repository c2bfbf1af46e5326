"""The maps of a run's trained network, measured where `explain` asks for it."""

from typing import Any

import torch

from sizewise.config import DataConfig
from sizewise.data.published.mnist1d_places import template_places
from sizewise.data.splits import Samples
from sizewise.explain.measure import choose, measure
from sizewise.models import build
from sizewise.training.checkpoint import SavedModel


def measure_maps(
    saved: SavedModel, test: Samples, data: DataConfig, count: int, seed: int
) -> dict[str, Any]:
    """Return what `explain.measure.measure` says of a network's maps of some test samples.

    Args:
        saved: the network.
        test: the test split, on any device.
        data: what it is of.
        count: how many samples; all where there are fewer.
        seed: of the random weights that its maps are held against.
    """
    chosen = choose(test, count)
    samples = test.to(torch.device("cpu")).batch(torch.from_numpy(chosen))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        untrained = build(saved.spec, saved.architecture).eval()
    places = template_places(data)
    return measure(
        saved.build(), untrained, samples, saved.spec, None if places is None else places[chosen]
    )
