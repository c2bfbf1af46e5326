import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sizewise.errors import UserError
from sizewise.records import ERROR, Measure
from sizewise.report import write_report
from sizewise.report.cells import LATENCY, MODEL_BYTES, TRAINING_TIME
from sizewise.report.goal import Goal, read_goal
from sizewise.report.selection import select
from sizewise.report.verdict import Answer, Kind, answer
from tests.report.synthetic import sweep

BITS = Measure("bits per byte", "bits", 0.02)
SIZES = (1000, 4000, 16_000, 64_000)


def judged(goal: Goal) -> Answer:
    errors = {1000: 0.30, 4000: 0.10, 16_000: 0.06, 64_000: 0.05}
    rng = np.random.default_rng(0)
    runs = sweep("lstm", SIZES, 5, lambda n: errors[round(n)], 0.002, rng)
    return answer(select(runs).cells, goal)


@pytest.mark.parametrize(
    ("asked", "goal"),
    [
        ({}, Goal(0.01)),
        ({"tolerance": "0.5"}, Goal(0.005)),
        ({"tolerance": "10%"}, Goal(0.10, relative=True)),
        ({"target": "3%"}, Goal(0.01, target=0.03)),
        ({"target": "3"}, Goal(0.01, target=0.03)),
        ({"latency": "2ms"}, Goal(0.01, limits={LATENCY: 2.0})),
        ({"latency": "500us"}, Goal(0.01, limits={LATENCY: 0.5})),
        ({"bytes": "50kB"}, Goal(0.01, limits={MODEL_BYTES: 50_000.0})),
        ({"train_seconds": 60.0}, Goal(0.01, limits={TRAINING_TIME: 60.0})),
    ],
)
def test_a_goal_is_read_from_words(asked: dict[str, Any], goal: Goal) -> None:
    assert read_goal(ERROR, **asked) == goal


def test_other_measures_count_in_their_own_unit() -> None:
    assert read_goal(BITS, tolerance="0.5", target="2.1") == Goal(0.5, target=2.1)
    assert read_goal(Measure("off", "", 0.02, relative=True)) == Goal(0.02, relative=True)


@pytest.mark.parametrize(
    ("measure", "asked"),
    [
        (ERROR, {"tolerance": "lots"}),
        (ERROR, {"tolerance": "0"}),
        (ERROR, {"latency": "2"}),
        (ERROR, {"bytes": "50kb"}),
        (BITS, {"target": "3%"}),
    ],
)
def test_what_cannot_be_read_is_said(measure: Measure, asked: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=rf"answer\.{next(iter(asked))}=.* can't be read: expected"):
        read_goal(measure, **asked)


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf])
def test_what_limits_nothing_is_said(seconds: float) -> None:
    with pytest.raises(UserError, match="is no limit: expected a number of seconds above 0"):
        read_goal(ERROR, train_seconds=seconds)


def test_a_larger_tolerance_makes_a_smaller_size_enough() -> None:
    assert judged(Goal(0.02)).as_good.parameters == 16_000
    assert judged(Goal(0.08)).as_good.parameters == 4000
    assert judged(Goal(2.0, relative=True)).as_good.parameters == 4000  # 5% + 2 × 5%
    assert judged(Goal(0.02)).at(0.08).as_good.parameters == 4000


def test_a_target_is_reached_by_the_smallest_size_that_does() -> None:
    found = judged(Goal(0.01, target=0.08))
    assert (found.kind, found.as_good.parameters) == (Kind.ANSWER, 16_000)
    assert judged(Goal(0.01, target=0.03)).kind is Kind.NOT_REACHED


def test_a_target_that_the_largest_size_alone_reaches_is_reached() -> None:
    found = judged(Goal(0.01, target=0.055))
    assert (found.kind, found.as_good.parameters) == (Kind.ANSWER, 64_000)


def test_a_target_that_nothing_is_shown_to_reach_is_open() -> None:
    found = judged(Goal(0.01, target=0.0505))
    assert found.kind is Kind.MORE_SEEDS
    assert not found.is_shown


def test_sizes_beyond_a_limit_are_left_out() -> None:
    # 4 bytes a parameter and 2,000; 0.2 ms and 1 ms for 100,000
    found = judged(Goal(0.01, limits={MODEL_BYTES: 70_000}))
    assert found.best.parameters == 16_000
    assert judged(Goal(0.01, limits={LATENCY: 0.25})).best.parameters == 4000
    assert judged(Goal(0.01, limits={MODEL_BYTES: 1})).kind is Kind.OVER_LIMITS


@pytest.mark.parametrize(
    ("asked", "headline"),
    [
        ({"target": "8%"}, "lstm: 16k parameters reach 8.0% test error."),
        ({"target": "3%"}, "lstm: no size run reaches 3.0% test error; the best has 64k"),
        ({"bytes": "1kB"}, "lstm: no size run is within the limits."),
        ({"tolerance": "8"}, "lstm: 4k parameters are enough."),
        ({"target": "5.5%"}, "lstm: 64k parameters reach 5.5% test error."),
    ],
)
def test_a_report_says_it(asked: dict[str, Any], headline: str, tmp_path: Path) -> None:
    errors = {1000: 0.30, 4000: 0.10, 16_000: 0.06, 64_000: 0.05}
    rng = np.random.default_rng(0)
    runs = sweep("lstm", SIZES, 5, lambda n: errors[round(n)], 0.002, rng)
    report = write_report(runs, tmp_path, name="study", asked=asked)
    assert headline in str(report)
    assert headline in (tmp_path / "report.html").read_text()
