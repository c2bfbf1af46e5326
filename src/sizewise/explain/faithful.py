"""How far maps are to be believed: three tests of them, and what they say of where it looks.

Shapes: N samples, P places in a map (steps, pixels or columns).

Deletion and insertion: Petsiuk, Das & Saenko, "RISE" (2018). Randomised weights: Adebayo et al.,
"Sanity Checks for Saliency Maps" (2018).
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sizewise.data.splits import Batch
from sizewise.explain.methods import Maps
from sizewise.models.masks import after_end

CUTS = 20  # of a curve: each deletes a twentieth more
ORDERS = 4  # random ones
Array = NDArray[np.float64]


class Areas(NamedTuple):
    """By how much a map's order beats random ones, each (N,), in probability of the class.

    Args:
        deletion: the area by which the probability falls faster where what the map holds to be most
            important goes first, to the training mean.
        insertion: that by which it rises faster where it comes first.
    """

    deletion: Array
    insertion: Array


def areas(model: nn.Module, samples: Batch, maps: Maps, seed: int = 0) -> Areas:
    """Return the areas between the curves of a map's order and the mean of random orders.

    Args:
        model: of classes, in evaluation mode.
        samples: normalised; their targets are the classes that the maps are of.
        maps: of these; what is below zero speaks against the class, and goes last.
        seed: of the random orders.
    """
    values = torch.from_numpy(maps.values).flatten(1)  # N P
    there = torch.ones_like(values, dtype=torch.bool)
    if samples.lengths is not None:
        there = ~after_end(samples.lengths, values.shape[1])
    own = _ranks(values, there)
    generator = torch.Generator().manual_seed(seed)
    noise = (torch.rand(values.shape, generator=generator) for _ in range(ORDERS))
    # To insert in an order is to delete in the reverse: random orders have one curve for both.
    chance = [_area(model, samples, _ranks(each, there), there) for each in noise]
    random = np.mean(chance, axis=0)
    reverse = there.sum(dim=1, keepdim=True) - 1 - own
    return Areas(
        deletion=random - _area(model, samples, own, there),
        insertion=_area(model, samples, reverse, there) - random,
    )


def _ranks(values: Tensor, there: Tensor) -> Tensor:
    """Return which place goes when, the highest first, of those that are there: (N, P)."""
    order = values.masked_fill(~there, -torch.inf).argsort(dim=1, descending=True, stable=True)
    return order.argsort(dim=1)


@torch.no_grad()
def _area(model: nn.Module, samples: Batch, ranks: Tensor, there: Tensor) -> Array:
    """Return the area under the class's probability while places go by their ranks, (N,)."""
    inputs = samples.inputs.flatten(2)  # N C P; of a table's rows N P 1
    curve = []
    for share in torch.linspace(0, 1, CUTS + 1):
        gone = ranks < (share * there.sum(dim=1, keepdim=True)).round()  # N P
        gone = gone[:, :, None] if inputs.shape[2] == 1 else gone[:, None]
        left = inputs.masked_fill(gone, 0.0).view_as(samples.inputs)
        outputs = model(left, *samples.given[1:])
        curve.append(outputs.softmax(dim=1).gather(1, samples.targets[:, None])[:, 0])
    return np.asarray(torch.trapezoid(torch.stack(curve).double(), dx=1 / CUTS, dim=0))


def likeness(maps: Maps, others: Maps) -> Array:
    """Return the rank correlation (Spearman) of the maps' absolute values, (N,).

    A map that stays as it is when the network's weights are randomised shows the input, not the
    network. One without differences is like none: 0.
    """
    from scipy.stats import rankdata  # it takes half a second to import

    ranks = [rankdata(_mass(each), axis=1) for each in (maps, others)]
    first, second = (each - each.mean(axis=1, keepdims=True) for each in ranks)
    both = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    return np.asarray((first * second).sum(axis=1) / np.where(both > 0, both, 1))


def shares(maps: Maps) -> Array:
    """Return the share of a map's mass on each place, (N, P); one without any has it everywhere."""
    mass = _mass(maps)
    mass = np.where(mass.sum(axis=1, keepdims=True) > 0, mass, 1)
    return np.asarray(mass / mass.sum(axis=1, keepdims=True))


def half_mass(mass: Array) -> Array:
    """Return the share of places that hold half of the mass, (N,): the fewest, of shares (N, P)."""
    most_first = -np.sort(-mass, axis=1)
    needed = (most_first.cumsum(axis=1) < 0.5 - 1e-9).sum(axis=1) + 1
    return np.asarray(needed / mass.shape[1])


def on_truth(mass: Array, places: NDArray[np.bool_]) -> Array:
    """Return how many times as much of the mass lies on the true places as chance lays there, (N,).

    Args:
        mass: shares, (N, P).
        places: (N, P); one at least of each sample.
    """
    return np.asarray((mass * places).sum(axis=1) / places.mean(axis=1))


def pointing(mass: Array, places: NDArray[np.bool_]) -> Array:
    """Return whether the place with the most mass is a true one: 1 or 0, (N,)."""
    return np.take_along_axis(places, mass.argmax(axis=1)[:, None], axis=1)[:, 0].astype(float)


def _mass(maps: Maps) -> Array:
    return np.abs(maps.values).reshape(len(maps.values), -1).astype(float)
