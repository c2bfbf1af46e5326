"""How a loss falls with size and with data, by a surface over both.

The form is L(N, D) = E + A·N^-α + B·D^-β: Hoffmann et al., "Training Compute-Optimal Large Language
Models" (2022, arXiv:2203.15556, section 3.3), of a network's parameters N and the samples D that it
is trained on. For given exponents the other three follow by least squares with none below zero, in
closed form (variable projection: Golub & Pereyra, SIAM J. Numer. Anal. 10, 1973), so that a fit is
a search over two numbers; all of their range is searched.

**Weights.** Each cell's mean weighs 1 / (s²/n + τ²·L²): s² is its variance over n seeds, which
falls with the loss and is drawn towards its trend there (`moderate`); τ is by what share cells are
off the surface beyond that (Paule & Mandel, J. Res. NBS 87, 1982), above zero where the form is
only nearly right.

**Intervals** are percentiles over surfaces fitted to losses drawn from the best one. Seeds are
drawn again from all cells' standardised deviations, since three of one cell's own would show two
thirds of its variance. benchmarks/surface_coverage.py measures how often they hold the truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from sizewise.report.stats.errors import TAILS, Interval
from sizewise.report.stats.noise import Array, Noise, moderate

PARAMETERS = 5  # of a surface
FEWEST_CELLS = PARAMETERS + 3
ENDS = (np.log(0.02), np.log(4.0))  # of the exponents that are searched
POINTS = (28, 28)  # of them
STEPS = 16  # downhill from the best of the points
NEAR = 0.01  # how far around it is looked for the way down; all in logarithms
FARTHEST = 0.3  # of a step
TERMS = [list(each) for count in (3, 2, 1) for each in combinations(range(3), count)]
DRAWS = 1000
MOST_SCATTER = 1.0


class Losses:
    """Losses of networks by size and by the samples that they were trained on, over seeds.

    Args:
        sizes: parameters of each cell, (K,).
        samples: that each was trained on, (K,).
        runs: of each cell its seeds' losses, (n,) each.
    """

    def __init__(self, sizes: Array, samples: Array, runs: Sequence[Array]) -> None:
        self.sizes, self.samples, self.runs = sizes, samples, list(runs)
        self.means = np.array([each.mean() for each in runs])
        self.counts = np.array([len(each) for each in runs])

    def noise_at(self, losses: Array) -> Noise:
        """Return the variance between seeds that is to be expected at losses (M,), beside cells'.

        Returns:
            Of the K cells, then of the M.
        """
        raw = [each.var(ddof=1) if len(each) > 1 else np.nan for each in self.runs]
        variances = np.concatenate([raw, np.full(len(losses), np.nan)])
        counts = np.concatenate([self.counts, np.ones(len(losses))])
        level = np.log(np.maximum(np.concatenate([self.means, losses]), 1e-12))
        return moderate(variances, counts, level)

    @cached_property
    def variances(self) -> Array:
        """Return the variance of one seed in each cell, (K,); NaN where no cell has two."""
        return self.noise_at(np.empty(0)).variances

    @cached_property
    def deviations(self) -> Array:
        """Return how far each seed is off its cell's mean, in deviations of one seed there."""
        scale = np.sqrt(self.variances)
        own = [
            (each - each.mean()) / (deviation * np.sqrt(1 - 1 / len(each)))
            for each, deviation in zip(self.runs, scale, strict=True)
            if len(each) > 1
        ]
        found = np.concatenate(own)
        return np.asarray(found / np.sqrt(max((found**2).mean(), 1e-30)))  # none, where all agree

    def draw(self, rng: np.random.Generator, variances: Array, counts: Array, draws: int) -> Array:
        """Draw how far means over so many seeds are off, (draws, M).

        Args:
            rng: a generator.
            variances: of one seed, (M,).
            counts: seeds, (M,).
            draws: how many.
        """
        sums = np.zeros((draws, len(counts)))
        for seed in range(int(counts.max())):
            sums += rng.choice(self.deviations, sums.shape) * (seed < counts)
        return np.asarray(sums / counts * np.sqrt(variances))


