"""What is said of failing, of spread and of learning rates, on runs with a known answer."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from sizewise.records import RunRecord
from sizewise.report import Report, write_report
from sizewise.report.by_rate import RATE, compared, contrasts
from sizewise.report.studies.stability import section
from tests.report.synthetic import CHANCE, attempt

SIZES, RATES, SEEDS = (1000, 4000, 16_000), (0.001, 0.01, 0.1), 5
Error = Callable[[int, float, np.random.Generator], float]  # of a size at a rate


def sweep(error: Error, families: Sequence[str] = ("cnn", "lstm")) -> list[RunRecord]:
    rng = np.random.default_rng(0)
    return [
        attempt(error(size, rate, rng), seed, family=family, size=size, rate=rate)
        for family in families
        for size in SIZES
        for rate in RATES
        for seed in range(SEEDS)
    ]


def fragile(size: int, rate: float, rng: np.random.Generator) -> float:
    """Return errors that are lowest at 0.01; larger sizes are at chance at 0.1, and vary more."""
    if rate == 0.1 and size > 1000:
        return CHANCE
    best = 0.3 - 0.1 * np.log10(size / 1000)
    return float(best + 0.1 * (rate != 0.01) + rng.normal(scale=0.01 * (size / 1000) ** 0.5))


def steady(size: int, rate: float, rng: np.random.Generator) -> float:
    """Return errors that fall with size, and vary alike."""
    return float(0.3 - 0.1 * np.log10(size / 1000) + 0.1 * (rate != 0.01) + rng.normal(scale=0.02))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    runs = sweep(fragile)
    runs[-1] = replace(runs[-1], extras=runs[-1].extras | {"diverged": 7})
    return write_report(runs, tmp_path_factory.mktemp("stability"), name="stability")


def test_larger_networks_that_fail_vary_and_bear_less_are_told() -> None:
    families = compared(sweep(fragile))
    found = contrasts(families)
    assert found.failures.value == pytest.approx(1 / 3)
    assert all(each.is_told and each.value > 0 for each in found[:3])
    assert found.spread.interval is not None
    assert 0.03 in found.spread.interval  # from 0.01 to 0.04
    # two rates of three, of which one costs 0.1 at either size, the other 0.1 or chance less best
    assert found.sensitivity.value == pytest.approx((0.9 - 0.18 - 0.1) / 3, abs=0.02)


def test_larger_networks_that_do_as_smaller_are_not_told_apart() -> None:
    study = section(sweep(steady))
    assert study is not None
    assert study.title.startswith("Can't tell whether larger networks, at 16k parameters against")
    assert [row["failed runs, any rate"][:7] for row in study.tables[1].rows] == ["0 of 15"] * 6
    assert study.tables[0].rows[-1]["family"] == "all"


def test_the_report_shows_it(report: Report) -> None:
    (study,) = report.contents.studies
    assert study.title.startswith(
        "Larger networks, at 16k parameters against 1k, fail to train more"
    )
    assert study.sentences[0] == (
        "20 of 90 runs failed to train (10 of 45 of cnn and 10 of 45 of lstm), 1 of them by a loss "
        "that stopped being finite."
    )
    assert "exceeds training error by" in study.sentences[1]
    by_rate = study.tables[2].rows[-1]
    assert by_rate["at rate 0.1"] == "90.0%, 5 failed"
    assert study.tables[1].rows[0]["best rate"] == "0.01"
    assert study.tables[1].rows[0]["loss spikes per 1,000 steps"].startswith("11.11 [")
    text = (report.folder / "report.md").read_text()
    for name in ("error_by_rate", "spread_by_size"):
        assert f"(figures/{name}.png)" in text
        assert (report.folder / "figures" / f"{name}.svg").exists()


def test_sensitivity_is_the_mean_over_rates_of_what_is_lost_capped_at_chance() -> None:
    errors = {0.001: (0.3, 0.5), 0.01: (0.2, 0.1), 0.1: (0.95, 0.9)}
    runs = [
        attempt(error, seed, size=size, rate=rate)
        for size in (1000, 4000)
        for rate, both in errors.items()
        for seed, error in enumerate((*both, both[0]))
    ]
    (family,) = compared(runs)
    expected = [(0.1 + 0 + 0.7) / 3, (0.4 + 0 + 0.8) / 3, (0.1 + 0 + 0.7) / 3]
    assert family.sizes[0].sensitivity.errors == pytest.approx(expected)
    samples = family.sizes[0].sensitivity.samples
    assert samples is not None
    assert samples.mean(axis=1) == pytest.approx(expected, abs=1e-4)


def test_the_best_rate_is_validations_though_test_would_choose_another() -> None:
    runs = sweep(steady, ["lstm"])
    liked = [
        replace(each, history=[epoch | {"val/accuracy": 0.99} for epoch in each.history])
        if each.config["training.learning_rate"] == 0.001
        else each
        for each in runs
    ]
    (family,) = compared(liked)
    assert [each.best_rate for each in family.sizes] == [0.001] * 3


def test_a_spread_that_one_seed_leaves_unknown_is_not_told() -> None:
    """Of the largest size one seed trained, far from chance."""
    runs = [
        attempt(CHANCE, run.seed, family="cnn", size=SIZES[-1], rate=run.config[RATE])
        if run.size_asked == SIZES[-1] and run.seed
        else run
        for run in sweep(steady, ["cnn"])
    ]
    found = contrasts(compared(runs)).spread
    assert math.isnan(found.value)
    assert not found.is_told
    study = section(runs)
    assert study is not None
    assert "can't tell whether they differ more between seeds at the best rate (unknown)" in (
        study.title
    )


def test_sizes_that_share_no_seed_are_not_told_apart_within_seeds() -> None:
    largest = SIZES[-1]
    runs = [
        attempt(run.error(), run.seed + SEEDS, family="cnn", size=largest, rate=run.config[RATE])
        if run.size_asked == largest
        else run
        for run in sweep(steady, ["cnn"])
    ]
    study = section(runs)
    assert study is not None
    assert "whether larger networks" in study.title or "can't tell whether they" in study.title
    assert "fail to train more often (unknown)" in study.title
    assert "are more sensitive to the learning rate (unknown)" in study.title
    assert study.sentences[1] == (
        "Overfitting: can't tell whether it changes with size: the largest and the smallest share "
        "no seed."
    )


@pytest.mark.parametrize(
    "runs",
    [
        [attempt(0.2, 0, size=size, rate=rate) for size in SIZES for rate in RATES],
        [attempt(0.2, seed, size=1000, rate=rate) for rate in RATES for seed in range(5)],
        [attempt(0.2, s, size=n, rate=rate) for n in SIZES for s in range(5) for rate in RATES[:2]],
        [attempt(0.2, seed, size=size, rate=size / 1e6) for size in SIZES for seed in range(5)],
    ],
    ids=["one seed", "one size", "two rates", "each size at its own rate"],
)
def test_other_sweeps_are_no_study_of_stability(runs: list[RunRecord]) -> None:
    assert section(runs) is None
