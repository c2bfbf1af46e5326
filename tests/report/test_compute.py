"""Which size wins at equal FLOPs, on runs whose surface is known."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from experiments.cases import cases
from sizewise.records import Measure, RunRecord
from sizewise.report import write_report
from sizewise.report.analysis import analyse
from sizewise.report.section import Section
from sizewise.report.stats.surface import Surface, fit_surface
from sizewise.report.studies.compute import families, section
from sizewise.report.studies.compute.families import Compute, families_at_budgets
from tests.report.synthetic import record

BATCH, EACH = 16, 27  # samples a step; FLOPs of a sample for each parameter
SIZES = (800, 1700, 3700, 8700, 21_000)
BUDGETS = (5e8, 9e8, 1.6e9, 7e9, 3e10)
TRUE = Surface(*map(np.array, (0.03, 60.0, 0.8, 900.0, 0.75)))
BITS = Measure("bits per byte", "bits", 0.02)


def run(family: str, size: int, budget: float, seed: int, loss: float) -> RunRecord:
    """Return a run whose error is a tenth of its loss."""
    steps = round(budget / (EACH * size * BATCH))
    made = record(
        family,
        size,
        seed,
        test_error=loss / 10,
        training__flops=budget,
        training__batch_size=BATCH,
    )
    costs = {
        "cost/flops_training": EACH * size,
        "cost/flops_spent": steps * BATCH * EACH * size,
        "cost/train_seconds": budget / 1e9,
        "test/loss": loss,
    }
    return replace(made, steps=steps, train_samples=10**7, metrics=made.metrics | costs)


def runs(
    family: str = "cnn", noise: float = 0.01, seeds: int = 3, surface: Surface = TRUE
) -> list[RunRecord]:
    rng = np.random.default_rng(0)
    found = []
    for budget in BUDGETS:
        for size in SIZES:
            (loss,) = surface.predict(np.array([size]), np.array([budget / (EACH * size)]))
            for seed in range(seeds):
                own = float(loss * (1 + noise * rng.standard_normal()))
                found.append(run(family, size, budget, seed, min(own, 9.0)))
    return found


@pytest.fixture(scope="module", autouse=True)
def few_draws() -> Iterator[None]:
    """Draw fewer surfaces than a report does, which takes a second for each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(families, "fit_surface", partial(fit_surface, draws=100))
        yield


@pytest.fixture(scope="module")
def records() -> list[RunRecord]:
    return runs()


@pytest.fixture(scope="module")
def found(records: list[RunRecord]) -> Compute:
    (family,) = families_at_budgets(records)
    return family


@pytest.fixture(scope="module")
def study(records: list[RunRecord]) -> Section:
    made = section(records)
    assert made is not None
    return made


def test_the_winner_at_each_budget_is_that_of_the_known_surface(
    found: Compute, study: Section
) -> None:
    for budget in found.budgets:
        sizes = np.array(SIZES, dtype=float)
        true = SIZES[TRUE.predict(sizes, budget.flops / (EACH * sizes)).argmin()]
        assert true in [cell.parameters for cell in budget.untold]
    assert study.title == (
        "The more FLOPs, the larger the best cnn: 800 at 5e8 FLOPs, 3.7k at 3e10."
    )
    winners, *_ = study.tables
    assert [row["wins"] for row in winners.rows][0::4] == ["800", "3.7k"]
    assert winners.rows[0]["best by the surface"] == "–"  # its lowest is at the edge
    assert winners.rows[-1]["best by the surface"].startswith("4.")
    refused = next(each for each in study.sentences if "are refused by the surface" in each)
    assert "of 5 budgets' best sizes, 2 are refused" in refused


def test_the_largest_budget_is_foretold_from_a_tenth_of_its_flops(
    found: Compute, study: Section
) -> None:
    forecast = found.forecast
    assert forecast is not None
    assert forecast.used == list(BUDGETS[:3])
    assert forecast.share == pytest.approx(0.1)
    for case, size in zip(forecast.cells, SIZES, strict=True):
        (true,) = TRUE.predict(np.array([size]), np.array([3e10 / (EACH * size)]))
        assert case.came == pytest.approx(true, rel=0.03)
        assert case.predicted == pytest.approx(true, rel=0.1)
        assert case.is_inside == (case.interval.low <= case.came <= case.interval.high)
    said = next(each for each in study.sentences if "predicted from" in each)
    assert "predicted from 5e8, 9e8 and 1.6e9, 10.0% of its FLOPs: " in said
    assert "3.7k, which won, was predicted at 0.1" in said


def test_budgets_that_have_more_are_used_only_where_two_are_needed(
    records: list[RunRecord],
) -> None:
    kept = [each for each in records if each.config["training.flops"] >= 1.6e9]
    (family,) = families_at_budgets(kept)
    assert family.forecast is not None
    assert family.forecast.used == [1.6e9, 7e9]
    assert family.forecast.share == pytest.approx(8.6 / 30)


