"""Networks that answer prompts, over HTTP and on the page."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sizewise.config import ReverseConfig, TextConfig
from sizewise.data import load
from sizewise.errors import UserError
from sizewise.predict import Prompted, Ways
from sizewise.serve.app import shelf_of
from sizewise.serve.prompts import PromptShelf
from tests.builders import make_saved, make_saved_pairs, make_saved_text
from tests.report.test_page import CHROMIUM
from tests.report.test_page import browser as browser
from tests.serve.conftest import DIGITS, serve, serve_prompts, serving
from tests.serve.test_app import ask
from tests.serve.test_page import wait_until

PYDOC = TextConfig(
    name="pydoc", root="data", validation_fraction=0.1, train_samples=None, window=40
)


@pytest.fixture(scope="module")
def texts() -> PromptShelf:
    saved = [make_saved_text(window=40, width=width, name="pydoc") for width in (9, 3)]
    return PromptShelf([serve_prompts(each) for each in saved], PYDOC)


@pytest.fixture(scope="module")
def url(texts: PromptShelf) -> Iterator[str]:
    with serving(texts) as where:
        yield where


def question(**asked: object) -> bytes:
    return json.dumps(asked).encode()


def test_the_models_are_told_with_their_bits_per_byte(url: str, texts: PromptShelf) -> None:
    status, content = ask(f"{url}/models")
    assert (status, content["kind"]) == (200, "text")
    assert content["ways"] == {"bytes": 200, "temperature": 0.8, "seed": 0}
    sizes = [model["parameters"] for model in content["models"]]
    assert sizes == sorted(each.size for each in texts.served)
    for model, served in zip(content["models"], texts.served, strict=True):
        assert model["measure"] == "bits per byte"
        assert model["score"] == f"{served.record.error():.3f} bits"
        assert model["latency_ms"] > 0


def test_each_network_continues_the_prompt_in_the_ways_asked(url: str, texts: PromptShelf) -> None:
    asked = {"prompt": "你好", "bytes": 9, "temperature": 0.5, "seed": 4}
    status, content = ask(f"{url}/predict", question(**asked))
    assert (status, content["notes"]) == (200, [])
    for answer, served in zip(content["answers"], texts.served, strict=True):
        said = served.network.answer("你好", Ways(9, 0.5, 4))
        assert answer["model"] == served.record.run_id
        assert answer["text"] == said.text
        assert [tuple(each.values()) for each in answer["symbols"]] == [
            (each.text, each.probability) for each in said.symbols
        ]
    one = {"models": [texts.served[1].record.run_id]}
    _, content = ask(f"{url}/predict", question(**asked, **one))
    assert [each["text"] for each in content["answers"]] == [said.text]


def test_an_empty_prompt_is_answered_and_told(url: str) -> None:
    status, content = ask(f"{url}/predict", question(prompt="", bytes=1))
    assert status == 200
    assert content["notes"] == ["an empty prompt: the text begins after a newline"]


def test_a_sample_is_a_test_window_in_two(url: str) -> None:
    status, content = ask(f"{url}/sample?index=3")
    text = bytes(load(PYDOC, 0).test.batch(slice(3, 4)).inputs[0].tolist()).decode()
    assert status == 200
    assert content == {"index": 3, "prompt": text[:20], "answers": [text[20:]]}
    status, content = ask(f"{url}/sample?index=999999")
    assert (status, content["error"].startswith("there is no test sample 999999")) == (422, True)


BAD = {
    "no prompt": (b"{}", "Field required (prompt); expected {"),
    "a number": (question(prompt=3), "valid string (prompt)"),
    "too many bytes": (question(prompt="a", bytes=1001), "less than or equal to 1000 (bytes)"),
    "no bytes": (question(prompt="a", bytes=0), "greater than or equal to 1 (bytes)"),
    "cold": (question(prompt="a", temperature=-1), "greater than or equal to 0 (temperature)"),
    "NaN": (b'{"prompt": "a", "temperature": NaN}', "a finite number (temperature)"),
    "seed": (question(prompt="a", seed=2**63), "(seed)"),
    "long": (question(prompt="a" * 10_001), "at most 10000 characters (prompt)"),
    "inputs": (question(prompt="a", inputs=[1]), "not permitted (inputs)"),
    "half a pair": (b'{"prompt": "\\ud800"}', "Invalid JSON"),
    "a key twice": (b'{"prompt": "a", "prompt": "b"}', "the key prompt stands twice"),
    "a model": (question(prompt="a", models=["x"]), "there is no model x here"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_question_is_refused_in_one_line(url: str, name: str) -> None:
    body, said = BAD[name]
    status, content = ask(f"{url}/predict", body)
    assert status == 422
    assert said in content["error"]
    assert "\n" not in content["error"]


def test_what_is_asked_of_samples_is_not_there(url: str) -> None:
    status, content = ask(f"{url}/survey")
    assert (status, content["error"]) == (
        404,
        "Not Found: GET /survey; expected GET /, GET /models, GET /sample, POST /predict",
    )


def test_runs_that_are_asked_otherwise_are_not_served_together(texts: PromptShelf) -> None:
    prompted = texts.served[0]
    images = serve(make_saved(shape=(1, 8, 8)))
    both: Any = [(images.predictor, images.record), (prompted.network, prompted.record)]
    with pytest.raises(UserError, match="made-up and pydoc, and only one of these is asked by"):
        shelf_of(both, DIGITS)
    other = serve_prompts(make_saved_text(name="stdlib"))
    with pytest.raises(UserError, match="the runs are on pydoc and stdlib, and a page shows one"):
        PromptShelf([prompted, other], PYDOC)


@contextmanager
def opened(browser: Any, url: str) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    troubles: list[str] = []
    refusals: list[object] = []  # of which the browser tells on its console, too
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.extend([line.text] * (line.type == "error")))
    page.on("response", lambda answer: refusals.append(answer) if answer.status == 422 else None)
    page.goto(url)
    page.wait_for_selector("article")
    wait_until(page, "asked === 2 && shown === asked")  # a test sample, and what they make of it
    yield page
    page.close()
    assert len(troubles) == len(refusals), troubles


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed")
def test_the_page_shows_both_texts_shaded(
    browser: Any, url: str, texts: PromptShelf, request: pytest.FixtureRequest
) -> None:
    with opened(browser, url) as page:
        assert "The text itself goes on" in page.locator("#verdict").text_content()
        page.fill("#prompt", "<b>你</b>")
        page.fill("#bytes", "12")
        page.click("#go")
        wait_until(page, "asked > 2 && shown === asked")
        for index, served in enumerate(texts.served):
            said: Any = served.network
            assert isinstance(said, Prompted)
            symbols = said.answer("<b>你</b>", Ways(12)).symbols
            spans = page.locator("article").nth(index).locator(".said span")
            assert spans.all_text_contents() == [each.text for each in symbols]
            grounds = spans.evaluate_all("all => all.map(each => each.style.background)")
            alphas = [float(each.rstrip(")").split(",")[-1]) for each in grounds]
            assert alphas == pytest.approx([0.6 * each.probability for each in symbols], abs=0.01)
        assert page.locator(".said b").first.text_content() == "<b>你</b>"
        page.screenshot(path=request.config.cache.mkdir("screenshots") / "serve_text.png")
        page.fill("#seed", "x")
        page.click("#go")
        assert page.locator("#verdict").text_content() == "seed is “x”; expected a number"


LETTERS = tuple("abcdef")
REVERSED = ReverseConfig(
    name="reverse",
    root="data",
    validation_fraction=0.1,
    train_samples=None,
    length=6,
    shortest=3,
    alphabet=6,
    num_samples=200,
    seed=0,
    test_lengths=None,
)


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed")
def test_the_page_shows_answers_to_a_sequence_and_what_they_attend_to(
    browser: Any, request: pytest.FixtureRequest
) -> None:
    saved = [
        make_saved_pairs(LETTERS, ("end", *LETTERS), 7, family=family)
        for family in ("seq2seq", "seq2seq_dot")
    ]
    shelf = PromptShelf([serve_prompts(each) for each in saved], REVERSED)
    with serving(shelf) as url, opened(browser, url) as page:
        _, sample = ask(f"{url}/sample?index=1")
        assert sample["answers"] == [sample["prompt"][::-1]]
        assert page.locator(".mark").all_text_contents() == ["✗ wrong", "✗ wrong"]
        page.fill("#prompt", "Fab")
        page.click("#go")
        wait_until(page, "asked > 2 && shown === asked")
        plain, attending = (served.network.answer("fab") for served in shelf.served)
        assert (plain.attention, attending.read) == (None, ["f", "a", "b"])
        told = page.locator("article .said").all_text_contents()
        assert told == [plain.text, attending.text]
        cells = page.locator("article").nth(1).locator(".alignment td")
        assert cells.count() == 3 * len(attending.symbols) > 0
        weight = attending.attention[0][0] if attending.attention else 0
        ground = cells.first.evaluate("cell => cell.style.background")
        assert float(ground.rstrip(")").split(",")[-1]) == pytest.approx(weight, abs=0.01)
        told = page.locator("#verdict small").text_content().splitlines()
        assert told[0] == "read without regard to capitals"
        page.screenshot(path=request.config.cache.mkdir("screenshots") / "serve_pairs.png")
        page.fill("#prompt", "xyz")
        page.click("#go")
        wait_until(page, "document.querySelector('#verdict').textContent.includes('no symbol')")
        assert page.locator("article .said").all_text_contents() == ["", ""]
