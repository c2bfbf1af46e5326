"""The page in a real browser. A screenshot is kept in pytest's cache, under d/screenshots."""

import html
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sizewise.report import Report, write_report
from tests.report.synthetic import record, reference, sweep, with_samples

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

POINTS = "#error_by_cost .mark-symbol.role-mark path"
TITLE = "#error_by_cost .role-axis-title text"

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed (apt-get install chromium)"
)
playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    rng = np.random.default_rng(0)
    sizes = (1000, 4000, 16_000, 64_000, 256_000)
    runs = sweep("cnn", sizes, 4, lambda n: 0.03 + 0.4 * (n / 1000) ** -0.4, 0.006, rng)
    runs += sweep("lstm", sizes, 4, lambda n: 0.08 + 0.5 * (n / 1000) ** -0.9, 0.006, rng)
    runs += [record("logistic", 410, seed, test_error=0.6) for seed in range(4)]
    folder = tmp_path_factory.mktemp("report")
    command = "python train.py experiment=study"
    return write_report(runs, folder, name="study", command=command, link="http://h/#/{}".format)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any, report: Report) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1280, "height": 950})
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.extend([line.text] * (line.type == "error")))
    page.on("request", lambda sent: troubles.extend([sent.url] * sent.url.startswith("http")))
    page.goto(report.files[0].as_uri())
    page.wait_for_selector(POINTS)
    yield page
    page.close()
    assert not troubles  # no error, and nothing asked of the network


def middle(locator: Any) -> tuple[float, float]:
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_verdict_stands_on_top(page: Any) -> None:
    assert page.locator("#verdict article").first.text_content().startswith("Over all families")
    assert "run next" in page.locator("#verdict").text_content().lower()


def xs(page: Any) -> list[float]:
    """Return where the points of the means lie, by family and size."""
    groups = page.locator("#error_by_cost .mark-symbol.role-mark").all()
    points = next(found for each in groups if len(found := each.locator("path").all()) > 2)
    return [point.bounding_box()["x"] for point in points]  # the rings go before, one or two


def test_cost_axis_switches_and_a_point_names_its_run(
    page: Any, report: Report, request: pytest.FixtureRequest
) -> None:
    assert page.locator(TITLE).first.text_content() == "parameters"
    page.select_option("#error_by_cost select", "training time")
    page.locator(TITLE, has_text="training time (s)").wait_for()

    point = page.locator("#error_by_cost .mark-symbol.role-mark").last.locator("path").nth(5)
    point.scroll_into_view_if_needed()
    page.mouse.move(*middle(point))
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    text = tooltip.text_content()
    known = {
        r.run_id for result in report.analysis.families for c in result.cells for r in c.records
    }
    named = re.search(r"((?:cnn|lstm|logistic)\w+?0{5,})", text)
    assert named is not None, text
    assert named[1] in known
    assert "seed" in text
    assert re.search(r"test error\d+\.\d\d%", text)
    folder = request.config.cache.mkdir("screenshots")
    page.screenshot(path=folder / "report_hover.png")
    page.locator("body").screenshot(path=folder / "report_whole.png")


def test_log_axes_can_be_switched_off(page: Any) -> None:
    steps = [b - a for a, b in itertools.pairwise(xs(page)[:5])]  # each four times the last
    assert max(steps) < 1.1 * min(steps)
    page.uncheck("#error_by_cost input[name=x]")
    page.wait_for_function("document.querySelectorAll('#error_by_cost .role-axis-title').length")
    steps = [b - a for a, b in itertools.pairwise(xs(page)[:5])]
    assert steps[3] == pytest.approx(4 * steps[2], rel=0.1)


def test_the_slider_asks_for_another_tolerance(page: Any) -> None:
    shown = page.locator("#answer td:nth-child(2)").all_text_contents()
    slider = page.locator("#answer input")
    slider.fill(slider.get_attribute("max"))
    assert page.locator("#answer output").text_content() == "10 points"
    assert page.locator("#answer td:nth-child(2)").all_text_contents() != shown


def test_a_heading_sorts_its_table(page: Any) -> None:
    cells = page.locator("tr.cell td:nth-child(2)")
    sizes = [int(text.replace(",", "")) for text in cells.all_text_contents()]
    heading = page.locator("th", has_text="parameters").first
    heading.click()
    found = [int(text.replace(",", "")) for text in cells.all_text_contents()]
    assert found == sorted(sizes, reverse=True)
    heading.click()
    found = [int(text.replace(",", "")) for text in cells.all_text_contents()]
    assert found == sorted(sizes)


def test_a_point_opens_the_runs_behind_it_and_no_editor_is_offered(page: Any) -> None:
    points = page.locator("#error_by_cost .mark-symbol.role-mark path")
    points.last.click(force=True)
    assert page.locator("tr.runs tr").count() == 1 + 4
    actions = page.locator("#error_by_cost .vega-actions a").all_text_contents()
    assert actions == ["Save as SVG", "Save as PNG"]


def test_a_number_opens_the_runs_behind_it(page: Any) -> None:
    row = page.locator("tr.cell", has_text="lstm").nth(2)
    row.click()
    runs = page.locator("tr.runs tr")
    assert runs.count() == 1 + 4
    run_id = runs.nth(1).locator("td").first.text_content()
    assert run_id.startswith("lstm16000s0")
    assert runs.nth(1).locator("a").get_attribute("href") == f"http://h/#/{run_id}"
    row.press("Enter")
    assert runs.count() == 0


def test_page_works_in_the_sandboxed_frame_of_an_artifact_viewer(
    browser: Any, report: Report
) -> None:
    page = browser.new_page()
    inner = html.escape(report.files[0].read_text())
    page.set_content(
        f'<iframe sandbox="allow-scripts" width=1000 height=800 srcdoc="{inner}"></iframe>'
    )
    frame = page.frame_locator("iframe")
    frame.locator(POINTS).first.wait_for()
    frame.locator("#error_by_cost select").select_option("size on disk")
    frame.locator(TITLE, has_text="size on disk").wait_for()
    frame.locator("tr.cell").first.click()
    assert frame.locator("tr.runs tr").count() > 1
    page.close()


@pytest.mark.parametrize("networks", [True, False], ids=["with networks", "classical alone"])
def test_references_and_amounts_of_data_are_drawn(
    browser: Any, tmp_path: Path, networks: bool
) -> None:
    runs = []
    for samples in (100, 1000):
        found = [reference(seed=seed, test_error=0.3 + seed / 100) for seed in (0, 1)]
        if networks:
            found += [record("cnn", size, seed) for size in (1000, 4000) for seed in (0, 1)]
        runs += with_samples(found, samples, all_there_are=1000)
    report = write_report(runs, tmp_path, name="data")
    page = browser.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(report.files[0].as_uri())
    page.wait_for_selector("#error_by_data .mark-symbol.role-mark path")
    page.wait_for_selector(POINTS)
    lines = page.locator("#error_by_cost .mark-rule line[stroke-dasharray]")
    assert lines.count() == 1
    if networks:
        page.select_option("#error_by_cost select", "size on disk")
        page.locator(TITLE, has_text="size on disk").wait_for()
    page.locator("tr.cell", has_text="svm (hog)").click()
    assert page.locator("tr.runs tr").count() == 1 + 2
    page.close()
    assert not troubles
