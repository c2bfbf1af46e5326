"""Runs that fail to train, in a report on sizes."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sizewise.records import RunRecord
from sizewise.report.analysis import analyse
from sizewise.report.cells import failed_to_train
from sizewise.report.summary import summaries
from sizewise.report.tables import cell_rows
from sizewise.report.wording import paragraphs
from tests.report.synthetic import CHANCE, TEST_SAMPLES, attempt


def at_chance() -> float:
    return CHANCE - 2 * math.sqrt(CHANCE * (1 - CHANCE) / TEST_SAMPLES)  # 0.8866


@pytest.mark.parametrize(
    ("made", "failed"),
    [
        (attempt(0.9), True),
        (attempt(at_chance() + 0.002), True),
        (attempt(at_chance() - 0.002), False),
        (attempt(0.2, diverged=30), True),
        (replace(attempt(0.9), extras={}), False),
        (replace(attempt(0.9), sample_errors=None), False),
    ],
    ids=["chance", "hardly better", "better", "diverged", "no chance known", "no samples kept"],
)
def test_what_failed_to_train_is_told_by_two_standard_errors(made: RunRecord, failed: bool) -> None:
    assert failed_to_train(made) is failed


def test_one_failed_seed_is_said_and_does_not_blur_every_size() -> None:
    rng = np.random.default_rng(0)
    errors = {500: 0.3, 4000: 0.052, 16_000: 0.05}
    runs = [
        attempt(error + float(rng.normal(scale=0.002)), seed, size=size)
        for size, error in errors.items()
        for seed in range(5)
    ]
    runs[7] = attempt(0.06, 2, size=4000, diverged=100)
    runs[7].metrics["test/accuracy"] = 1 - CHANCE
    analysis = analyse(runs, name="failed")
    (result,) = analysis.families
    cell = result.cells[1]
    assert cell.error == pytest.approx(0.052, abs=0.003)
    assert (len(cell.seeds), len(cell.test_errors), cell.failures) == (5, 4, 1)
    assert result.answer.as_good is cell
    assert cell_rows(analysis)[1]["seeds"] == "5, 1 failed"
    assert any("chance: 1 of 5 seeds of lstm 4k. They count" in note for note in analysis.notes)
    (paragraph,) = paragraphs(analysis)
    assert any("lstm 4k (1 of 5 seeds failed) is" in each for each in paragraph.sentences)


def test_a_size_at_which_no_seed_trained_stands_at_what_it_reached() -> None:
    runs = [attempt(CHANCE, seed, size=500) for seed in range(3)]
    analysis = analyse(
        [*runs, *(attempt(0.1 + seed / 100, seed) for seed in range(3))], name="failed"
    )
    cell, _ = analysis.families[0].cells
    assert cell.error == pytest.approx(CHANCE)
    assert analysis.families[0].answer.as_good.parameters == 1000


def test_where_nothing_trained_no_size_is_enough() -> None:
    runs = [
        attempt(CHANCE, seed, family=family, size=size)
        for family in ("cnn", "lstm")
        for size in (500, 1000, 4000)
        for seed in range(3)
    ]
    runs += [attempt(0.1, seed, family="mlp", size=1000) for seed in range(3)]
    analysis = analyse(runs, name="failed")
    headlines = [each.headline for each in paragraphs(analysis)]
    assert headlines[0] == "Over all families: mlp 1k; no smaller model is as good."
    assert (
        headlines[1]
        == "cnn: no size run trained: losses stopped being finite, or errors are chance's."
    )
    assert summaries(analysis)[0].rows[0]["enough"] == "none trained"
    analysis = analyse(runs[:-3], name="failed")
    assert paragraphs(analysis)[0].headline == "Over all families: no model run trained."
    assert analysis.recommended is None
    assert not analysis.proposals


def test_near_chance_failing_is_the_end_of_the_scatter_and_all_count() -> None:
    runs = [attempt(error, seed) for seed, error in enumerate((0.89, 0.88, 0.87, 0.86))]
    analysis = analyse([*runs, *(attempt(0.5, seed, size=4000) for seed in range(4))], name="near")
    cell, _ = analysis.families[0].cells
    assert cell.failures == 1
    assert cell.error == pytest.approx(0.875)


def test_a_setting_with_a_failed_seed_loses_though_its_others_are_better() -> None:
    steady_runs = [attempt(0.3, seed, rate=0.01) for seed in range(3)]
    lucky = [attempt(0.2 if seed else CHANCE, seed, rate=0.1) for seed in range(3)]
    (result,) = analyse([*steady_runs, *lucky], name="failed").families
    assert dict(result.cells[0].setting) == {"training.learning_rate": 0.01}
