"""Classical families in the report: lines and rows, never sizes."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sizewise.records import RunRecord
from sizewise.report import Report, write_report
from sizewise.report.analysis import analyse
from sizewise.report.figures import draw_figures
from sizewise.report.select import select
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
    assert [cell.cost("cost/parameters") > 0 for cell in selection.references] == [False] * 3


def test_the_verdict_on_references_asks_for_nothing(report: Report) -> None:
    families = {result.family for result in report.analysis.families}
    assert families == {"cnn"}
    words = report.verdict[-1]
    assert words.headline.startswith(
        "For reference: svm (hog), the best classical family by validation, has 10.1% test error"
    )
    assert words.command is None
    assert re.search(r"cnn 32k is better by 7\.\d points \[", words.sentences[0])
    assert not any("svm" in p.headline and "grow" in p.headline for p in report.verdict)


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


def test_figures_draw_labelled_lines_across(runs: list[RunRecord]) -> None:
    analysis = analyse(runs, name="study", command=None, tolerance=0.01)
    (axes,) = draw_figures(analysis)["error_by_size"].axes
    across = {
        str(line.get_label()): np.asarray(line.get_ydata())
        for line in axes.lines
        if line.get_linestyle() == "--"
    }
    assert set(across) == {"linear (hog)", "random_forest (signal)", "svm (hog)"}
    assert across["svm (hog)"].tolist() == pytest.approx([0.101, 0.101])
    assert {text.get_text() for text in axes.texts} == set(across)
    assert axes.get_xlim()[0] > 300  # the networks' own sizes


def test_the_page_holds_references_apart_from_families(report: Report) -> None:
    data = page_data(report)
    assert [family["name"] for family in data["families"]] == ["cnn"]
    assert [each["name"] for each in data["references"]][-1] == "svm (hog)"
    cell = data["cells"][data["references"][-1]["cell"]]
    assert cell["mean"] == pytest.approx(0.101, abs=1e-4)
    assert cell["low"] < cell["mean"] < cell["high"]
    sizes = [cost["metric"] for cost in data["costs"]].index("cost/parameters")
    assert cell["costs"][sizes] is None
    linear = data["references"][0]["cell"]
    own = [i for i, each in enumerate(data["runs"]["cell"]) if each == linear]
    assert {data["runs"]["costs"][i][sizes] for i in own} == {None}
    assert all(linear not in front for front in data["fronts"][sizes : sizes + 1])


def test_classical_families_alone_make_a_report(tmp_path: Path) -> None:
    runs = [reference(name, seed) for name in ("svm", "knn") for seed in (0, 1)]
    report = write_report(runs, tmp_path, name="classical")
    assert (
        "4 runs on mnist1d: knn (hog) and svm (hog) for reference."
        in (tmp_path / "report.md").read_text()
    )
    assert len(report.verdict) == 1
    assert not (tmp_path / "figures" / "error_by_size.png").exists()
    assert page_data(report)["families"] == []


def test_records_from_before_there_were_references_are_networks() -> None:
    old = json.loads(record().to_json())
    del old["features"], old["train_samples"]
    assert not RunRecord.from_json(json.dumps(old)).is_classical
    assert RunRecord.from_json(reference().to_json()).is_classical


def page_data(report: Report) -> dict[str, Any]:
    page = (report.folder / "report.html").read_text()
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data
