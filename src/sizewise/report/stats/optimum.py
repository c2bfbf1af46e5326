"""Which size a budget of FLOPs is best spent on: by a surface, and with nothing assumed of one.

A parabola through the losses at one budget, another usual way, is biased even without noise
(arXiv:2603.22339). An optimum at the edge of the sizes is none: a size beyond may be better. So it
is refused, as formll/resolving-scaling-law-discrepancies does, and where half of the draws have
theirs there, too.
"""

from typing import NamedTuple

import numpy as np
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
        interval: of the size, over the draws whose lowest is not at the edge.
        inside: the share of those.
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
    return _lowest(
        sizes, fitted.surface.predict(sizes, samples), fitted.drawn.predict(sizes, samples)
    )


def best_by_interpolation(losses: Losses, draws: int = DRAWS, seed: int = 0) -> Optimum:
    """Return the size of the lowest loss at one budget, with nothing assumed of a surface.

    By Akima's interpolation (J. ACM 17, 1970) in the logarithms.

    Args:
        losses: of one budget, by size; `FEWEST_SIZES` at least.
        draws: of seeds.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    drawn = losses.means + losses.draw(rng, losses.variances, losses.counts, draws)
    every = np.log(np.maximum(np.vstack([losses.means, drawn]), 1e-12))
    sizes = np.geomspace(losses.sizes[0], losses.sizes[-1], FINE)
    curve = Akima1DInterpolator(np.log(losses.sizes), every, axis=1)
    logs = np.clip(np.log(sizes), np.log(losses.sizes[0]), np.log(losses.sizes[-1]))
    curves = np.exp(curve(logs))
    return _lowest(sizes, curves[0], curves[1:])


def _lowest(sizes: Array, own: Array, drawn: Array) -> Optimum:
    """Return where a curve (M,) and drawn ones (B, M) are lowest."""
    best, places = int(own.argmin()), drawn.argmin(axis=1)
    last = len(sizes) - 1
    inside = (places > 0) & (places < last)
    kept = sizes[places[inside]]
    return Optimum(
        float(sizes[best]) if 0 < best < last else np.nan,
        float(own[best]),
        percentiles(kept) if len(kept) else Interval(np.nan, np.nan),
        float(inside.mean()),
    )
