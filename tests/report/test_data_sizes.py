"""Where networks overtake, on curves with a known answer."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sizewise.records import RunRecord
from sizewise.report import write_report
from sizewise.report.analysis import analyse
from sizewise.report.data_sizes import DataSizes, Overtaking, by_amount, crossing_of
from sizewise.report.data_words import amount_rows, crossing_headline
from sizewise.report.wording import paragraphs
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


def compared(records: list[RunRecord]) -> DataSizes:
    found = analyse(records, name="data", command=None, tolerance=0.01).by_data
    assert found is not None
    return found


def test_the_crossing_is_interpolated_in_the_logarithm() -> None:
    amounts = np.array([100.0, 1000.0, 10_000.0])
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
    expected = [10**3.5, 10**2.75, 10**3.25, 0, math.inf, 1000]
    assert crossing_of(amounts, curves).tolist() == pytest.approx(expected)


def test_a_known_crossing_is_found_within_its_interval() -> None:
    found = compared(runs(steep, shallow))
    crossing = found.crossing
    assert crossing.kind is Overtaking.CROSSES
    assert crossing.place is not None
    assert crossing.place == pytest.approx(2000, rel=0.05)
    assert crossing.interval is not None
    assert crossing.interval.low < crossing.place < crossing.interval.high < 4000
    headline = crossing_headline(found)
    assert headline.startswith("Deep learning overtakes classical at about ")
    assert [amount.samples for amount in found.amounts] == list(AMOUNTS)


def test_each_family_stands_by_its_best_size_by_validation() -> None:
    amount = compared(runs(steep, shallow)).amounts[0]
    assert amount.network is not None
    assert amount.classical is not None
    assert (amount.network.label, amount.classical.label) == ("cnn 9k", "svm (hog)")
    assert [cell.family for cell in amount.cells] == ["cnn", "knn", "svm"]


def test_no_crossing_is_said_honestly() -> None:
    found = compared(runs(lambda n: shallow(n) + 0.05, shallow))
    assert found.crossing.kind is Overtaking.CLASSICAL
    assert found.crossing.place is None
    assert found.crossing.never > 0.99
    assert crossing_headline(found) == (
        "No crossing: classical is ahead up to 50k training samples."
    )


def test_networks_ahead_throughout_is_no_crossing_either() -> None:
    found = compared(runs(lambda n: shallow(n) - 0.05, shallow))
    assert found.crossing.kind is Overtaking.NETWORKS
    assert crossing_headline(found) == "Deep learning is ahead from 100 samples on."


def test_seeds_that_differ_too_much_leave_it_open() -> None:
    found = compared(runs(lambda n: shallow(n) - 1e-3 * (n > 100), shallow, noise=0.03))
    headline = crossing_headline(found)
    assert headline.startswith(("Can't tell", "Deep learning is ahead at every amount run, but"))


def test_one_seed_gives_no_interval() -> None:
    found = compared(runs(steep, shallow, seeds=1))
    assert found.crossing.interval is None
    assert crossing_headline(found).endswith("but one seed can't say how surely.")


def test_one_kind_alone_has_nothing_to_cross() -> None:
    networks = [run for run in runs(steep, shallow) if not run.is_classical]
    found = compared(networks)
    assert found.crossing.kind is Overtaking.ONE_KIND
    assert crossing_headline(found).endswith("at two of them: nothing to cross.")


def test_sizes_are_compared_on_the_most_data_alone() -> None:
    records = runs(steep, shallow)
    analysis = analyse(records, name="data", command=None, tolerance=0.01)
    used = {run.train_samples for cell, _ in analysis.rows for run in cell.records}
    assert used == {50_000}
    assert any("16 runs on the most training samples" in each for each in analysis.selection.notes)
    assert [len(group) for group in by_amount(records)] == [16] * 4


def test_the_same_amount_everywhere_is_no_study_of_data() -> None:
    alike = [record(seed=seed, data__train_samples=500) for seed in (0, 1)]
    assert analyse(alike, name="alike", command=None, tolerance=0.01).by_data is None


def test_the_report_shows_it(tmp_path: Path) -> None:
    records = runs(steep, shallow)
    report = write_report(records, tmp_path, name="data")
    text = (tmp_path / "report.md").read_text()
    assert report.verdict[0].headline == paragraphs(report.analysis)[0].headline
    assert "## Every amount of training data" in text
    assert "(figures/error_by_data.png)" in text
    assert (tmp_path / "figures" / "error_by_data.svg").exists()
    assert 'id="data-plot"' in (tmp_path / "report.html").read_text()
    assert report.analysis.by_data is not None
    rows = amount_rows(report.analysis.by_data)
    assert len(rows) == 12
    assert rows[0]["training samples"] == "100"
    assert any(
        each.startswith("Between 1,000 and 10,000 nothing was run")
        for each in report.verdict[0].sentences
    )
    at_100 = next(each for each in report.verdict[0].sentences if each.startswith("At 100: "))
    assert "classical is ahead by 53." in at_100  # points: 0.894 - 0.364