class Surface(NamedTuple):
    """E, A, α, B and β, each of shape (...)."""

    floor: Array
    of_size: Array
    alpha: Array
    of_data: Array
    beta: Array

    def predict(self, sizes: Array, samples: Array) -> Array:
        """Return the loss at sizes (M,) trained on samples (M,): (..., M)."""
        floor, of_size, alpha, of_data, beta = (np.asarray(each)[..., None] for each in self)
        return np.asarray(floor + of_size * sizes**-alpha + of_data * samples**-beta)


def fit(sizes: Array, samples: Array, losses: Array, weights: Array) -> tuple[Surface, Array]:
    """Return the best surface through each of B drawn losses, and what it leaves, (B,).

    Args:
        sizes: (K,).
        samples: (K,).
        losses: (B, K).
        weights: (K,).
    """
    middle = [np.exp(np.log(each).mean()) for each in (sizes, samples)]
    n, d = sizes / middle[0], samples / middle[1]
    grid = np.stack(np.meshgrid(*(np.linspace(*ENDS, points) for points in POINTS)), axis=-1)
    left, _ = _least_squares(n, d, losses, weights, grid.reshape(1, -1, 2))
    at = grid.reshape(-1, 2)[left.argmin(axis=1)]  # logarithms of α and β, (B, 2)
    around = NEAR * np.array([[i, j] for i in (-1, 0, 1) for j in (-1, 0, 1)])
    damping, left = np.full(len(losses), 1.0), np.full((len(losses), 9), np.inf)
    tried = at
    for _ in range(STEPS):  # Levenberg's: a step is taken if it leaves less
        seen, _ = _least_squares(n, d, losses, weights, tried[:, None] + around)
        better = seen[:, 4] <= left[:, 4]
        at = np.where(better[:, None], tried, at)
        left = np.where(better[:, None], seen, left)
        damping = np.clip(damping * np.where(better, 0.2, 6.0), 1e-6, 1e6)
        tried = np.clip(at + _downhill(left, damping), *ENDS)
    left, terms = _least_squares(n, d, losses, weights, at[:, None])
    floor, of_size, of_data = terms[:, 0].T
    alpha, beta = np.exp(at).T
    of_size, of_data = of_size * middle[0] ** alpha, of_data * middle[1] ** beta
    return Surface(floor, of_size, alpha, of_data, beta), left[:, 0]


def _downhill(left: Array, damping: Array) -> Array:
    """Return Newton's step, (B, 2), by what is left at 3 by 3 points around, (B, 9)."""
    f = left.reshape(-1, 3, 3)
    slope = np.stack([f[:, 2, 1] - f[:, 0, 1], f[:, 1, 2] - f[:, 1, 0]], axis=1) / 2
    middle = 2 * f[:, 1, 1]
    across = (f[:, 2, 2] - f[:, 2, 0] - f[:, 0, 2] + f[:, 0, 0]) / 4
    bends = f[:, 2, 1] + f[:, 0, 1] - middle, f[:, 1, 2] + f[:, 1, 0] - middle
    curvature = np.stack([bends[0], across, across, bends[1]], axis=1).reshape(-1, 2, 2)
    values, vectors = np.linalg.eigh(curvature)
    least = 1e-12 * np.maximum(f[:, 1, 1], 1e-30)
    values = np.abs(values) + (damping * 1e-3 * np.abs(values).max(axis=1) + least)[:, None]
    along = (slope[:, None] @ vectors)[:, 0] / values
    step = -(vectors @ along[..., None])[..., 0] * NEAR
    length = np.linalg.norm(step, axis=1, keepdims=True)
    return np.asarray(step * np.minimum(1, FARTHEST / np.maximum(length, 1e-30)))


