"""How far the best learning rate moves with the width, on runs with a known answer."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sizewise.records import RunRecord
from sizewise.report import write_report
from sizewise.report.studies.lr_transfer import compared, doublings, section
from tests.report.synthetic import attempt

WIDTHS, RATES, SEEDS = (8, 32, 128), (0.01, 0.02, 0.04, 0.08), (0, 1)
Best = Callable[[int, int], float]  # rate, by width and seed


def run(family: str, width: int, rate: float, seed: int, way: str | None, loss: float) -> RunRecord:
    settings: dict[str, Any] = {"parametrization": way, "model__width": width}
    made = attempt(0.2, seed, family=family, size=width * 10, rate=rate, **settings)
    history = [metrics | {"train/loss": loss} for metrics in made.history]
    config = made.config | {"size": None}
    return replace(made, width=width, size_asked=None, history=history, config=config)


def sweep(standard: Best, mup: Best, family: str = "cnn", *, gain: float = 0.0) -> list[RunRecord]:
    """Return runs whose loss is 1 at the best rate, less `gain` under muP, and more elsewhere."""
    return [
        run(
            family, width, rate, seed, way,
            1 - gain * (way is not None) + 0.1 * math.log2(rate / best(width, seed)) ** 2,
        )
        for way, best in ((None, standard), ("mup", mup))
        for width in WIDTHS
        for rate in RATES
        for seed in SEEDS
    ]  # fmt: skip


def falls(width: int, _: int) -> float:
    return {8: 0.08, 32: 0.04, 128: 0.02}[width]


def stays(*_: int) -> float:
    return 0.04


def test_a_rate_that_stays_is_told_from_one_that_falls(tmp_path: Path) -> None:
    runs = sweep(falls, stays, gain=0.2)
    study = section(runs)
    assert study is not None
    assert study.title == (
        "Under muP the best learning rate moves by at most one doubling over 16 times the width: "
        "0 for cnn; without, 2 for cnn."
    )
    assert study.sentences[0] == (
        "cnn: the best rate goes from 0.04 at width 8 to 0.04 at width 128, 0 doublings (0 and 0 "
        "by each seed alone), under muP; from 0.08 at width 8 to 0.02 at width 128, 2 doublings "
        "(2 and 2 by each seed alone), without. Trained at the narrowest's best rate, the widest's "
        "loss is 1 times that at its own under muP, 1.4 times without. Each at its best rate, "
        "training loss is lower under muP at 3 of 3 widths; at the widest it is 0.8, 1 without. "
        "muP helps in all of it."
    )
    rows = study.tables[0].rows
    assert [row["best rate"] for row in rows] == ["0.08*", "0.04", "0.02", "0.04", "0.04", "0.04"]
    assert sum(row["best"] for row in study.charts[0].data["losses"]) == 6
    write_report(runs, tmp_path, name="lr_transfer")
    assert (tmp_path / "figures" / "lr_transfer.svg").exists()


def test_where_it_does_not_help_is_said() -> None:
    runs = sweep(stays, falls) + sweep(falls, stays, "mlp")
    study = section(runs)
    assert study is not None
    assert study.title == (
        "Under muP the best learning rate moves by at most one doubling over 16 times the width "
        "for mlp, and by more for cnn: 2 for cnn and 0 for mlp; without, 0 for cnn and 2 for mlp."
    )
    cnn, mlp, _ = study.sentences
    assert cnn.endswith(
        "muP does not help in this: its best rate moves no less than without, taking over the "
        "narrowest's rate costs the widest no less and at its own best rate the widest learns no "
        "more."
    )
    assert mlp.endswith(
        "muP does not help in this: at its own best rate the widest learns no more."
    )


def test_seeds_that_disagree_are_shown_apart() -> None:
    def by_seed(_: int, seed: int) -> float:
        return 0.02 if seed else 0.08

    (lines,) = compared(sweep(falls, by_seed)).values()
    assert [lines["muP"].widths[0].best_rate_of(seed) for seed in SEEDS] == [0.08, 0.02]
    assert lines["muP"].moves == [0, 0]
    assert lines["standard"].moves == [2, 2]


def test_a_rate_at_which_a_run_diverged_is_none_s_best() -> None:
    runs = sweep(falls, stays)
    for place, each in enumerate(runs):
        if each.config["training.learning_rate"] == 0.04 and each.config["parametrization"]:
            runs[place] = replace(each, extras=each.extras | {"diverged": 7})
    (lines,) = compared(runs).values()
    assert [each.best_rate for each in lines["muP"].widths] == [0.02] * 3
    assert math.isinf(lines["muP"].widths[0].loss(0.04))
    study = section(runs)
    assert study is not None
    assert {row["loss at rate 0.04"] for row in study.tables[0].rows[3:]} == {"diverged"}


def test_what_not_all_have_is_left_out() -> None:
    runs = sweep(falls, stays)
    more = run("cnn", 256, 0.01, 0, "mup", 0.5), run("cnn", 8, 0.16, 0, None, 0.5)
    (lines,) = compared([*runs, *more, run("cnn", 8, 0.01, 2, None, 0.1)]).values()
    for line in lines.values():
        assert [each.width for each in line.widths] == [*WIDTHS]
        assert all(tuple(each.runs) == RATES for each in line.widths)
        assert line.seeds == [*SEEDS]


@pytest.mark.parametrize("left", ["mup", "width", "rates", "none"])
def test_it_is_silent_where_nothing_was_varied(left: str) -> None:
    runs = sweep(falls, stays)
    kept = {
        "mup": [run for run in runs if run.config["parametrization"]],
        "width": [run for run in runs if run.width == 8],
        "rates": [run for run in runs if run.config["training.learning_rate"] < 0.04],
        "none": [],
    }[left]
    assert not compared(kept)


def test_doublings() -> None:
    assert doublings([0.01, 0.04, 0.02]) == 2
