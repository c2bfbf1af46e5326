"""The page in a real browser, with a real drawing. A screenshot is kept in pytest's cache."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sizewise.data.arrays import Arrays
from sizewise.data.published import read_arrays
from sizewise.predict.explained import explain
from sizewise.serve.models import Shelf
from tests.builders import make_saved
from tests.report.test_page import CHROMIUM
from tests.report.test_page import browser as browser
from tests.serve.conftest import DIGITS, serve, serving

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed (apt-get install chromium)"
)

TURN = np.linspace(0, 2 * np.pi, 12)
ZERO = list(zip(0.5 + 0.2 * np.sin(TURN), 0.5 - 0.4 * np.cos(TURN), strict=True))  # of the side
DOT = [(0.5, 0.5)]
SLASH = [(0.2, 0.2), (0.8, 0.8)]


@contextmanager
def opened(browser: Any, url: str) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.extend([line.text] * (line.type == "error")))
    page.on("request", lambda sent: troubles.extend([sent.url] * (not sent.url.startswith(url))))
    page.goto(url)
    page.wait_for_selector("article")
    wait_until(page, "survey !== null && survey.samples > 0")
    yield page
    page.close()
    assert not troubles  # no error, and nothing asked of anybody else


@pytest.fixture
def page(browser: Any, url: str) -> Iterator[Any]:
    with opened(browser, url) as page:
        yield page


@pytest.fixture
def sequences() -> Shelf:
    """Two untrained networks, on noise."""
    shelf = Shelf([serve(make_saved(width=width)) for width in (3, 6)], DIGITS)
    noise, classes = np.random.default_rng(0).normal(size=(100, 1, 40)), np.arange(100) % 10
    shelf._arrays = Arrays(noise, classes, noise[:50], classes[:50], shelf.spec.class_names)
    return shelf


def wait_until(page: Any, condition: str) -> None:
    """Wait for a condition; Playwright's own way takes a page that may evaluate texts."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {condition}")


def draw(page: Any, points: list[tuple[float, float]]) -> dict[str, Any]:
    """Draw a stroke with the mouse, and return the server's answer to the whole of it.

    It may come before that to a part of it.
    """
    asked: list[Any] = []
    page.on("request", lambda sent: asked.extend([sent] * sent.url.endswith("/draw")))
    box = page.locator("#paper").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()
    page.wait_for_timeout(400)  # the page sends what is drawn every 120 ms at most
    wait_until(page, "again !== null && waiting === null && asked === shown")
    content: dict[str, Any] = json.loads(asked[-1].response().text())
    return content


def shown(page: Any) -> list[str]:
    return list(page.locator("article .label").all_text_contents())


def test_a_drawing_is_answered_by_both_models_as_they_themselves_answer(
    page: Any, shelf: Shelf, request: pytest.FixtureRequest
) -> None:
    content = draw(page, ZERO)
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
    assert shown(page)[1] == "0"  # the larger one knows a zero
    folder = request.config.cache.mkdir("screenshots")
    page.screenshot(path=folder / "serve_drawing.png", full_page=True)


def test_clearing_empties_the_answers(page: Any) -> None:
    draw(page, ZERO)
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


def test_why_shows_what_both_models_look_at_until_the_next_answer(
    page: Any, shelf: Shelf, request: pytest.FixtureRequest
) -> None:
    seen = np.array(draw(page, ZERO)["inputs"])
    assert page.locator("figure.map canvas").count() == 0
    page.locator("article .why").first.click()
    page.wait_for_selector("figure.map canvas")
    assert page.locator("figure.map canvas").count() == 2
    told = page.locator("figure.map").all_text_contents()
    assert told[0].startswith("by grad cam: ")  # the small one may have nothing above zero
    assert told[1] == "by grad cam: the bluer, the more it counts"
    code = "c => [...c.getContext('2d').getImageData(0, 0, 8, 8).data].filter((_, i) => i % 4 == 3)"
    drawn = page.locator("figure.map canvas").last.evaluate(code)
    maps, _ = explain(shelf.served[-1].predictor, seen)
    assert np.allclose(np.array(drawn) / 255, (maps.values / maps.values.max()).ravel(), atol=0.01)
    folder = request.config.cache.mkdir("screenshots")
    page.screenshot(path=folder / "serve_why.png", full_page=True)
    page.click("#sample")
    wait_until(page, "document.querySelectorAll('figure.map canvas').length === 0")
    page.click("#clear")
    page.locator("article .why").first.click()  # there is nothing to explain
    assert page.locator("figure.map *").count() == 0


