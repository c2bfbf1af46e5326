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

POINTS = (64, 17, 17, 17)  # of a search, and of those around what it finds


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
        rows = np.arange(len(errors))
        low, high = (np.full(len(errors), end) for end in self.shapes)
        for points in POINTS:  # closer and closer around each sweep's best
            shapes = np.geomspace(low, high, points, axis=1)
            left, floor, amplitude = self._losses(sizes, errors, weights, shapes)
            best = left.argmin(axis=1)
            low = shapes[rows, np.maximum(best - 1, 0)]
            high = shapes[rows, np.minimum(best + 1, points - 1)]
        return Curve(*(each[rows, best] for each in (shapes, floor, amplitude, left)))

    def _losses(
        self, sizes: Array, errors: Array, weights: Array, shapes: Array
    ) -> tuple[Array, Array, Array]:
        """Return what is left at each sweep's shapes (B, G), the floors and amplitudes."""
        basis = self.basis(sizes / sizes.min(), shapes[..., None])
        w, y, yy = weights.sum(), errors @ weights, errors**2 @ weights
        y, yy = y[:, None], yy[:, None]
        x, xx = basis @ weights, basis**2 @ weights
        xy = (basis @ (errors * weights)[..., None])[..., 0]
        floor = np.zeros_like(xy)
        if self.has_floor:
            slope = (w * xy - x * y) / np.maximum(w * xx - x**2, 1e-14 * w * xx)
            floor = np.where(slope < 0, y, y - slope * x) / w
            floor = np.maximum(floor, 0)  # both bounds can't bind: errors are positive
        amplitude = np.maximum((xy - floor * x) / xx, 0)
        left = yy - 2 * floor * y - 2 * amplitude * xy + floor**2 * w
        left = left + 2 * floor * amplitude * x + amplitude**2 * xx
        return np.maximum(left, 0), floor, amplitude

    def predict(self, curve: Curve, sizes: Array, smallest: float) -> Array:
        """Return the error that curves predict at `sizes` (M,): (..., M)."""
        g = self.basis(np.asarray(sizes) / smallest, np.asarray(curve.shape)[..., None])
        return curve.floor[..., None] + curve.amplitude[..., None] * g


FORMS = (
    Form("power law with a floor", "E + A·N^-α", lambda n, a: n**-a, (0.02, 4.0)),
    Form("power law without floor", "A·N^-α", lambda n, a: n**-a, (0.005, 4.0), has_floor=False),
    Form("exponential saturation", "E + A·exp(-N/N₀)", lambda n, s: np.exp(-n / s), (0.2, 1e4)),
)
