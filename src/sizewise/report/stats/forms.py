"""Curves of error against size, fitted by weighted least squares under 0 ≤ floor, 0 ≤ amplitude.

Each form is error(N) = floor + amplitude · g(N; shape). For a given shape the other two follow in
closed form (variable projection: Golub & Pereyra, SIAM J. Numer. Anal. 10, 1973), so a fit is a
search over one number. The search starts from everywhere on a grid, and thousands of resampled
sweeps are searched at once, as a few matrix products.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sizewise.report.stats.noise import Array

COARSE, FINE, ZOOMS = 160, 121, 5  # points of a search: over all shapes, and around a known best
REACH = 6.0  # standard errors of the shape, as the curvature tells them, that the fine part spans


class Means(NamedTuple):
    """Mean errors of B sweeps by size, and how much each weighs: (K,), (B, K), (B, K)."""

    sizes: Array
    errors: Array
    weights: Array


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
        basis: g; takes sizes over the smallest size, (K,), and shapes, (G, 1).
        shapes: the range of its shape.
        has_floor: False holds the floor at zero.
        in_parameters: whether its shape, times the smallest size, is a number of parameters, N₀;
            else it is an exponent, α.
    """

    name: str
    formula: str
    basis: Callable[[Array, Array], Array]
    shapes: tuple[float, float]
    has_floor: bool = True
    in_parameters: bool = False

    @property
    def parameters(self) -> int:
        """Return how many numbers a fit chooses."""
        return 3 if self.has_floor else 2

    def grid(self) -> Array:
        """Return the shapes that a search starts from, (G,)."""
        return np.geomspace(*self.shapes, COARSE)

    def grid_around(self, curve: Curve, means: Means) -> Array:
        """Return `grid` with more shapes around one sweep's best curve, (G,).

        They are as close as the sweep is precise, so what is read off between them is exact to
        second order.
        """
        step = 1e-3
        log_best = float(np.log(curve.shape))
        near = np.exp(log_best + step * np.array([-1.0, 0.0, 1.0]))
        before, middle, after = losses(self, near, means)[0][0]
        curvature = max((before - 2 * middle + after) / step**2, 1e-2)  # flat: anywhere
        reach = REACH * np.sqrt(2 / curvature)
        fine = np.exp(np.linspace(log_best - reach, log_best + reach, FINE))
        low, high = self.shapes
        return np.unique(np.concatenate([self.grid(), fine[(fine > low) & (fine < high)]]))

    def values(self, sizes: Array, smallest: float, shapes: Array) -> Array:
        """Return g at `sizes` (K,) for each of `shapes` (...): (..., K)."""
        return self.basis(np.asarray(sizes) / smallest, np.asarray(shapes)[..., None])


POWER_LAW = Form("power law with a floor", "E + A·N^-α", lambda n, a: n**-a, (0.02, 4.0))
RIVALS = (
    Form("power law without floor", "A·N^-α", lambda n, a: n**-a, (0.005, 4.0), has_floor=False),
    Form(
        "exponential saturation",
        "E + A·exp(-N/N₀)",
        lambda n, scale: np.exp(-n / scale),
        (0.2, 1e4),
        in_parameters=True,
    ),
)


def losses(
    form: Form, grid: Array, means: Means, floor: Array | None = None
) -> tuple[Array, Array, Array]:
    """Return what is left at each shape of a grid, and the floors and amplitudes: (B, G) each.

    Args:
        form: of the curve.
        grid: shapes, (G,).
        means: of B sweeps.
        floor: holds the floors at these values, (B,), instead of fitting them.
    """
    sizes, errors, weights = means
    basis = form.values(sizes, sizes.min(), grid)
    if not form.has_floor:
        floor = np.zeros(len(errors))
    weighted = weights * errors
    s_w, s_y = weights.sum(axis=1)[:, None], weighted.sum(axis=1)[:, None]
    s_yy = (weighted * errors).sum(axis=1)[:, None]
    s_x, s_xx, s_xy = weights @ basis.T, weights @ (basis**2).T, weighted @ basis.T
    if floor is None:
        determinant = np.maximum(s_w * s_xx - s_x**2, 1e-14 * s_w * s_xx)
        amplitude = (s_w * s_xy - s_x * s_y) / determinant
        e = (s_y - amplitude * s_x) / s_w
        e = np.where(amplitude < 0, s_y / s_w, e)  # both bounds can't bind: errors are positive
        e = np.maximum(e, 0)
    else:
        e = np.broadcast_to(floor[:, None], s_x.shape)
    amplitude = np.maximum((s_xy - e * s_x) / s_xx, 0)
    left = s_yy - 2 * e * s_y - 2 * amplitude * s_xy + e**2 * s_w
    left = left + 2 * e * amplitude * s_x + amplitude**2 * s_xx
    return np.maximum(left, 0), e, amplitude


def best_on_grid(form: Form, grid: Array, means: Means) -> Curve:
    """Return the best curve of each of B sweeps, (B,), at shapes of `grid`.

    The loss is that of the parabola through the best shape and its neighbours, so that it is a
    minimum's to second order although the shape is the grid's.
    """
    left, floors, amplitudes = losses(form, grid, means)
    rows, best = np.arange(len(left)), left.argmin(axis=1)
    return Curve(
        grid[best], floors[rows, best], amplitudes[rows, best], parabolic_minimum(grid, left)
    )


def parabolic_minimum(grid: Array, left: Array) -> Array:
    """Return the minimum of each row of losses (B, G) between the points of a grid (G,)."""
    x, best = np.log(grid), left.argmin(axis=1)
    rows, inner = np.arange(len(left)), best.clip(1, left.shape[1] - 2)
    lowest = left[rows, best]
    before = (left[rows, inner - 1] - lowest, x[inner] - x[inner - 1])
    after = (left[rows, inner + 1] - lowest, x[inner + 1] - x[inner])
    # through (-h, b), (0, 0) and (k, a): loss = slope x + bend x^2
    (b, h), (a, k) = before, after
    bend = (a * h + b * k) / (h * k * (h + k))
    slope = (a * h**2 - b * k**2) / (h * k * (h + k))
    drop = np.divide(slope**2, 4 * bend, out=np.zeros_like(bend), where=bend > 0)
    vertex: Array = np.where(best == inner, lowest - drop, lowest)
    return np.maximum(vertex, 0)


def best_curve(form: Form, means: Means) -> Curve:
    """Return the best curve through one sweep's means, each field a scalar array.

    The grid is searched again between the neighbours of its best shape, ever closer.
    """
    grid = form.grid()
    for _ in range(ZOOMS):
        left, floors, amplitudes = losses(form, grid, means)
        best = int(left[0].argmin())
        curve = Curve(grid[best], floors[0, best], amplitudes[0, best], left[0, best])
        grid = np.geomspace(grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)], COARSE)
    return curve


def evaluate(form: Form, curve: Curve, sizes: Array, smallest: float) -> Array:
    """Return the error that `curve` predicts at `sizes` (M,): (..., M)."""
    g = form.values(sizes, smallest, curve.shape)
    return curve.floor[..., None] + curve.amplitude[..., None] * g
