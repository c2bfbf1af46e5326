"""Curves of error against size, fitted by weighted least squares under 0 ≤ floor, 0 ≤ amplitude.

Each form is error(N) = floor + amplitude · g(N / smallest; shape). For a given shape the other two
follow in closed form (variable projection: Golub & Pereyra, SIAM J. Numer. Anal. 10, 1973), so that
a fit is a search over one number. All of its range is searched, for thousands of sweeps at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sizewise.report.stats.noise import Array

POINTS = 250  # of a search


class Curve(NamedTuple):
    """Fitted parameters, each of shape (...), and the weighted sum of squares they leave."""

    shape: Array
    floor: Array
    amplitude: Array
    loss: Array


@dataclass(frozen=True)
class Form:
    """A curve's form.

    Args:
        name: in words.
        formula: as it is written in the report.
        basis: g; takes sizes over the smallest size, (K,), and shapes, (..., 1).
        shapes: the range of its shape.
        has_floor: False holds the floor at zero.
    """

    name: str
    formula: str
    basis: Callable[[Array, Array], Array]
    shapes: tuple[float, float]
    has_floor: bool = True

    @property
    def parameters(self) -> int:
        """Return how many numbers a fit chooses."""
        return 3 if self.has_floor else 2

    def fit(self, sizes: Array, errors: Array, weights: Array) -> Curve:
        """Return the best curve through each of B sweeps' mean errors.

        Args:
            sizes: (K,).
            errors: (B, K).
            weights: (K,).
        """
        shapes = np.geomspace(*self.shapes, POINTS)
        basis = self.basis(sizes / sizes.min(), shapes[:, None])
        w, y = weights.sum(), errors @ weights
        yy, xy = errors**2 @ weights, errors * weights @ basis.T
        x, xx = basis @ weights, basis**2 @ weights
        floor = np.zeros_like(xy)
        if self.has_floor:
            slope = (w * xy - x * y[:, None]) / np.maximum(w * xx - x**2, 1e-14 * w * xx)
            floor = np.where(slope < 0, y[:, None], y[:, None] - slope * x) / w
            floor = np.maximum(floor, 0)  # both bounds can't bind: errors are positive
        amplitude = np.maximum((xy - floor * x) / xx, 0)
        left = yy[:, None] - 2 * floor * y[:, None] - 2 * amplitude * xy + floor**2 * w
        left = np.maximum(left + 2 * floor * amplitude * x + amplitude**2 * xx, 0)
        rows, best = np.arange(len(left)), left.argmin(axis=1)
        return Curve(shapes[best], floor[rows, best], amplitude[rows, best], left[rows, best])

    def predict(self, curve: Curve, sizes: Array, smallest: float) -> Array:
        """Return the error that curves predict at `sizes` (M,): (..., M)."""
        g = self.basis(np.asarray(sizes) / smallest, np.asarray(curve.shape)[..., None])
        return curve.floor[..., None] + curve.amplitude[..., None] * g


FORMS = (
    Form("power law with a floor", "E + A·N^-α", lambda n, a: n**-a, (0.02, 4.0)),
    Form("power law without floor", "A·N^-α", lambda n, a: n**-a, (0.005, 4.0), has_floor=False),
    Form("exponential saturation", "E + A·exp(-N/N₀)", lambda n, s: np.exp(-n / s), (0.2, 1e4)),
)