def test_what_a_gain_costs_is_said_where_it_is_surely_bought(study: Section) -> None:
    *_, prices = study.tables
    by_size = {row["size"]: row for row in prices.rows}
    # from 7e9 to 3e10 FLOPs takes 23 seconds more, for a tenth of what the loss falls by
    size = np.array([21_000.0])
    before, after = (TRUE.predict(size, c / (EACH * size)).item() for c in (7e9, 3e10))
    price = float(by_size["21k"]["a point by training on: training time"].removesuffix(" s"))
    assert price == pytest.approx(23 / (10 * (before - after)), rel=0.1)
    bought = by_size["800"]["a point by the next size: size on disk"]
    assert bought.endswith("B")
    assert by_size["3.7k"]["a point by the next size: latency"] == "nothing told"
    assert by_size["21k"]["a point by the next size: latency"] == "–"


def test_seeds_that_differ_leave_the_winner_open() -> None:
    study = section(runs(noise=0.5))
    assert study is not None
    assert study.title.startswith("Can't tell whether the best cnn grows with its FLOPs: ")


def test_one_seed_gives_neither_a_winner_nor_a_surface() -> None:
    study = section(runs(seeds=1))
    assert study is not None
    assert "800 to 21k at 5e8 FLOPs" in study.title
    assert study.sentences[0].endswith("too few sizes, budgets or seeds for a surface over both.")


def test_a_text_is_foretold_in_its_own_bits() -> None:
    text = [replace(each, measure=BITS) for each in runs()]
    (family,) = families_at_budgets(text)
    assert family.forecast is not None
    winner = family.forecast.budget.winner
    (case,) = (each for each in family.forecast.cells if each.cell is winner)
    assert case.came == pytest.approx(winner.error)
    study = section(text)
    assert study is not None
    assert "0.1 bits by training on: training FLOPs" in study.tables[-1].rows[0]


def test_runs_that_broke_off_are_in_no_surface(records: list[RunRecord]) -> None:
    broken = [
        replace(each, steps=3, metrics=each.metrics | {"test/loss": float("inf")})
        if each.seed == 2 and each.config["training.flops"] == BUDGETS[1]
        else each
        for each in records
    ]
    (family,) = families_at_budgets(broken)
    assert family.fitted is not None
    assert family.fitted.losses.counts.tolist() == 5 * [3] + 5 * [2] + 15 * [3]
    assert family.fitted.surface.alpha == pytest.approx(0.8, rel=0.1)


def test_cells_of_few_steps_are_in_no_surface_and_counted(records: list[RunRecord]) -> None:
    few = [
        replace(each, steps=20)
        if each.parameters == SIZES[-1] and each.config["training.flops"] == BUDGETS[0]
        else each
        for each in records
    ]
    study = section(few)
    assert study is not None
    assert any(each.startswith("1 of 25 cells are in no surface: ") for each in study.sentences)


def test_without_two_budgets_there_is_no_such_study(records: list[RunRecord]) -> None:
    assert section([each for each in records if each.config["training.flops"] == 7e9]) is None
    assert section([record(seed=seed) for seed in (0, 1)]) is None


def test_sizes_are_compared_at_each_familys_largest_budget(records: list[RunRecord]) -> None:
    others = [each for each in runs("mlp") if each.config["training.flops"] < 3e10]
    analysis = analyse([*records, *others], name="compute")
    used = {
        (cell.family, run.config["training.flops"])
        for cell, _ in analysis.rows
        for run in cell.records
    }
    assert used == {("cnn", 3e10), ("mlp", 7e9)}
    assert any("105 at smaller ones tell which size wins there" in each for each in analysis.notes)


def test_cases_are_counted_apart_where_they_are_predicted_from_a_tenth(
    records: list[RunRecord],
) -> None:
    assert "of the 5 cases that were predicted from at most 10% of" in cases(records)
    kept = [each for each in records if each.config["training.flops"] >= 1.6e9]
    said = cases(kept)
    assert "0 of the 0 cases that were predicted from at most 10% of" in said
    assert "of the 5 cases in all" in said
    assert "| cnn 21k on mnist1d at 3e10 FLOPs, test loss |" in said
    assert cases([each for each in records if each.parameters == SIZES[0]]) == "no case"


def test_the_report_shows_it(records: list[RunRecord], study: Section, tmp_path: Path) -> None:
    report = write_report(records, tmp_path, name="compute")
    # not that growing hurts, which is another question at equal FLOPs
    assert [each.title for each in report.contents.studies] == [study.title]
    assert str(report).startswith(study.title)
    for name in ("loss_by_budget", "best_size_by_budget"):
        assert (tmp_path / f"figures/{name}.svg").stat().st_size > 5000
        assert f'id="{name}"' in (tmp_path / "report.html").read_text()
