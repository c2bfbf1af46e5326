import numpy as np

from sizewise.report.cells import pareto_front


def test_only_unbeaten_points_are_on_the_front() -> None:
    costs = np.array([5.0, 1.0, 2.0, 3.0, 2.0, np.nan, 4.0])
    errors = np.array([0.1, 0.5, 0.3, 0.4, 0.35, 0.0, 0.1])
    assert pareto_front(costs, errors).tolist() == [1, 2, 6]


def test_equal_points_are_there_once_and_unknown_costs_never() -> None:
    assert pareto_front(np.array([1.0, 1.0]), np.array([0.2, 0.2])).tolist() == [0]
    assert pareto_front(np.array([np.nan]), np.array([0.2])).tolist() == []


def test_front_agrees_with_the_definition() -> None:
    rng = np.random.default_rng(0)
    costs, errors = rng.integers(0, 12, (2, 60)).astype(float)
    beaten = [
        any((costs <= c) & (errors <= e) & ((costs < c) | (errors < e)))
        for c, e in zip(costs, errors, strict=True)
    ]
    expected = {(c, e) for c, e, b in zip(costs, errors, beaten, strict=True) if not b}
    front = pareto_front(costs, errors)
    assert {(costs[i], errors[i]) for i in front} == expected
    assert len(front) == len(expected)