def test_why_shades_the_steps_of_a_sequence(browser: Any, sequences: Shelf) -> None:
    with serving(sequences) as url, opened(browser, url) as page:
        page.fill("#numbers", ", ".join(["0.5", "-1"] * 20))
        wait_until(page, "at('plot').children.length === 1 && asked === shown")
        page.locator("article .why").last.click()
        page.wait_for_selector("figure.map svg")
        assert page.locator("figure.map svg").first.locator("rect").count() == 40
        assert page.locator("figure.map svg polyline").count() == 2
        told = page.locator("figure.map").first.text_content()
        assert told.startswith("by integrated gradients: ")


def test_a_warning_is_shown_on_the_page(page: Any) -> None:
    file = io.BytesIO()
    Image.new("L", (8, 8), "white").save(file, "PNG")
    upload = {"name": "blank.png", "mimeType": "image/png", "buffer": file.getvalue()}
    page.locator("#file input").set_input_files(upload)
    page.wait_for_selector("#verdict .warning")
    warning = page.locator("#verdict .warning").text_content()
    assert warning.startswith("Unlike the training data: numbers that are all 0")


@pytest.mark.parametrize(
    ("points", "why"),
    [
        (DOT, "Unlike the training data: numbers"),
        (SLASH, "It lies farther off than 98 in 100 test"),
    ],
)
def test_what_no_model_was_taught_is_answered_with_not_sure(
    page: Any, shelf: Shelf, points: list[tuple[float, float]], why: str
) -> None:
    seen = np.array(draw(page, points)["inputs"])
    assert seen.max() > 15
    assert shown(page) == ["not sure", "not sure"]
    told = "Not sure: the models were taught nothing like it."
    assert page.locator("#verdict").text_content().startswith(told + why)
    assert page.locator(".bars .top").count() == 0
    for card, served in zip(page.locator("article").all(), shelf.served, strict=True):
        most = served.predictor.predict(seen)[0].max()
        assert f"({100 * most:.1f} %)" in card.locator(".share").text_content()


def test_disagreements_are_gone_through_by_keyboard(page: Any) -> None:
    survey = page.evaluate("survey")
    line = page.locator("#survey").text_content()
    assert line.startswith(
        f"They agree on {100 * survey['agreement']:.1f} % of all 360 test samples"
    )
    errors = page.locator(".error").all_text_contents()
    assert errors == [f"{100 * error:.2f} %" for error in survey["errors"]]
    page.focus("#differ")
    for number, index in enumerate(survey["disagreements"][:3], 1):
        page.keyboard.press("Enter")
        place = f"Test sample {index} of digits, {number} of {len(survey['disagreements'])} where"
        wait_until(page, f"at('seen').textContent.startsWith('{place}') && asked === shown")
        assert len(set(shown(page))) == 2
    page.evaluate("next = survey.disagreements.length")
    page.keyboard.press("Enter")
    wait_until(page, f"at('seen').textContent.includes('sample {survey['disagreements'][0]} ')")


def test_that_both_are_wrong_is_said_with_the_class(page: Any, shelf: Shelf) -> None:
    arrays = read_arrays(DIGITS)
    answers = [each.predictor.predict(arrays.test_inputs).argmax(axis=1) for each in shelf.served]
    index = int(np.flatnonzero((np.stack(answers) != arrays.test_targets).all(axis=0))[0])
    page.evaluate(f"pickSample({index})")
    wait_until(page, "at('verdict').textContent.startsWith('Both wrong')")
    assert f"wrong: it is {arrays.test_targets[index]}." in page.locator("#verdict").text_content()
    assert page.locator("#verdict.trouble").count() == 1
    assert page.locator("article .mark").all_text_contents() == ["✗ wrong", "✗ wrong"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("so 1 2", "“so” is not a number; expected 40 "), ("1, 2; 3", "3 numbers; expected 40 ")],
)
def test_a_wrong_paste_clears_what_was_there(
    browser: Any, sequences: Shelf, text: str, said: str
) -> None:
    with serving(sequences) as url, opened(browser, url) as page:
        page.fill("#numbers", ", ".join(["0.5", "-1"] * 20))
        wait_until(page, "at('plot').children.length === 1 && asked === shown")
        assert "–" not in shown(page)
        page.fill("#numbers", text)
        assert page.locator("#verdict").text_content().startswith(said)
        assert shown(page) == ["–", "–"]
        assert page.locator("#plot *").count() == 0
        assert page.locator("#seen").is_hidden()


def test_where_they_never_disagree_it_says_so(browser: Any, sequences: Shelf) -> None:
    sequences.served[1] = sequences.served[0]
    with serving(sequences) as url, opened(browser, url) as page:
        wait_until(page, "at('differ').textContent === 'They disagree on none'")
        assert page.locator("#differ").is_disabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_page_needs_no_scrolling_aside(browser: Any, url: str, scheme: str) -> None:
    with opened(browser, url) as page:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 29)"}[scheme]
