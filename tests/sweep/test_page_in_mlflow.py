"""The report's page inside MLflow's own UI, in a real browser."""

import dataclasses
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sizewise.config import TrackingConfig
from sizewise.report import write_report
from sizewise.tracking.lifecycle import log_answer, start_run, start_sweep
from sizewise.tracking.store import MODEL_TRAINING, Store, open_store
from tests.report.synthetic import sweep
from tests.report.test_page import CHROMIUM, POINTS, TITLE, middle
from tests.report.test_page import browser as browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed (apt-get install chromium)"
    ),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("store")
    uri, artifacts = f"sqlite:///{folder}/mlflow.db", str(folder / "artifacts")
    return open_store(TrackingConfig(uri=uri, experiment="sizewise", artifacts=artifacts))


@pytest.fixture(scope="module")
def parent(store: Store, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The parent run of a sweep, with the report of synthetic runs below it."""
    rng = np.random.default_rng(0)
    sizes = (1000, 4000, 16_000, 64_000)
    runs = sweep("cnn", sizes, 3, lambda n: 0.03 + 0.4 * (n / 1000) ** -0.4, 0.006, rng)
    folder = tmp_path_factory.mktemp("report")
    report = write_report(runs, folder, name="study")
    run_id, _ = start_sweep(store, "key", "study", folder, {"command": "python train.py"})
    log_answer(store, run_id, report.note, report.analysis.recommended)
    store.client.log_artifacts(run_id, str(folder), "report")
    store.client.set_terminated(run_id)
    return run_id


@pytest.fixture(scope="module")
def server(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MLflow's UI as `sizewise ui` starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "sizewise", "ui", "--uri", store.uri, "--port", str(port)]
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ)
        try:
            _wait_for(f"http://127.0.0.1:{port}/health")
            assert store.table(f"http://127.0.0.1:{port}") in log.read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            assert process.wait(timeout=30) == 0
            assert "Traceback" not in log.read_text()


def _wait_for(url: str) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)
    pytest.fail(f"no answer from {url}")


def test_a_sweeps_page_has_its_answer_which_leads_to_the_report(
    browser: Any, server: str, store: Store, parent: str, request: pytest.FixtureRequest
) -> None:
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    at_server = dataclasses.replace(store, uri=server.replace("://", "://u:secret@"))
    assert at_server.page(parent) == f"{server}/#/experiments/1/runs/{parent}?{MODEL_TRAINING}"
    page.goto(at_server.page(parent))
    note = store.client.get_run(parent).data.tags["mlflow.note.content"]
    page.get_by_text(note[:20]).first.wait_for(timeout=60_000)
    page.get_by_text("Show more").click()
    with page.expect_popup() as opened:
        page.get_by_text("The whole report").click()
    page = opened.value
    frame = page.frame_locator("iframe").first
    frame.locator(POINTS).first.wait_for(timeout=60_000)

    frame.locator("#error_by_cost select").select_option("training time")
    frame.locator(TITLE, has_text="training time (s)").wait_for()
    point = frame.locator(POINTS).first
    point.scroll_into_view_if_needed()
    page.mouse.move(*middle(point))
    tooltip = frame.locator("#vg-tooltip-element.visible")
    tooltip.wait_for(timeout=10_000)
    assert "cnn" in tooltip.text_content()
    folder = request.config.cache.mkdir("screenshots")
    page.screenshot(path=folder / "report-in-mlflow.png")
    page.context.close()


def test_the_link_opens_the_table_of_runs(
    browser: Any, server: str, store: Store, tmp_path: Path
) -> None:
    with start_run(store, "key", "cnn-1k-mnist1d-s0", tmp_path, {}) as tracker:
        tracker.log(1, {"test/error": 0.125, "cost/parameters": 1000})
    page = browser.new_page(viewport={"width": 1600, "height": 900})
    page.goto(store.table(server))
    page.get_by_text("cnn-1k-mnist1d-s0", exact=True).first.wait_for(timeout=60_000)
    page.get_by_text("0.125", exact=True).first.wait_for(timeout=30_000)
    assert "machine_learning" in page.url
    page.close()
