"""Where networks overtake, on curves with a known answer."""

import csv
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sizewise.records import RunRecord
from sizewise.report import write_report
from sizewise.report.analysis import analyse
from sizewise.report.conditions import AMOUNT, levels
from sizewise.report.stats.crossing import crossing_of
from sizewise.report.studies.deep_vs_classical import (
    Amount,
    Crossing,
    compared,
    cross,
    headline,
    section,
)
from tests.report.synthetic import record, reference, with_samples

AMOUNTS = (100, 1000, 10_000, 50_000)
Curve = Callable[[int], float]


def steep(samples: int) -> float:  # meets `shallow` at 2,000
    return float(0.2 * (samples / 2000) ** -0.5)


def shallow(samples: int) -> float:
    return float(0.2 * (samples / 2000) ** -0.2)


def runs(network: Curve, classical: Curve, seeds: int = 4, noise: float = 0.002) -> list[RunRecord]:
    """Return runs at each amount: networks of two sizes, the larger better, and two references."""
    rng = np.random.default_rng(0)
    records = []
    for samples in AMOUNTS:
        for seed in range(seeds):
            deep, own = (float(rng.normal(scale=noise)) for _ in range(2))
            found = [
                record("cnn", 1000, seed, test_error=network(samples) + 0.1),
                record("cnn", 9000, seed, test_error=network(samples) + deep),
                reference("svm", seed, test_error=classical(samples) + own),
                reference("knn", seed, test_error=classical(samples) + 0.1),
            ]
            records += with_samples(found, samples, all_there_are=AMOUNTS[-1])
    return records


def found(records: list[RunRecord]) -> tuple[str, list[Amount], Crossing]:
    amounts = compared(records)
    crossing = cross(amounts)
    assert crossing is not None
    return headline(amounts, crossing), amounts, crossing


def test_the_crossing_is_where_the_sign_changes_for_good() -> None:
    places = np.array([2.0, 3.0, 4.0])
    curves = np.array(
        [
            [0.2, 0.1, -0.1],  # halfway between 1,000 and 10,000
            [0.3, -0.1, -0.2],  # three quarters of the way from 100 to 1,000
            [-0.1, 0.1, -0.3],  # the last change counts
            [-0.1, -0.1, -0.1],
            [0.1, -0.1, 0.1],
            [0.1, 0.0, -0.1],
        ]
    )
    expected = [3.5, 2.75, 3.25, -math.inf, math.inf, 3]
    assert crossing_of(places, curves).tolist() == pytest.approx(expected)


def test_a_known_crossing_is_found_within_its_interval() -> None:
    title, amounts, crossing = found(runs(steep, shallow))
    assert crossing.is_between
    assert crossing.place == pytest.approx(2000, rel=0.05)
    assert crossing.interval is not None
    assert crossing.interval.low < crossing.place < crossing.interval.high < 4000
    assert title.startswith("Deep learning overtakes classical at about ")
    assert [amount.samples for amount in amounts] == list(AMOUNTS)


def test_each_family_stands_by_its_best_size_by_validation() -> None:
    _, (amount, *_), _ = found(runs(steep, shallow))
    assert amount.network is not None
    assert amount.classical is not None
    assert (amount.network.label, amount.classical.label) == ("cnn 9k", "svm (hog)")
    assert [cell.family for cell in amount.cells] == ["cnn", "knn", "svm"]


def test_no_crossing_is_said_honestly() -> None:
    title, _, crossing = found(runs(lambda n: shallow(n) + 0.05, shallow))
    assert crossing.place == math.inf
    assert crossing.never > 0.99
    assert title == "No crossing: classical is ahead up to 50k training samples."


def test_networks_ahead_throughout_is_no_crossing_either() -> None:
    title, _, crossing = found(runs(lambda n: shallow(n) - 0.05, shallow))
    assert crossing.place == 0
    assert title == "Deep learning is ahead from 100 samples on."


def test_seeds_that_differ_too_much_leave_it_open() -> None:
    title, _, _ = found(runs(lambda n: shallow(n) - 1e-3 * (n > 100), shallow, noise=0.03))
    assert title.startswith(("Can't tell", "Deep learning is ahead at every amount run, but"))


def test_one_seed_gives_no_interval() -> None:
    title, _, crossing = found(runs(steep, shallow, seeds=1))
    assert crossing.interval is None
    assert title.endswith("but one seed can't say how surely.")


def test_one_kind_alone_has_nothing_to_cross() -> None:
    networks = [run for run in runs(steep, shallow) if not run.is_classical]
    assert cross(compared(networks)) is None
    assert section(networks) is None
    mixed = [run for run in runs(steep, shallow) if run.is_classical or run.train_samples == 100]
    study = section(mixed)
    assert study is not None
    assert study.title.endswith("at two of them: nothing to cross.")
    assert study.charts[0].data["amounts"]


def test_sizes_are_compared_on_the_most_data_alone() -> None:
    records = runs(steep, shallow)
    analysis = analyse(records, name="data")
    used = {run.train_samples for cell, _ in analysis.rows for run in cell.records}
    assert used == {50_000}
    assert any("16 runs on the most training samples" in each for each in analysis.notes)
    assert [len(group) for group in levels(records, AMOUNT)] == [16] * 4


def test_the_same_amount_everywhere_is_no_study_of_data() -> None:
    alike = [record(seed=seed, data__train_samples=500) for seed in (0, 1)]
    assert section(alike) is None


def test_the_report_shows_it(tmp_path: Path) -> None:
    report = write_report(runs(steep, shallow), tmp_path, name="data")
    text = (tmp_path / "report.md").read_text()
    (study,) = report.contents.studies
    assert str(report).splitlines()[0] == study.title
    assert f"## {study.title}" in text
    assert "(figures/error_by_data.png)" in text
    assert (tmp_path / "figures" / "error_by_data.svg").exists()
    assert 'id="error_by_data"' in (tmp_path / "report.html").read_text()
    (table,) = study.tables
    assert len(table.rows) == 12
    assert table.rows[0]["training samples"] == "100"
    assert any(
        each.startswith("Between 1,000 and 10,000 nothing was run") for each in study.sentences
    )
    at_100 = next(each for each in study.sentences if each.startswith("At 100: "))
    assert "classical is ahead by 53." in at_100  # points: 0.894 - 0.364
    with (tmp_path / "runs.csv").open() as file:
        compared = [row["compared"] for row in csv.DictReader(file)]
    assert compared.count("yes") == 4 * 4 * 3 + 4  # each amount's best sizes, and all at the last
