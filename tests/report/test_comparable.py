import dataclasses
from pathlib import Path
from typing import Any

import pytest

from sizewise.records import RunRecord
from sizewise.report.comparable import gather
from sizewise.run.identity import code_now
from sizewise.sweep.pooled import with_runs_alike
from tests.report.synthetic import record
from tests.tracking.test_resolve import Shelf


def run(family: str = "lstm", parameters: int = 1000, seed: int = 0, **changes: Any) -> RunRecord:
    fields = {field.name for field in dataclasses.fields(RunRecord)}
    own = {key: value for key, value in changes.items() if key in fields}
    rest = {key: value for key, value in changes.items() if key not in fields}
    made = record(family, parameters, seed, **rest)
    known = {"test_fingerprint": "test", "code": "now", "libraries": "torch 1", "sweep": "sweep-1"}
    return dataclasses.replace(made, **(known | own))


OWN = [run(parameters=n, seed=seed) for n in (1000, 4000) for seed in (0, 1)]


def joined(
    *others: RunRecord, own: list[RunRecord] = OWN, name: str = "sweep-1"
) -> list[RunRecord]:
    records, _ = gather(own, others, lambda _: "now", name)
    assert records[len(records) - len(own) :] == own
    return records[: len(records) - len(own)]


@pytest.mark.parametrize(
    "other",
    [
        run(seed=2, sweep="sweep-2"),
        run(parameters=16_000),
        run("cnn", 300, 7),
        run(seed=5, sweep=None),
        run(seed=2, sweep="a_study"),
    ],
)
def test_a_run_that_asks_the_same_is_taken_in(other: RunRecord) -> None:
    assert joined(other) == [other]


@pytest.mark.parametrize(
    "other",
    [
        run(seed=2, training__epochs=7),
        run(seed=2, data__num_samples=200),
        run(seed=2, test_fingerprint="other"),
        run(seed=2, test_fingerprint=None),
        run(seed=0),
    ],
)
def test_a_run_that_asks_something_else_or_is_there_already_is_not(other: RunRecord) -> None:
    assert joined(other) == []


def test_what_the_sweep_varies_may_differ() -> None:
    own = [run(seed=seed, training__learning_rate=rate) for seed in (0, 1) for rate in (0.1, 0.2)]
    other = run(seed=2, training__learning_rate=0.3)
    assert joined(other, own=own) == [other]
    assert joined(other) == []


def test_runs_by_older_code_or_libraries_are_counted_and_left_out() -> None:
    others = [
        run(seed=2),
        run(seed=3, code="before"),
        run(seed=4, libraries="torch 0"),
        run(seed=5, code=None),
    ]
    records, notes = gather(OWN, others, lambda _: "now", "sweep-2")
    assert records == [others[0], *OWN]
    assert notes == [
        "4 runs of this sweep and 1 like them: 1 of sweep-1.",
        "3 like them left out: trained by older code or other library versions.",
    ]


def test_a_study_takes_in_its_own_runs_alone() -> None:
    own = [run(seed=0, sweep="sweep-2"), run(seed=1, sweep="a_study")]  # one was there before
    same, other = run(seed=2, sweep="a_study"), run(seed=3)
    assert joined(same, other, own=own, name="a_study") == [same]


def test_the_code_of_now_is_each_runs_own_also_where_ways_of_training_differ(
    store_folder: Path,
) -> None:
    """Under muP they have a module of its own, which takes no part in other runs."""
    shelf = Shelf(store_folder)
    first, second = (
        [
            dataclasses.replace(each, code=code_now(each))
            for way in (None, "mup")
            for each in [run("cnn", seed=seed, test_fingerprint="both", parametrization=way)]
        ]
        for seed in (0, 1)
    )
    assert first[0].code != first[1].code
    for each in first:
        shelf.add(each, each.name, test_set="both")
    records, notes = with_runs_alike(shelf.store, second, "sweep-2")
    assert {record.run_key for record in records} == {each.run_key for each in (*first, *second)}
    assert notes == ["2 runs of this sweep and 2 like them: 2 of sweep-1."]


def test_what_a_sweep_has_grown_by_is_its_own() -> None:
    grown, other = run(seed=2), run(seed=3, sweep="sweep-2")
    _, notes = gather(OWN, [grown, other], lambda _: "now", "sweep-1")
    assert notes == ["5 runs of this sweep and 1 like them: 1 of sweep-2."]
    assert gather(OWN, [grown], lambda _: "now", "sweep-1")[1] == []
