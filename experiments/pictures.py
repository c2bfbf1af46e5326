"""Takes the README's pictures: the report's first screen, and the serve page.

    python -m experiments.pictures       # a minute; needs Chromium, and the extra dev

The report is written from experiments/large_vs_small/runs.jsonl; for the page a small and a large
network are trained, in a folder of its own.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from sizewise.records import read_records
from sizewise.report import write_report

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs/pictures"
SMALL, LARGE = ("size=300", "size=20k")
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


def main() -> None:
    """Write both pictures."""
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_path is None:
        sys.exit(
            "there is no Chromium here: expected one on PATH, as from apt-get install chromium"
        )
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        records = read_records(ROOT / "experiments/large_vs_small/runs.jsonl")
        report = write_report(records, folder / "report", name="large_vs_small")
        page.goto(report.files[0].as_uri())
        page.locator("#error_by_cost svg.marks").wait_for()
        page.screenshot(path=PICTURES / "report.png")
        _take_serve_page(page, folder)
        browser.close()


def _take_serve_page(page: Page, folder: Path) -> None:
    """Train a small and a large network, serve them, and take the page with a sample drawn."""
    here = os.environ | {"SIZEWISE_DATA": str(folder / "data")}
    command = [sys.executable, str(ROOT / "train.py"), "-m", "model=cnn", f"{SMALL},{LARGE[5:]}"]
    subprocess.run([*command, "hydra.sweep.dir=sweep"], cwd=folder, env=here, check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    runs = [(folder / f"sweep/{n}/mlflow_run_id").read_text().strip() for n in (0, 1)]
    serve = [sys.executable, "-m", "sizewise", "serve", "--port", str(port), *runs]
    server = subprocess.Popen(serve, cwd=folder, env=here)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        page.goto(f"http://127.0.0.1:{port}")
        page.wait_for_timeout(3000)
        page.screenshot(path=PICTURES / "serve.png")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
