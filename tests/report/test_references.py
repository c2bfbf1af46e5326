"""Classical families in the report: lines and rows, never sizes."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from sizewise.records import RunRecord
from sizewise.report import Report, write_report
from sizewise.report.analysis import analyse
from sizewise.report.cells import PARAMETERS
from sizewise.report.charts import draw
from sizewise.report.selection import select
from tests.report.synthetic import record, reference, sweep


def forest(seed: int, width: int, error: float) -> RunRecord:
    return reference("random_forest", seed, test_error=error, model__width=width, features="signal")


@pytest.fixture(scope="module")
def runs() -> list[RunRecord]:
    rng = np.random.default_rng(0)
    sizes = (500, 2000, 8000, 32_000)
    records = sweep("cnn", sizes, 3, lambda n: 0.02 + 0.4 * (n / 500) ** -1.2, 0.004, rng)
    for seed in range(3):
        records.append(reference("svm", seed, test_error=0.1 + seed / 1000))
        records.append(reference("linear", seed, test_error=0.5, parameters=5770))
        records += [forest(seed, 10, 0.3), forest(seed, 100, 0.2 + seed / 1000)]
    return records


@pytest.fixture(scope="module")
def report(runs: list[RunRecord], tmp_path_factory: pytest.TempPathFactory) -> Report:
    return write_report(runs, tmp_path_factory.mktemp("report"), name="study")


def test_a_classical_family_is_one_cell_whose_width_validation_chooses(
    runs: list[RunRecord],
) -> None:
    selection = select(runs)
    assert {cell.family for cell in selection.cells} == {"cnn"}
    labels = [cell.label for cell in selection.references]
    assert labels == ["linear (hog)", "random_forest (signal)", "svm (hog)"]
    (chosen,) = [cell for cell in selection.references if cell.family == "random_forest"]
    assert chosen.setting == (("model.width", 100),)
    assert [cell.cost(PARAMETERS) > 0 for cell in selection.references] == [False] * 3


def test_the_verdict_on_references_asks_for_nothing(report: Report) -> None:
    families = {result.family for result in report.analysis.families}
    assert families == {"cnn"}
    words = report.contents.verdict[-1]
    assert words.headline.startswith(
        "For reference: svm (hog), the best classical family by validation, has 10.1% test error"
    )
    assert words.commands == []
    assert re.search(r"cnn 32k is better by 7\.\d points \[", words.sentences[0])
    assert not any("svm" in p.headline and "grow" in p.headline for p in report.contents.verdict)


def test_rows_show_bytes_and_only_a_linear_model_counts_parameters(report: Report) -> None:
    text = (report.folder / "report.md").read_text()
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if "| 3 |" in line}
    assert "| svm (hog) | – | 3 | 10.1% |" in rows["svm (hog)"]
    assert "2 kB" in rows["svm (hog)"]
    assert "| linear (hog) | 5,770 | 3 |" in rows["linear (hog)"]
    assert "linear (hog), random_forest (signal) and svm (hog) for reference." in text
    with (report.folder / "runs.csv").open() as file:
        compared = [row["compared"] for row in csv.DictReader(file) if row["family"] == "svm"]
    assert compared == ["yes"] * 3


def test_charts_draw_references_as_lines_across_and_never_by_size(runs: list[RunRecord]) -> None:
    by_size, by_cost, *_ = draw(analyse(runs, name="study"), None)
    layers = by_size.spec["layer"]
    (line,) = [each for each in layers if each["mark"].get("strokeDash")]
    assert "x" not in line["encoding"]
    assert line["transform"] == [{"filter": "datum.reference"}]
    cells = {row["family"]: row for row in by_size.data["cells"]}
    assert {name for name, row in cells.items() if row["reference"]} == {
        "linear (hog)",
        "random_forest (signal)",
        "svm (hog)",
    }
    svm = cells["svm (hog)"]
    assert svm["error"] == pytest.approx(0.101, abs=1e-4)
    assert svm["low"] < svm["error"] < svm["high"]
    assert svm["cost/parameters"] is None
    assert svm["cost/model_bytes"] == 2000
    linear = cells["linear (hog)"]
    assert linear["cost/parameters"] is None
    assert "cost/parameters" not in linear["fronts"]
    sizes = {r["cost/parameters"] for r in by_cost.data["runs"] if r["family"] == "linear (hog)"}
    assert sizes == {None}
    assert {row["family"] for row in by_size.data["curves"]} == {"cnn"}


def test_classical_families_alone_make_a_report(tmp_path: Path) -> None:
    runs = [reference(name, seed) for name in ("svm", "knn") for seed in (0, 1)]
    report = write_report(runs, tmp_path, name="classical")
    assert (
        "4 runs on mnist1d: knn (hog) and svm (hog) for reference."
        in (tmp_path / "report.md").read_text()
    )
    assert len(report.contents.verdict) == 1
    assert not (tmp_path / "figures" / "error_by_size.png").exists()
    assert [chart.name for chart in report.contents.charts] == ["error_by_cost"]


def test_records_from_before_there_were_references_are_networks() -> None:
    old = json.loads(record().to_json())
    del old["features"], old["train_samples"]
    assert not RunRecord.from_json(json.dumps(old)).is_classical
    assert RunRecord.from_json(reference().to_json()).is_classical