def _least_squares(
    n: Array, d: Array, losses: Array, weights: Array, exponents: Array
) -> tuple[Array, Array]:
    """Return what is left, (B, G), and E, A, B, none below 0, (B, G, 3).

    `exponents` are logarithms of α and β, (B or 1, G, 2).

    The best of all subsets of terms that come out at zero or above is the constrained optimum.
    """
    alphas, betas = np.moveaxis(np.exp(exponents), -1, 0)[..., None]
    basis = np.stack([np.ones((*alphas.shape[:2], len(n))), n**-alphas, d**-betas], axis=-2)
    weighted = basis * weights
    products = weighted @ basis.swapaxes(-1, -2)  # B G 3 3
    targets = weighted.reshape(len(basis), -1, len(n)) @ losses[..., None]  # B G*3 1
    targets = targets.reshape(len(losses), -1, 3)
    whole = (losses**2 @ weights)[:, None]
    left = np.full(targets.shape[:2], np.inf)
    terms = np.zeros_like(targets)
    for subset in TERMS:
        own = products[..., subset, :][..., subset]
        own = own * (1 + 1e-12 * np.eye(len(subset)))  # where two terms can't be told apart
        right = targets[..., subset]
        found = (np.linalg.inv(own) @ right[..., None])[..., 0]
        rest = whole - (found * right).sum(axis=-1)
        better = (found >= 0).all(axis=-1) & (rest < left)
        left = np.where(better, rest, left)
        chosen = np.zeros_like(terms)
        chosen[..., subset] = found
        terms = np.where(better[..., None], chosen, terms)
    return np.maximum(left, 0), terms


@dataclass(frozen=True)
class Fitted:
    """A surface.

    Args:
        losses: that it is of.
        surface: the best.
        scatter: τ, the share by which cells are off it beyond what seeds explain.
        drawn: those of drawn losses, (B,) each.
    """

    losses: Losses
    surface: Surface
    scatter: float
    drawn: Surface

    def interval(self, name: str) -> Interval:
        """Return the 90 % interval of `floor`, `alpha`, or another of the surface's numbers."""
        return percentiles(getattr(self.drawn, name))

    def foresee(
        self, sizes: Array, samples: Array, seeds: Array, seed: int = 0
    ) -> tuple[Array, list[Interval]]:
        """Predict means over so many seeds of cells that were not seen, with 90 % intervals.

        Args:
            sizes: (M,).
            samples: (M,).
            seeds: (M,), of each mean.
            seed: of the draws.
        """
        rng = np.random.default_rng(seed)
        expected = self.surface.predict(sizes, samples)
        variances = self.losses.noise_at(expected).variances[-len(expected) :]
        found = self.drawn.predict(sizes, samples)
        found = found * (1 + self.scatter * rng.standard_normal(found.shape))
        found = found + self.losses.draw(rng, variances, seeds, len(found))
        return expected, [percentiles(each) for each in found.T]


def fit_surface(losses: Losses, draws: int = DRAWS, seed: int = 0) -> Fitted | None:
    """Fit a surface; None where there are too few cells, sizes or amounts, or none has two seeds.

    Args:
        losses: to fit.
        draws: surfaces drawn for the intervals.
        seed: of the draws: the same losses give the same intervals.
    """
    few = min(len(set(losses.sizes)), len(set(losses.samples))) < 3
    if few or len(losses.means) < FEWEST_CELLS or not (losses.counts > 1).any():
        return None
    at, own = (losses.sizes, losses.samples), losses.variances / losses.counts
    free = len(own) - PARAMETERS

    def weights(square: float) -> Array:
        return np.asarray(1 / (own + square * losses.means**2))

    def excess(square: float) -> float:
        return float(fit(*at, losses.means[None], weights(square))[1].item() - free)

    square = 0.0
    if excess(0.0) > 0:
        wide = MOST_SCATTER**2
        square = wide if excess(wide) > 0 else float(brentq(excess, 0.0, wide, rtol=1e-3))
    best, _ = fit(*at, losses.means[None], weights(square))
    rng, model = np.random.default_rng(seed), best.predict(*at)[0]
    scatter = float(np.sqrt(square))
    made = model * (1 + scatter * rng.standard_normal((draws, len(own))))
    made = made + losses.draw(rng, losses.variances, losses.counts, draws)
    drawn, _ = fit(*at, made, weights(square))
    return Fitted(losses, Surface(*(each[0] for each in best)), scatter, drawn)


def percentiles(values: Array) -> Interval:
    """Return the ends of the middle 90 % of values."""
    low, high = np.quantile(values, TAILS)
    return Interval(float(low), float(high))
