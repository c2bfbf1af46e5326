"""Surfaces of loss over size and data, and the best sizes that follow, on known ones."""

import numpy as np
import pytest

from benchmarks.surface_coverage import (
    BUDGETS,
    CASES,
    COSTS,
    SIZES,
    SURFACES,
    Case,
    asked,
    best_size,
    grid,
    part,
    share,
)
from sizewise.report.stats.optimum import Optimum, best_by_interpolation, best_by_surface
from sizewise.report.stats.surface import Fitted, Losses, fit, fit_surface

EXACT = 1e-7  # noise between seeds, where none is wanted


def fitted(losses: Losses, draws: int = 50) -> Fitted:
    found = fit_surface(losses, draws)
    assert found is not None
    return found


@pytest.mark.parametrize("name", SURFACES)
def test_an_exact_surface_is_recovered_and_foretells(name: str) -> None:
    losses, truth = grid(Case(name, 3, EXACT, 0.0), np.random.default_rng(0))
    found = fitted(part(losses, 0, 3))
    for own, true in zip(found.surface, SURFACES[name], strict=True):
        assert own == pytest.approx(float(true), rel=1e-2)
    last = part(losses, 4, 5)
    expected, intervals = found.foresee(last.sizes, last.samples, last.counts)
    assert expected == pytest.approx(truth[-len(SIZES) :], rel=1e-3)
    assert all(each.high - each.low < 0.01 for each in intervals)


def test_terms_that_would_be_negative_are_zero() -> None:
    sizes, samples = np.repeat([1e3, 1e4, 1e5], 3), np.tile([1e3, 1e4, 1e5], 3)
    falling = 5 * samples**-0.4 - 0.02  # of a floor below zero
    found, _ = fit(sizes, samples, falling[None], np.ones(9))
    assert found.floor.item() == 0
    found, left = fit(sizes, samples, (0.5 + 5 * samples**-0.4)[None], np.ones(9))
    size_matters = found.of_size.item() * (sizes.min() ** -found.alpha.item())
    assert size_matters == pytest.approx(0, abs=1e-3)
    assert left.item() < 1e-8


@pytest.mark.parametrize("name", SURFACES)
def test_the_best_size_is_that_of_the_known_surface_or_refused_at_the_edge(name: str) -> None:
    losses, _ = grid(Case(name, 3, EXACT, 0.0), np.random.default_rng(0))
    found = fitted(losses)
    for index, budget in enumerate(BUDGETS):
        true = best_size(SURFACES[name], budget)
        by_surface = best_by_surface(found, COSTS, budget)
        interpolated = best_by_interpolation(part(losses, index, index + 1), draws=50)
        lowest = part(losses, index, index + 1).means.argmin()
        assert by_surface.is_refused == np.isnan(true)
        assert interpolated.is_refused == (lowest in (0, len(SIZES) - 1))
        if not by_surface.is_refused:
            assert by_surface.size == pytest.approx(true, rel=0.02)
        if not interpolated.is_refused:
            assert interpolated.size == pytest.approx(true, rel=0.3)  # between sizes 2.3 apart
    assert np.isnan(best_size(SURFACES["like MNIST-1D"], BUDGETS[0]))


def test_a_best_size_at_the_edge_is_refused_and_draws_that_are_there_are_counted() -> None:
    sizes, own = np.array([1e3, 2e3, 4e3, 8e3, 16e3]), np.array([-1.2, -0.3, 0.2, 1.3])

    def best(means: list[float], noise: float) -> Optimum:
        runs = [each + noise * own for each in means]
        return best_by_interpolation(Losses(sizes, 1e9 / sizes, runs))

    sure, unsure = (best([1.0, 0.95, 1.1, 1.5, 2.0], noise) for noise in (1e-3, 0.2))
    assert (sure.inside, sure.is_refused) == (1.0, False)
    assert 1e3 < sure.interval.low <= sure.size <= sure.interval.high < 4e3
    assert 0.5 < unsure.inside < 0.9
    assert best([1.0, 1.02, 1.1, 1.5, 2.0], 1e-3).is_refused
    assert best([2.0, 1.5, 1.1, 1.02, 1.0], 1e-3).is_refused
    assert unsure._replace(inside=0.5).is_refused


def test_cells_off_the_surface_widen_what_is_foretold() -> None:
    widths = []
    for off in (0.0, 0.1):
        case = Case("like a text", 3, 0.01, off)
        losses, _ = grid(case, np.random.default_rng(1))
        found = fitted(part(losses, 0, 3), draws=200)
        last = part(losses, 4, 5)
        _, intervals = found.foresee(last.sizes, last.samples, last.counts)
        widths.append((found.scatter, np.mean([each.high - each.low for each in intervals])))
    (exact, narrow), (off_it, wide) = widths
    assert exact < 0.01 < off_it
    assert wide > 2 * narrow


def test_too_few_cells_or_seeds_give_no_surface() -> None:
    losses, _ = grid(CASES[0], np.random.default_rng(0))
    assert fit_surface(part(losses, 0, 1)) is None  # one budget, six cells
    alone = Losses(losses.sizes, losses.samples, [each[:1] for each in losses.runs])
    assert fit_surface(alone) is None
    one_size = losses.sizes == SIZES[0]
    runs = [runs for runs, kept in zip(losses.runs, one_size, strict=True) if kept]
    same = Losses(np.tile(SIZES[:1], 10), np.geomspace(1e3, 1e6, 10), [*runs, *runs])
    assert fit_surface(same) is None


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """A light form of benchmarks/surface_coverage.py: bounds at three standard errors."""
    case = Case("like Chinchilla", 3, 0.04, 0.0)
    rows = [asked(case, number, draws=60) for number in range(10)]
    for name, count in (("best size", 50), ("held out", 60), ("beta", 10)):
        held, of = share(rows, name)
        assert of == count
        assert 0.90 - 3 * np.sqrt(0.09 / 10) < held, (name, held)
    assert share(rows, "best size")[0] < 1.0  # not because they are as wide as can be


def test_seeds_that_all_agree_leave_nothing_to_draw() -> None:
    losses, truth = grid(CASES[0], np.random.default_rng(0))
    alike = Losses(losses.sizes, losses.samples, [np.full(3, each) for each in truth])
    low, high = fitted(alike).interval("beta")
    assert low == pytest.approx(high, rel=1e-3)
