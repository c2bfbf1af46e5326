"""The HTTP interface, over HTTP."""

import io
import json
import time
import urllib.error
import urllib.request
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from sizewise.data.files.conform import fit_drawing
from sizewise.data.published import read_arrays
from sizewise.errors import UserError
from sizewise.predict import Predictor
from sizewise.predict.explained import explain
from sizewise.serve.models import Served, Shelf
from sizewise.serve.routes import MOST_BYTES
from tests.builders import make_saved
from tests.report.synthetic import record
from tests.serve.conftest import DIGITS, serving

JSON = "application/json"


def ask(url: str, body: bytes | None = None, kind: str = JSON) -> tuple[int, Any]:
    request = urllib.request.Request(url, body, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_how_classes_were_weighed_in_training_need_not_be_the_same() -> None:
    saved = make_saved("mlp", (1, 8, 8), name="digits")
    weighed = replace(saved, spec=replace(saved.spec, task="balanced"))
    both = [Served(Predictor(each), record()) for each in (saved, weighed)]
    assert len(Shelf(both, DIGITS).served) == 2


def test_models_are_named_the_smallest_first(url: str, shelf: Shelf) -> None:
    status, content = ask(f"{url}/models")
    assert status == 200
    assert content["kind"] == "image"
    assert content["input_shape"] == [1, 8, 8]
    sizes = [model["parameters"] for model in content["models"]]
    assert sizes == sorted(each.size for each in shelf.served)
    assert all(model["latency_ms"] > 0 for model in content["models"])


@pytest.mark.parametrize("shape", [(3, 1, 8, 8), (3, 8, 8), (3, 64)])
def test_answers_are_the_networks_own(url: str, shelf: Shelf, shape: tuple[int, ...]) -> None:
    inputs = np.random.default_rng(0).integers(0, 17, shape)
    status, content = ask(f"{url}/predict", json.dumps({"inputs": inputs.tolist()}).encode())
    assert status == 200
    for answer, served in zip(content["answers"], shelf.served, strict=True):
        expected = served.predictor.predict(inputs.reshape(3, 1, 8, 8))
        found = [each["probabilities"] for each in answer["predictions"]]
        assert np.allclose(found, expected, atol=1e-6)
        assert [each["label"] for each in answer["predictions"]] == [
            str(each) for each in expected.argmax(axis=1)
        ]
        assert answer["latency_ms"] > 0


def test_inputs_on_another_scale_are_answered_with_a_warning(url: str) -> None:
    _, sample = ask(f"{url}/sample?index=7")
    inputs = np.array(sample["inputs"])
    _, content = ask(f"{url}/predict", json.dumps({"inputs": inputs.tolist()}).encode())
    assert content["warnings"] == []
    both = np.concatenate([inputs, inputs / 16])
    status, content = ask(f"{url}/predict", json.dumps({"inputs": both.tolist()}).encode())
    assert status == 200
    assert len(content["answers"][0]["predictions"]) == 2
    (warning,) = content["warnings"]
    assert warning.startswith("1 of 2: numbers from 0 to 1, mean 0.")
    assert "trained on numbers from 0 to 16, mean 4.89 ±" in warning


def survey(url: str) -> tuple[int, Any]:
    while (found := ask(f"{url}/survey"))[0] == 202:
        time.sleep(0.05)
    return found


def test_the_survey_is_over_the_whole_test_set(url: str, shelf: Shelf) -> None:
    arrays = read_arrays(DIGITS)
    small, large = (
        each.predictor.predict(arrays.test_inputs).argmax(axis=1) for each in shelf.served
    )
    truth = arrays.test_targets
    status, found = survey(url)
    assert status == 200
    assert found["samples"] == len(truth) == 360
    assert found["errors"] == pytest.approx([np.mean(small != truth), np.mean(large != truth)])
    assert found["agreement"] == pytest.approx(np.mean(small == large))
    assert found["all_wrong"] == pytest.approx(np.mean((small != truth) & (large != truth)))
    assert found["disagreements"] == [index for index in range(360) if small[index] != large[index]]
    assert 0 < len(found["disagreements"]) < 360


def test_a_test_set_that_is_not_there_is_told_of_at_each_asking(shelf: Shelf) -> None:
    with serving(Shelf(shelf.served, DIGITS.model_copy(update={"name": "pydoc"}))) as url:
        for _ in range(2):
            status, found = survey(url)
            assert status == 422
            assert found["error"].startswith("data=pydoc is of symbols")
        assert ask(f"{url}/predict", flat(64))[1]["not_sure"] == [True]  # by its range still


def test_a_dot_is_not_sure_and_a_digit_is(url: str) -> None:
    survey(url)
    dot, zero = Image.new("L", (320, 320)), Image.new("L", (320, 320))
    ImageDraw.Draw(dot).ellipse((150, 150, 186, 186), fill=255)
    ImageDraw.Draw(zero).ellipse((90, 30, 220, 290), outline=255, width=36)
    _, of_dot = ask(f"{url}/draw", png(dot), "image/png")
    _, of_zero = ask(f"{url}/draw", png(zero), "image/png")
    assert (of_dot["not_sure"], of_zero["not_sure"]) == ([True], [False])
    assert of_zero["answers"][1]["predictions"][0]["label"] == "0"
    assert len(of_dot["answers"][1]["predictions"][0]["probabilities"]) == 10


def test_one_model_can_be_asked_alone(url: str, shelf: Shelf) -> None:
    wanted = shelf.served[1].record.run_id
    body = json.dumps({"inputs": [[0] * 64], "models": [wanted]}).encode()
    status, content = ask(f"{url}/predict", body)
    assert status == 200
    assert [answer["model"] for answer in content["answers"]] == [wanted]


def test_what_each_network_looks_at_is_told_of_each_input(url: str, shelf: Shelf) -> None:
    inputs = np.random.default_rng(0).integers(0, 17, (2, 1, 8, 8))
    status, content = ask(f"{url}/explain", json.dumps({"inputs": inputs.tolist()}).encode())
    assert status == 200
    assert content["columns"] == []
    for found, served in zip(content["explained"], shelf.served, strict=True):
        maps, _ = explain(served.predictor, inputs)
        assert (found["model"], found["method"]) == (served.record.run_id, "grad cam")
        assert np.allclose(found["maps"], maps.values, atol=1e-6)
    png_of = png(Image.fromarray((inputs[0, 0] * 15).astype(np.uint8)))
    status, content = ask(f"{url}/explain", png_of, "image/png")
    assert status == 200
    assert np.shape(content["explained"][0]["maps"]) == (1, 8, 8)
    status, content = ask(f"{url}/explain", b"{}")
    assert (status, "inputs" in content["error"]) == (422, True)


def test_images_are_brought_to_the_sets_form(url: str, shelf: Shelf) -> None:
    image = Image.new("RGB", (80, 80), "white")
    image.paste("black", (30, 10, 50, 70))
    status, content = ask(f"{url}/predict", png(image), "image/png")
    assert status == 200
    assert content["done"] == ["made grey", "inverted", "scaled from 80x80 to 8x8"]
    assert np.max(content["inputs"]) > 12
    drawing = Image.new("L", (200, 200))
    drawing.paste("white", (90, 20, 110, 180))
    status, content = ask(f"{url}/draw", png(drawing), "image/png")
    assert status == 200
    assert np.allclose(content["inputs"][0], fit_drawing(drawing, shelf.form)[0])


def test_samples_come_with_their_labels(url: str) -> None:
    status, content = ask(f"{url}/sample?index=0")
    assert status == 200
    assert content["label"] == "2"  # the 1438th of scikit-learn's digits
    assert np.shape(content["inputs"]) == (1, 1, 8, 8)


def flat(count: int, value: object = 0) -> bytes:
    return json.dumps({"inputs": [[value] * count]}).encode()


CUT = png(Image.effect_noise((90, 90), 50))[:500]
CLEAR = png(Image.new("RGBA", (8, 8)))
BAD: dict[str, tuple[str, bytes | None, str, int, str]] = {
    "no JSON": ("/predict", b"{", JSON, 422, "Invalid JSON"),
    "deep": ("/predict", b"[" * 100_000, JSON, 422, "Invalid JSON"),
    "empty": ("/predict", b"", JSON, 422, "Invalid JSON"),
    "no inputs": ("/predict", b"{}", JSON, 422, "Field required (inputs)"),
    "a list": ("/predict", b"[]", JSON, 422, "Input should be an object (the body)"),
    "no sample": (
        "/predict",
        b'{"inputs": []}',
        JSON,
        422,
        "at least 1 item after validation, not 0 (inputs)",
    ),
    "a text": ("/predict", b'{"inputs": "x"}', JSON, 422, "Input should be a valid array (inputs)"),
    "texts": ("/predict", b'{"inputs": ["x"]}', JSON, 422, "not all are numbers"),
    "null": ("/predict", b'{"inputs": [null]}', JSON, 422, "not all are numbers"),
    "ragged": ("/predict", b'{"inputs": [[1], [1, 2]]}', JSON, 422, "differ in shape"),
    "shape": (
        "/predict",
        b'{"inputs": [[1, 2]]}',
        JSON,
        422,
        "of shape (2); expected samples of shape (1, 8, 8)",
    ),
    "NaN": (
        "/predict",
        json.dumps({"inputs": [[float("nan")] * 64]}).encode(),
        JSON,
        422,
        "NaN, infinity",
    ),
    "many": (
        "/predict",
        json.dumps({"inputs": [0] * 1001}).encode(),
        JSON,
        422,
        "at most 1000 items after validation, not 1001 (inputs)",
    ),
    "a key": (
        "/predict",
        b'{"inputs": [1], "x": 1}',
        JSON,
        422,
        "Extra inputs are not permitted (x)",
    ),
    "a key twice": (
        "/predict",
        b'{"inputs": [[1]], "inp\\u0075ts": ' + flat(64)[11:],
        JSON,
        422,
        "the key inputs stands twice in the body",
    ),
    "models": (
        "/predict",
        b'{"inputs": [1], "models": 3}',
        JSON,
        422,
        "Input should be a valid array (models)",
    ),
    "no models": (
        "/predict",
        b'{"inputs": [1], "models": []}',
        JSON,
        422,
        "at least 1 item after validation, not 0 (models)",
    ),
    "numbers for models": ("/predict", b'{"inputs": [1], "models": [1]}', JSON, 422, "(models"),
    "models in an object": ("/predict", b'{"inputs": [1], "models": {}}', JSON, 422, "(models"),
    "not nested": (
        "/predict",
        json.dumps({"inputs": [0] * 64}).encode(),
        JSON,
        422,
        "samples of shape (); expected samples of shape (1, 8, 8), or flat",
    ),
    "an object": (
        "/predict",
        b'{"inputs": {"0": [1]}}',
        JSON,
        422,
        "Input should be a valid array (inputs)",
    ),
    "objects": ("/predict", b'{"inputs": [{}]}', JSON, 422, "not all are numbers"),
    "number texts": ("/predict", flat(64, "1"), JSON, 422, "not all are numbers"),
    "huge": ("/predict", flat(64, 1e300), JSON, 422, "beyond float32 in input 0"),
    "huge integer": ("/predict", flat(64, 10**400), JSON, 422, "not all are numbers"),
    "endless integer": ("/predict", b'{"inputs": [' + b"9" * 9999, JSON, 422, "Invalid JSON"),
    "too deep": ("/predict", b'{"inputs": ' + b"[" * 99 + b"]" * 99 + b"}", JSON, 422, "shape"),
    "UTF-8 amiss": ("/predict", b'{"inputs": "\xff"}', JSON, 422, "Invalid JSON"),
    "two lines": (
        "/predict",
        b'{"inputs": [1], "a\\nb": 1}',
        JSON,
        422,
        "Extra inputs are not permitted (a\\nb)",
    ),
    "half a pair": ("/predict", b'{"inputs": [1], "\\ud800": 1}', JSON, 422, "Invalid JSON"),
    "long key": (
        "/predict",
        json.dumps({"inputs": [1], "x" * 9999: 1}).encode(),
        JSON,
        422,
        "Extra inputs are not permitted (xxx",
    ),
    "a table": ("/predict", b"1,2,3", "text/csv", 422, "or an image as image/png"),
    "a form": ("/predict", b"--x", "multipart/form-data; boundary=x", 422, "or an image"),
    "bytes": ("/predict", b"x", "application/octet-stream", 422, "Invalid JSON"),
    "JSON as image": ("/predict", b'{"inputs": [1]}', "image/png", 422, "not an image"),
    "SVG": ("/predict", b"<svg/>", "image/svg+xml", 422, "not an image; expected one of PNG"),
    "cut image": ("/predict", CUT, "image/png", 422, "an image that can't be read"),
    "clear image": ("/predict", CLEAR, "image/png", 422, "nothing to see in it"),
    "clear drawing": ("/draw", CLEAR, "image/png", 422, "nothing to see in it"),
    "no drawing in it": ("/draw", b"", "image/png", 422, "not an image; expected one of PNG"),
    "Arabic index": ("/sample?index=%D9%A3", None, JSON, 422, "valid integer"),
    "endless index": ("/sample?index=" + "9" * 5000, None, JSON, 422, "(query.index)"),
    "negative index": (
        "/sample?index=-1",
        None,
        JSON,
        422,
        "greater than or equal to 0 (query.index)",
    ),
    "a model": (
        "/predict",
        json.dumps({"inputs": [[0] * 64], "models": ["x"]}).encode(),
        JSON,
        422,
        "there is no model x here",
    ),
    "no image": ("/predict", b"x", "image/png", 422, "not an image"),
    "nothing": ("/predict", b"", "image/png", 422, "not an image; expected one of PNG"),
    "no drawing": ("/draw", b"{}", JSON, 422, "not an image"),
    "long": ("/predict", b" " * (MOST_BYTES + 1), JSON, 413, "longer than 16,000,000 bytes"),
    "index": ("/sample?index=999", None, JSON, 422, "expected 0 to 359"),
    "word": (
        "/sample?index=x",
        None,
        JSON,
        422,
        "valid integer, unable to parse string as an integer (query.index)",
    ),
    "path": ("/nope", None, JSON, 404, "Not Found: GET /nope; expected GET /"),
    "method": ("/predict", None, JSON, 405, "Method Not Allowed: GET /predict"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_told_in_one_line(url: str, name: str) -> None:
    path, body, kind, expected, said = BAD[name]
    status, content = ask(f"{url}{path}", body, kind)
    assert status == expected
    assert said in content["error"]
    assert content["error"].isprintable()
    assert len(content["error"]) < 400
    assert list(content) == ["error"]


def test_a_drawing_dark_on_light_is_inverted(url: str) -> None:
    drawing = Image.new("L", (200, 200))
    drawing.paste("white", (90, 20, 110, 180))
    _, light = ask(f"{url}/draw", png(drawing), "image/png")
    _, dark = ask(f"{url}/draw", png(ImageOps.invert(drawing)), "image/png")
    assert light["inputs"] == dark["inputs"]
    assert dark["done"] == ["inverted", "cut out, scaled and centred"]
    assert light["warnings"] == dark["warnings"] == []


@pytest.mark.parametrize("way", ["/predict", "/draw"])
def test_an_empty_image_is_answered_with_a_warning(url: str, way: str) -> None:
    _, content = ask(f"{url}{way}", png(Image.new("L", (8, 8))), "image/png")
    assert content["warnings"][0].startswith("numbers that are all 0; the network was trained on")


@pytest.mark.parametrize("kind", ["text/plain; charset=utf-8", "application/x-www-form-urlencoded"])
def test_json_is_read_as_curl_sends_it(url: str, kind: str) -> None:
    assert ask(f"{url}/predict", flat(64), kind)[0] == 200


def test_numbers_that_overflow_have_no_answer() -> None:
    served = Served(Predictor(make_saved(shape=(1, 5))), record())
    with pytest.raises(UserError, match="no finite answer"):
        served.answer(np.full((1, 1, 5), 3e38, dtype=np.float32))
