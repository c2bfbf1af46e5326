import dataclasses
import math
from typing import Any

import pytest

from sizewise.errors import UserError
from sizewise.records import Measure, RunRecord
from sizewise.report.selection import select, usable_runs
from tests.report.synthetic import record


def tuned(
    rate: float, validation_error: float, test_error: float, seed: int = 0, **config: Any
) -> RunRecord:
    return record(
        seed=seed,
        test_error=test_error,
        validation_error=validation_error,
        training__learning_rate=rate,
        **config,
    )


def test_setting_is_chosen_by_validation_though_test_would_choose_another() -> None:
    runs = [
        tuned(rate, validation, test, seed)
        for seed in (0, 1)
        for rate, validation, test in [(0.001, 0.2, 0.3), (0.01, 0.3, 0.1), (0.1, 0.4, 0.4)]
    ]
    selection = select(runs)
    (cell,) = selection.cells
    assert dict(cell.setting) == {"training.learning_rate": 0.001}
    assert cell.test_errors == pytest.approx([0.3, 0.3])  # a peek at the test set would give 0.1
    (choice,) = selection.choices
    assert choice.edges == {"training.learning_rate": [0.001, 0.01, 0.1]}


def test_an_optimum_inside_the_grid_is_not_on_its_edge() -> None:
    runs = [tuned(rate, error, 0.2) for rate, error in [(0.001, 0.3), (0.01, 0.1), (0.1, 0.4)]]
    assert select(runs).choices[0].edges == {}


def test_a_setting_whose_seeds_failed_cannot_win_on_the_lucky_rest() -> None:
    runs = [tuned(0.01, 0.30, 0.3, seed) for seed in range(3)]
    runs += [tuned(0.1, 0.05, 0.05, 0)]
    (cell,) = select(runs).cells
    assert dict(cell.setting) == {"training.learning_rate": 0.01}


def test_each_size_chooses_for_itself() -> None:
    runs = []
    for size, good in [(1000, 0.01), (4000, 0.001)]:
        for rate in (0.001, 0.01):
            error = 0.1 if rate == good else 0.2
            runs.append(record(parameters=size, test_error=error, training__learning_rate=rate))
    settings = {cell.parameters: dict(cell.setting) for cell in select(runs).cells}
    assert settings == {
        1000: {"training.learning_rate": 0.01},
        4000: {"training.learning_rate": 0.001},
    }


def test_a_later_run_replaces_an_earlier_one() -> None:
    runs = [record(test_error=0.5), record(seed=1, test_error=0.3), record(test_error=0.2)]
    selection = select(runs)
    assert selection.cells[0].test_errors == pytest.approx([0.2, 0.3])
    assert selection.notes == [
        "1 run left out: the same config and seed was run again later, and the later one counts."
    ]


def test_depths_of_one_asked_size_are_one_size() -> None:
    runs = [
        dataclasses.replace(
            record(test_error=error, model__depth=depth), parameters=1000 + depth, depth=depth
        )
        for depth, error in [(1, 0.2), (2, 0.1)]
    ]
    (cell,) = select(runs).cells
    assert cell.parameters == 1002
    assert dict(cell.setting) == {"model.depth": 2}


def test_two_budgets_of_one_network_are_one_size() -> None:
    runs = [record(parameters=1000, seed=seed) for seed in (0, 1)]
    runs.append(
        dataclasses.replace(runs[1], size_asked=1010, config=runs[1].config | {"size": 1010})
    )
    (cell,) = select(runs).cells
    assert cell.seeds == (0, 1)  # not a third, made-up seed


def test_runs_without_scores_are_left_out_and_counted() -> None:
    broken = record(seed=2)
    broken.metrics["test/accuracy"] = math.nan
    usable, notes = usable_runs([record(seed=0), record(seed=1), broken])
    assert [run.seed for run in usable] == [0, 1]
    assert notes == ["1 run left out: no finite test and validation error."]


def without_test() -> RunRecord:
    broken = record()
    del broken.metrics["test/accuracy"]
    return broken


def test_a_key_that_is_new_and_off_makes_no_other_variant() -> None:
    newer = record(seed=1, data__inner_test=None, data__label_noise=None)
    usable, _ = usable_runs([record(), newer])
    assert len(usable) == 2


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([], "there are no runs to report"),
        ([record()], "one finished run, lstm-1000-mnist1d-s0,"),
        (
            [without_test(), without_test()],
            "none of the 2 runs has both a test",
        ),
        (
            [record(), dataclasses.replace(record(seed=1), data="digits")],
            r"digits \(1 runs\), mnist1d \(1 runs\)",
        ),
        ([record(), record(seed=1, data__num_samples=100)], "2 variants of mnist1d"),
        (
            [record(), dataclasses.replace(record(seed=1), measure=Measure("loss", "", 0.1))],
            r"different measures, error \(1 runs\), loss \(1 runs\)",
        ),
        (
            [record(), dataclasses.replace(record(parameters=9), fingerprint="other")],
            "bytes of mnist1d changed",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(
    runs: list[RunRecord], message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        usable_runs(runs)
    assert "\n" not in str(caught.value)
