import csv
import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from sizewise.errors import UserError
from sizewise.records import Measure, RunRecord, read_records
from sizewise.report import Report, write_report
from sizewise.report.analysis import analyse
from sizewise.report.contents import contents
from sizewise.report.markdown import write_markdown
from sizewise.report.page import write_page
from sizewise.report.stats.fit import Fit
from tests.report.synthetic import record, sweep

SIZES = (500, 2000, 8000, 32_000, 128_000)
FIGURES = (
    "error_by_cost",
    "error_by_size",
    "generalisation_gap",
    "learning_curves",
    "seed_spread",
)


@pytest.fixture(scope="module")
def runs() -> list[RunRecord]:
    rng = np.random.default_rng(0)
    records = sweep("lstm", SIZES, 5, lambda n: 0.04 + 0.4 * (n / 500) ** -1.0, 0.003, rng)
    records += sweep("cnn", SIZES, 5, lambda n: 0.02 + 0.4 * (n / 500) ** -0.25, 0.004, rng)
    return [*records, *(record("logistic", 410, seed, test_error=0.6) for seed in range(5))]


@pytest.fixture(scope="module")
def report(runs: list[RunRecord], tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("report") / "study"
    return write_report(runs, folder, name="study", command="python train.py experiment=study")


def test_every_file_is_written(report: Report) -> None:
    names = ["report.html", "report.md", "runs.csv", "runs.jsonl"]
    names += [f"figures/{stem}.{kind}" for stem in FIGURES for kind in ("png", "svg")]
    found = [path.relative_to(report.folder) for path in report.folder.rglob("*.*")]
    assert sorted(map(str, found)) == sorted(names)
    assert set(report.files) == {report.folder / name for name in names}
    assert all(path.stat().st_size > 1000 for path in report.files)


def test_markdown_states_the_facts(report: Report) -> None:
    text = (report.folder / "report.md").read_text()
    assert "# study: how big does it need to be?" in text
    assert "55 runs on mnist1d: cnn, logistic and lstm, 11 sizes in all." in text
    assert "### lstm: 32k parameters are enough." in text
    assert "### cnn: can't tell: still falling at the largest size run" in text
    assert "python train.py -m model=cnn size=256k,512k seed=0,1,2,3,4 experiment=study" in text
    assert "logistic has 1 size; a curve of three parameters needs at least 4." in text
    grown = re.search(
        r"from 500 to 128k lowered test error from (\d+\.\d)% to (\d+\.\d)%, by "
        r"(\d+\.\d) points \[.*\], for 256× the parameters, 52× the training",
        text,
    )
    assert grown is not None
    cells = [line for line in text.splitlines() if line.startswith("| lstm | 32,000 |")]
    assert len(cells) == 1
    assert re.search(r"\| 5 \| 4\.\d% \| \[\d\.\d%, \d\.\d%\] \| 4\.\d% \|", cells[0])
    assert cells[0].count("lstm3200") == 5  # the runs behind the row
    for stem in FIGURES:
        assert f"(figures/{stem}.png)" in text


def test_fitted_floor_is_in_the_words(report: Report) -> None:
    words = " ".join(" ".join(each.sentences) for each in report.contents.verdict)
    low, high = map(float, re.findall(r"E = [\d.]+% \[([\d.]+)%, ([\d.]+)%\]", words)[-1])
    assert low <= 4.0 <= high


def test_runs_are_written_as_they_came(report: Report, runs: list[RunRecord]) -> None:
    assert read_records(report.folder / "runs.jsonl") == runs
    with (report.folder / "runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["run_id"] for row in rows] == [run.run_id for run in runs]
    assert float(rows[3]["test/accuracy"]) == runs[3].metrics["test/accuracy"]
    assert {row["compared"] for row in rows} == {"yes"}


def test_printed_text_is_short_and_says_what_to_run(report: Report) -> None:
    lines = str(report).splitlines()
    assert len(lines) < 10
    assert "lstm: 32k parameters are enough." in lines
    assert lines[-1] == f"report: {report.folder / 'report.html'}"


def test_page_holds_the_numbers_and_nothing_from_the_network(
    report: Report, runs: list[RunRecord]
) -> None:
    page = (report.folder / "report.html").read_text()
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    shown = json.loads(found[1])
    by_id = {run["run"]: run for cell in shown["runs"] for run in cell}
    assert sorted(by_id) == sorted(run.run_id for run in runs)
    error = 1 - runs[7].metrics["test/accuracy"]
    assert by_id[runs[7].run_id]["test error"] == f"{error:.2%}"
    drawn = [r["error"] for r in shown["data"]["runs"] if r["run"] == runs[7].run_id]
    assert drawn == pytest.approx([error], 1e-4)
    assert list(shown["charts"]["error_by_cost"]) == [
        "parameters",
        "training time",
        "FLOPs per sample",
        "latency",
        "size on disk",
    ]
    assert len(page) < 1.5e6
    outside = page.replace(found[0], "")
    assert not re.search(r'<(script|link|img)[^>]+(src|href)="?(https?:)?//', outside)


def test_the_same_runs_give_the_same_files(
    report: Report, runs: list[RunRecord], tmp_path: Path
) -> None:
    again = write_report(runs, tmp_path, name="study", command="python train.py experiment=study")
    for path in report.files:
        assert (tmp_path / path.relative_to(report.folder)).read_bytes() == path.read_bytes(), path
    assert again.files[0] == tmp_path / "report.html"


def test_names_cannot_break_the_page() -> None:
    named = [dataclasses.replace(record(seed=seed), name="</script><b>x") for seed in (0, 1)]
    title = "<script>alert(1)</script>"
    page = write_page(contents(analyse(named, name=title)))
    assert "<script>alert(1)" not in page
    assert "</script><b>x" not in page


@pytest.mark.parametrize(
    ("sizes", "seeds", "said"),
    [
        ((1000,), 3, "one size"),
        ((1000, 4000, 16_000, 64_000, 256_000), 1, "one seed at each size"),
        ((1000, 4000), 3, "has 2 sizes; a curve"),
    ],
)
def test_small_sweeps_say_what_cannot_be_said(
    sizes: tuple[int, ...], seeds: int, said: str
) -> None:
    rng = np.random.default_rng(0)
    runs = sweep("lstm", sizes, seeds, lambda n: 0.05 + 0.4 * (n / 1000) ** -0.5, 0.004, rng)
    assert said in write_markdown(contents(analyse(runs, name="small")))


def test_the_confidence_of_the_intervals_is_stated(runs: list[RunRecord]) -> None:
    usual, sure = (
        write_markdown(contents(analyse(runs, name="study", confidence=each)))
        for each in (0.9, 0.98)
    )
    assert "Intervals are 90%: over seeds" in usual
    assert "Intervals are 90%, those by which sizes are judged 98%: over seeds" in sure


def test_chosen_settings_and_edges_are_stated(tmp_path: Path) -> None:
    runs = [
        record(parameters=size, seed=seed, test_error=error, training__learning_rate=rate)
        for size in (1000, 4000)
        for seed in (0, 1, 2)
        for rate, error in [(0.003, 0.3 + seed / 100), (0.01, 0.2 + seed / 100)]
    ]
    write_report(runs, tmp_path, name="tuned")
    text = (tmp_path / "report.md").read_text()
    best = "the best mean validation error (21.0%) of 2 settings"
    assert f"lstm 4k takes training.learning_rate=0.01: {best}" in text
    assert "training.learning_rate is at the edge of what was tried (0.003, 0.01)" in text
    with (tmp_path / "runs.csv").open() as file:
        compared = {
            (row["training.learning_rate"], row["compared"]) for row in csv.DictReader(file)
        }
    assert compared == {("0.003", "no"), ("0.01", "yes")}


def test_errors_leave_no_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there are no runs"):
        write_report([], tmp_path / "none", name="none")
    assert not (tmp_path / "none").exists()


def test_parameters_may_be_none_and_costs_unknown(tmp_path: Path) -> None:
    runs = [record(parameters=size, seed=seed) for size in (1000, 4000) for seed in (0, 1)]
    for seed in (0, 1):
        nearest = record("nearest", 0, seed, test_error=0.4)
        del nearest.metrics["cost/flops_inference"]
        runs.append(nearest)
    report = write_report(runs, tmp_path, name="classic")
    row = next(r for r in (tmp_path / "report.md").read_text().splitlines() if "| nearest" in r)
    assert "| 40.0% |" in row
    assert "| – |" in row  # its FLOPs
    assert report.contents.verdict[1].headline.startswith("lstm")


def test_another_measure_is_reported_in_its_own_words(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    measure = Measure("bits per byte", "bits", 0.05)

    def measured(run: RunRecord) -> RunRecord:
        """Return the run with errors ten times as high: 1.2 to 5.2 bits."""
        history = [{"val/error": 10 * (1 - each["val/accuracy"])} for each in run.history]
        for each in history:
            each["train/error"] = each["val/error"] / 2
        costs = {key: value for key, value in run.metrics.items() if key.startswith("cost/")}
        metrics = costs | {"test/error": 10 * (1 - run.metrics["test/accuracy"])}
        return dataclasses.replace(run, measure=measure, metrics=metrics, history=history)

    runs = sweep("lstm", SIZES, 5, lambda n: 0.12 + 0.4 * (n / 500) ** -1.2, 0.0002, rng)
    report = write_report([measured(run) for run in runs], tmp_path, name="text")
    (result,) = report.analysis.families
    assert isinstance(result.fit, Fit)
    assert result.fit.floor == pytest.approx(1.2, abs=0.01)
    assert result.fit.curve.shape == pytest.approx(1.2, rel=0.02)
    assert report.analysis.goal.tolerance == 0.05
    text = (tmp_path / "report.md").read_text()
    assert "lstm: 32k parameters are enough." in text
    assert re.search(r"\(test bits per byte of 1\.20\d bits over 5 seeds\)", text)
    assert re.search(r"rules out being worse by more than 0\.05 bits", text)
    assert re.search(r"lowered test bits per byte from 5\.20\d bits to 1\.20\d bits, by 3\.9", text)
    assert "less than 0.05 bits of test bits per byte" in text
    assert re.search(r"\| lstm \| 500 \| 5 \| 5\.20\d bits \| \[5\.\d\d\d bits, ", text)
    assert "gap (bits)" in text
    assert "%" not in text.replace("90%", "")
    assert "accuracy" not in text
    assert "points" not in text
    (chart, *_) = report.contents.charts
    axis = chart.spec["layer"][-1]["encoding"]["y"]
    assert axis["title"] == "test bits per byte"
    assert "%" not in axis["axis"]["format"]
    with (tmp_path / "runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {float(row["test/error"]) > 1 for row in rows} == {True}
