"""The sets that advice is measured on, and what the measurements come to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from benchmarks.advise import add, forecasts_of, read
from benchmarks.advise_sets import SETS, STEPS, apart, chirps, numbers, overrides_of, shapes, write
from benchmarks.advise_table import Advised, Failed, Foreseen, Row, Swept, report
from sizewise.records import ERROR, Measure

NUMBER = Measure("mean absolute error", "", 0.02, relative=True)


def advised(data: str, minutes: float, **more: Any) -> Advised:
    row = {
        **{"step": f"{data}-{minutes:g}min", "data": data, "minutes": minutes},
        **{"seconds": 60 * minutes, "family": "mlp", "parameters": 1234, "measure": ERROR},
        **{"stated": 0.10, "low": 0.08, "high": 0.12, "fresh": (0.11, 0.001)},
        **{"forecasts": [], "runs": 9, "follows": True, "said": "mlp is enough."},
    }
    return Advised.of(row | more)


def swept(data: str, error: float, measure: Measure = ERROR) -> Swept:
    return Swept(f"{data}-sweep", data, 600.0, 54, False, "mlp", 4000, measure, 0.1, (error, 0.001))


def told(rows: Sequence[Row], start: str) -> str:
    """Return the one line of the section that starts so."""
    lines = [line for text in report(rows) for line in text.splitlines()]
    (found,) = (line for line in lines if line.startswith(start))
    return found


@pytest.mark.parametrize("name", [name for name, each in SETS.items() if each.draw])
def test_a_set_follows_from_its_seed(name: str) -> None:
    draw = SETS[name].draw
    assert draw
    first, again, other = (draw(np.random.default_rng(seed), 60) for seed in (0, 0, 1))
    assert np.array_equal(first.inputs, again.inputs)
    assert np.array_equal(first.targets, again.targets)
    assert not np.array_equal(first.inputs, other.inputs)
    assert len(other.targets) == 60


def test_a_plane_divides_what_is_apart() -> None:
    rows, sides = apart(np.random.default_rng(0), 500)
    normal = np.array([1.0, -1.0, 0.5, 0.5, 1.0])
    distance = np.asarray(rows) @ normal / np.linalg.norm(normal)
    assert np.abs(distance).min() > 0.5
    assert ((distance > 0) == (sides == "above")).all()


def test_the_noise_of_numbers_is_all_that_is_left() -> None:
    (rows, targets), random = numbers(np.random.default_rng(0), 20_000), np.asarray
    x = random(rows).T
    best = 10 * np.sin(np.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4]
    assert np.abs(targets - best).mean() == pytest.approx(0.80, abs=0.01)


def test_chirps_rise_and_fall_and_end_early() -> None:
    table, names = chirps(np.random.default_rng(0), 300)
    assert isinstance(table, pd.DataFrame)
    lengths = table.groupby("id").size()
    assert (lengths.min(), lengths.max()) == STEPS
    assert (table.groupby("id")["step"].max() == lengths - 1).all()
    long = [each for each in range(300) if lengths[each] == STEPS[1]]
    turns = {name: [np.zeros(2)] for name in np.unique(names)}
    for each in long:  # of the frequency, in the first and the last half
        value = np.asarray(table.loc[table["id"] == each, "value"])
        halves = [np.abs(np.fft.rfft(half)[1:8]) ** 2 for half in np.split(value, 2)]
        turns[names[each]].append(
            np.array([half @ np.arange(1, 8) / half.sum() for half in halves])
        )
    rise = {name: np.diff(np.sum(each, axis=0))[0] for name, each in turns.items()}
    assert rise["rises"] > 0 > rise["falls"]


def test_images_are_written_in_folders_of_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SETS, "shapes", SETS["shapes"]._replace(samples=40))
    write("shapes", tmp_path)
    drawn = shapes(np.random.default_rng(0), 40)
    assert len([*tmp_path.glob("shapes/test/*/*.png")]) == 8
    (path,) = tmp_path.glob("shapes/*/*/7.png")
    assert path.parts[-3:-1] == ("train", drawn.targets[7])
    assert np.array_equal(np.asarray(Image.open(path)), np.asarray(drawn.inputs)[7, 0])
    path.unlink()
    write("shapes", tmp_path)
    assert not path.exists()  # what is there is taken as it is


def test_each_step_of_a_sequence_is_written_with_its_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SETS, "chirps", SETS["chirps"]._replace(samples=40))
    write("chirps", tmp_path)
    table = pd.read_csv(tmp_path / "chirps.csv")
    first = table.groupby("id")["target"].agg(["first", "nunique"])
    assert (first["nunique"] == 1).all()
    assert (first["first"] == chirps(np.random.default_rng(0), 40).targets).all()
    assert f"data.path={tmp_path}/chirps.csv" in overrides_of("chirps", tmp_path)


def test_forecasts_count_once_their_family_was_seen() -> None:
    def ran(family: str, forecast: float | None, **more: Any) -> dict[str, Any]:
        trial = [family, 250 if forecast else None, 0, 100, 0.01]
        return {"trial": trial, "forecast": forecast, "key": "k", "stopped": False} | more

    events: list[dict[str, Any]] = [
        {"event": "began"},
        {"event": "ran", "runs": [ran("linear", None, seconds=1), ran("mlp", 2.0, seconds=4.0)]},
        {
            "event": "ran",
            "runs": [
                ran("mlp", 4.0, seconds=4.9),
                ran("cnn", 4.0, seconds=4.0),
                ran("mlp", 4.0, seconds=1.0, key=None),  # it has failed, whatever it took
                ran("mlp", 4.0, seconds=4.0, key=None, stopped=True),
            ],
        },
    ]
    found = forecasts_of(events)
    assert [each.seen for each in found] == [False, True, False, True]
    assert [each.holds for each in found] == [False, True, True, False]
    rows: list[Row] = [advised("apart", 1, forecasts=found)]
    assert "1 of 2 (50%), 90% wanted: **missed** by 40 points" in told(rows, "- forecasts")


def test_forecasts_that_miss_say_by_how_much() -> None:
    forecasts = [Foreseen(1.0, each, True, False) for each in (0.5, 1.0, 1.25, 3.0)]
    text = told([advised("apart", 1, forecasts=forecasts)], "- forecasts")
    assert "2 of 4 (50%)" in text
    assert "1 took longer and 1 less, 0.50 to 3.00 times" in text


def test_a_command_that_took_too_long_is_told_also_if_it_failed() -> None:
    failed = Failed("chance-1min", "chance", 1, 90.0, "code 2: no network was trained")
    slow = Failed("apart-sweep", "apart", 20, 1300.0, "code 1")
    rows: list[Row] = [
        advised("apart", 1, seconds=62.9),
        advised("apart", 5, seconds=320.0),
        failed,
        slow,
    ]
    text = told(rows, "- within 105% of the budget")
    assert "1 of 3 (33%), 100% wanted: **missed** by 67 points" in text
    assert "apart-5min 106.7%; chance-1min 150.0%" in text
    assert told(rows, "- chance-1min failed after 90 s: code 2")


def test_an_error_outside_its_interval_is_told_with_how_far() -> None:
    rows: list[Row] = [
        advised("apart", 1, fresh=(0.1234, 0.001)),
        advised("chance", 1),
        advised("digits", 1, fresh=None),  # nothing can be said of it
    ]
    text = told(rows, "- error on fresh samples")
    assert "1 of 2 (50%), 85% wanted: **missed** by 35 points" in text
    assert text.endswith("Not so: apart in 1 min by 0.34 points.")


def test_the_best_of_a_sweep_may_be_better_by_a_tolerance() -> None:
    rows: list[Row] = [
        advised("apart", 1),
        advised("chance", 1, fresh=(0.115, 0.001)),
        swept("apart", 0.101),
    ]
    what = "- on fresh samples within a tolerance"
    assert "1 of 1 (100%), 90% wanted: met" in told(rows, what)
    assert "chance in 1 min by 0.50 points more" in told([*rows, swept("chance", 0.1)], what)
    number = advised("numbers", 1, measure=NUMBER, fresh=(103.0, 1.0))
    assert "numbers in 1 min by 1 more" in told([number, swept("numbers", 100.0, NUMBER)], what)


def test_more_time_may_cost_a_tolerance_and_what_fresh_samples_leave_open() -> None:
    less, more = advised("apart", 1, fresh=(0.100, 0.003)), {"fresh": (0.116, 0.004)}
    what = "- no worse for more time"
    assert "1 of 1" in told([advised("apart", 5, **more), less], what)  # 1 point, and 0.82
    worse = advised("apart", 5, fresh=(0.120, 0.004))
    assert "apart in 5 min, after 1 min, by 0.18 points more" in told([worse, less], what)


def test_what_was_measured_is_read_again(tmp_path: Path) -> None:
    forecasts = [Foreseen(1.0, 2.0, True, False)]
    rows: list[Row] = [
        advised("numbers", 0.5, measure=NUMBER, forecasts=forecasts),
        advised("digits", 1, fresh=None),
        Failed("chance-1min", "chance", 1, 90.0, "code 2"),
        swept("apart", 0.1),
    ]
    assert read(tmp_path / "results.jsonl") == []
    for row in rows:
        add(tmp_path / "results.jsonl", row)
    assert read(tmp_path / "results.jsonl") == rows


def test_a_sweep_is_beside_the_advice() -> None:
    rows: list[Row] = [advised("apart", 1), advised("apart", 5), swept("apart", 0.1)]
    assert "10.0 [10.0, 10.0] times that of advice in 1 min, 2.0 [2.0" in told(rows, "A plain")
    cells = told(rows, "| apart | 5 min").split(" | ")
    assert cells[2] == "100%"
    assert cells[5:8] == ["mlp 1.23k", "10.00% [8.00%, 12.00%]", "11.00%"]
    assert cells[8:] == ["mlp 4k of 54 runs", "10.00%", "2.0 |"]
