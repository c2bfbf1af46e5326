"""The page in a real browser, with a real drawing. A screenshot is kept in pytest's cache."""

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sizewise.serve.models import Shelf
from tests.report.test_page import CHROMIUM
from tests.report.test_page import browser as browser

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed (apt-get install chromium)"
)

SEVEN = [(0.3, 0.2), (0.7, 0.2), (0.48, 0.82)]  # shares of the paper's side


@pytest.fixture
def page(browser: Any, url: str) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.extend([line.text] * (line.type == "error")))
    page.on("request", lambda sent: troubles.extend([sent.url] * (not sent.url.startswith(url))))
    page.goto(url)
    page.wait_for_selector("article")
    yield page
    page.close()
    assert not troubles  # no error, and nothing asked of anybody else


def wait_until(page: Any, condition: str) -> None:
    """Wait for a condition; Playwright's own way takes a page that may evaluate texts."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {condition}")


def draw(page: Any, points: list[tuple[float, float]]) -> dict[str, Any]:
    """Draw a stroke with the mouse, and return the server's last answer to it."""
    answers: list[Any] = []
    page.on("response", lambda answer: answers.extend([answer] * answer.url.endswith("/draw")))
    box = page.locator("#paper").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()
    page.wait_for_timeout(400)  # the page sends what is drawn every 120 ms at most
    wait_until(page, "asked > 0 && asked === shown")
    content: dict[str, Any] = json.loads(answers[-1].text())
    return content


def shown(page: Any) -> list[str]:
    return list(page.locator("article .label").all_text_contents())


def test_a_drawing_is_answered_by_both_models_as_they_themselves_answer(
    page: Any, shelf: Shelf, request: pytest.FixtureRequest
) -> None:
    content = draw(page, SEVEN)
    seen = np.array(content["inputs"])
    assert seen.shape == (1, 1, 8, 8)
    assert seen.max() > 8
    cards = page.locator("article")
    assert cards.count() == 2
    for index, served in enumerate(shelf.served):
        probabilities = served.predictor.predict(seen)[0]
        card = cards.nth(index)
        assert card.locator(".label").text_content() == str(probabilities.argmax())
        assert f"{served.record.parameters:,}" in card.locator(".size").text_content()
        widths = card.locator(".bars span i").evaluate_all("all => all.map(i => i.style.width)")
        shares = [float(width.rstrip("%")) / 100 for width in widths]
        assert np.allclose(shares, probabilities, atol=1e-4)
        assert card.locator(".latency").text_content().endswith(" ms")
    assert shown(page)[1] == "7"  # the larger one knows a seven
    folder = request.config.cache.mkdir("screenshots")
    page.screenshot(path=folder / "serve_drawing.png", full_page=True)


def test_clearing_empties_the_answers(page: Any) -> None:
    draw(page, SEVEN)
    assert "–" not in shown(page)
    page.click("#clear")
    assert shown(page) == ["–", "–"]
    assert page.locator("#verdict").text_content().startswith("Draw on the left")


def test_a_test_sample_is_marked_right_or_wrong_by_its_label(page: Any, shelf: Shelf) -> None:
    with page.expect_response(lambda answer: "/sample" in answer.url) as answered:
        page.click("#sample")
    sample = json.loads(answered.value.text())
    wait_until(page, "document.querySelector('article .mark').textContent !== ''")
    marks = page.locator("article .mark").all_text_contents()
    inputs = np.array(sample["inputs"])
    expected = [str(each.predictor.predict(inputs)[0].argmax()) for each in shelf.served]
    assert shown(page) == expected
    assert marks == ["✓ right" if each == sample["label"] else "✗ wrong" for each in expected]


def test_a_warning_is_shown_on_the_page(page: Any) -> None:
    file = io.BytesIO()
    Image.new("L", (8, 8), "white").save(file, "PNG")
    upload = {"name": "blank.png", "mimeType": "image/png", "buffer": file.getvalue()}
    page.locator("#file input").set_input_files(upload)
    page.wait_for_selector("#verdict .warning")
    warning = page.locator("#verdict .warning").text_content()
    assert warning.startswith("Unlike the training data: numbers that are all 0")
