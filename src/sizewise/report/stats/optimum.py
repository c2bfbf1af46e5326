"""Which size a budget of FLOPs is best spent on: by a surface, and with nothing assumed of one.

A parabola through the losses at one budget, another usual way, is biased even without noise
(arXiv:2603.22339). An optimum at the edge of the sizes is none: a size beyond may be better. So it
is refused, as formll/resolving-scaling-law-discrepancies does, and where half of the draws have
theirs there, too.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import Akima1DInterpolator

from sizewise.report.stats.errors import Interval
from sizewise.report.stats.noise import Array
from sizewise.report.stats.surface import DRAWS, Fitted, Losses, percentiles

FINE = 400  # sizes at which a budget's best is looked for
FEWEST_SIZES = 4  # that are interpolated


class Optimum(NamedTuple):
    """The size at which a budget's loss is lowest.

    Args:
        size: NaN where the lowest is at the edge of the sizes: a size beyond may be better.
        loss: there.
        interval: of the size; draws whose lowest is at the edge count as the edge's size.
        inside: the share of the others.
    """

    size: float
    loss: float
    interval: Interval
    inside: float

    @property
    def is_refused(self) -> bool:
        """Return whether it is at the edge, or so in half of the draws or more."""
        return bool(np.isnan(self.size)) or self.inside <= 0.5


class Costs(NamedTuple):
    """FLOPs of training on a sample, measured at some sizes, ascending; both (K,)."""

    sizes: Array
    flops: Array

    def at(self, sizes: Array) -> Array:
        """Return them at sizes (M,) between, straight in the logarithms."""
        return np.exp(np.interp(np.log(sizes), np.log(self.sizes), np.log(self.flops)))


def best_by_surface(fitted: Fitted, costs: Costs, budget: float) -> Optimum:
    """Return the size on which a budget of FLOPs is best spent, by the surface.

    The samples that a size can be trained on for it follow from what a sample costs at that size.
    """
    sizes = np.geomspace(costs.sizes[0], costs.sizes[-1], FINE)
    samples = budget / costs.at(sizes)
    own, drawn = (each.predict(sizes, samples) for each in (fitted.surface, fitted.drawn))
    return _lowest(sizes, np.vstack([own, drawn]))


def best_by_interpolation(
    losses: Losses, scatter: float = 0.0, draws: int = DRAWS, seed: int = 0
) -> Optimum:
    """Return the size of the lowest loss at one budget, with nothing assumed of a surface.

    By Akima's interpolation (J. ACM 17, 1970) in the logarithms.

    Args:
        losses: of one budget, by size; `FEWEST_SIZES` at least.
        scatter: the share by which cells are off any smooth curve, as a surface's fit shows it.
        draws: of seeds.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    drawn = losses.means * (1 + scatter * rng.standard_normal((draws, len(losses.means))))
    drawn = drawn + losses.draw(rng, losses.variances, losses.counts, draws)
    every = np.log(np.maximum(np.vstack([losses.means, drawn]), 1e-12))
    sizes = np.geomspace(losses.sizes[0], losses.sizes[-1], FINE)
    curve = Akima1DInterpolator(np.log(losses.sizes), every, axis=1)
    logs = np.clip(np.log(sizes), np.log(losses.sizes[0]), np.log(losses.sizes[-1]))
    curves = np.exp(curve(logs))
    # an interpolated curve may dip a little beside an edge at which the lowest loss was measured
    ends = np.isin(every.argmin(axis=1), (0, len(losses.sizes) - 1))
    return _lowest(sizes, curves, ~ends)


def _lowest(sizes: Array, curves: Array, allowed: NDArray[np.bool_] | bool = True) -> Optimum:
    """Return where a curve is lowest, and those drawn from it, which follow: (1 + B, M).

    `allowed` says of which that may be said.
    """
    places = curves.argmin(axis=1)
    inside = (places > 0) & (places < len(sizes) - 1) & allowed
    return Optimum(
        float(sizes[places[0]]) if inside[0] else np.nan,
        float(curves[0].min()),
        percentiles(sizes[places[1:]]),
        float(inside[1:].mean()),
    )
