"""bfloat16 against float32, on runs with a known answer."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sizewise.records import RunRecord
from sizewise.report import write_report
from sizewise.report.page import write_page
from sizewise.report.studies.precision import section
from tests.report.synthetic import attempt

SEEDS = 5


def sweep(costs: float, noise: float = 0.002, seeds: int = SEEDS) -> list[RunRecord]:
    """Return runs of which those in bfloat16 err by so much more, in 0.6 times the time."""
    rng = np.random.default_rng(0)
    return [
        timed(
            attempt(
                0.2 + costs * (way is not None) + noise * float(rng.standard_normal()),
                seed,
                family=family,
                precision=way,
            ),
            seconds=(10 + seed) * (0.6 if way else 1.0),
        )
        for family in ("cnn", "lstm", "attention")
        for way in (None, "bfloat16")
        for seed in range(seeds)
    ]


def timed(run: RunRecord, seconds: float) -> RunRecord:
    return replace(run, metrics=run.metrics | {"cost/train_seconds": seconds})


@pytest.mark.parametrize(
    ("costs", "told"),
    [
        (0.0, "bfloat16 is as good as float32, within 1 point of test error, over 3 networks: "),
        (0.03, "bfloat16 is worse than float32 by more than 1 point of test error, over 3"),
        (0.01, "Can't tell whether bfloat16 is as good as float32, within 1 point of test error"),
    ],
)
def test_a_known_difference_is_told(costs: float, told: str) -> None:
    study = section(sweep(costs))
    assert study is not None
    assert study.title.startswith(told)
    assert study.title.endswith("; its training takes 0.6× as long [0.6×, 0.6×].")
    assert [row["training takes"] for row in study.tables[0].rows] == [
        "0.6× as long [0.6×, 0.6×]"
    ] * 3


def test_one_seed_tells_nothing() -> None:
    study = section(sweep(0.0, seeds=1))
    assert study is not None
    assert study.title.startswith("Can't tell bfloat16 from float32 over 3 networks: two seeds")


def test_the_report_draws_it(tmp_path: Path) -> None:
    write_report(sweep(0.0), tmp_path, name="precision")
    assert (tmp_path / "figures" / "precision.svg").exists()


def test_one_way_alone_is_no_study() -> None:
    assert section([run for run in sweep(0.0) if run.config["precision"]]) is None


def test_it_is_drawn_beside_another_two_ways_with_its_own_rows(tmp_path: Path) -> None:
    """Both are studies of one report where runs were trained four ways."""
    runs = [
        replace(run, run_key=f"{run.run_key}{way}", config=run.config | {"model.init": way})
        for run in sweep(0.03)
        for way in (None, "pytorch")
    ]
    report = write_report(runs, tmp_path, name="both")
    drawn = {chart.name: chart.data for chart in report.contents.charts}
    assert [len(rows) for rows in drawn["precision"].values()] == [3]
    page = report.files[0].read_text()
    shown = json.loads(page.partition('id="data">')[2].partition("</script>")[0])["data"]
    assert shown["precision"] == drawn["precision"]["precision"]
    assert shown["initialisation"] == drawn["initialisation"]["initialisation"]


def test_a_page_refuses_two_charts_with_different_rows_by_one_name(tmp_path: Path) -> None:
    found = write_report(sweep(0.0), tmp_path, name="precision").contents
    (study,) = found.studies
    (chart,) = study.charts
    other = replace(chart, name="other", data={"precision": []})
    clashing = replace(found, studies=[replace(study, charts=[chart, other])])
    with pytest.raises(ValueError, match="two charts have different rows called precision"):
        write_page(clashing)
