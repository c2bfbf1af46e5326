"""Networks of tables over HTTP and on the page: rows by columns' names, answers in their words."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sizewise.config import TableConfig
from sizewise.data import load
from sizewise.models import Architecture, build
from sizewise.serve.models import Shelf
from sizewise.training.checkpoint import SavedModel
from tests.predict.test_tables import CUSTOMERS, FRACTIONS, NONE
from tests.report.test_page import CHROMIUM
from tests.report.test_page import browser as browser
from tests.serve.conftest import serve, serving
from tests.serve.test_app import ask, survey
from tests.serve.test_page import opened, wait_until

CSV = "text/csv"
NEW = b"plan;spent;note;age;churn\ngold;100,5;x;40;stays\nplatinum;100,5;x;40;stays\n"


def shelf_of(folder: Path, target: str) -> Shelf:
    """Return two untrained networks."""
    CUSTOMERS.to_csv(folder / f"{target}.csv", index=False)
    given = {"name": "table", "root": "data", "path": str(folder / f"{target}.csv")}
    own = {"target": target, "drop": ["id"]}
    config = TableConfig.model_validate(given | NONE | FRACTIONS | own)
    dataset = load(config, seed=0)
    saved = []
    for width in (2, 6):
        torch.manual_seed(width)
        architecture = Architecture("mlp", width, 1)
        weights = build(dataset.spec, architecture).state_dict()
        saved.append(SavedModel(dataset.spec, dataset.normalisation, architecture, weights))
    return Shelf([serve(each) for each in saved], config)


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return shelf_of(tmp_path_factory.mktemp("classes"), "churn")


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shelf, str]]:
    shelf = shelf_of(tmp_path_factory.mktemp("numbers"), "spent")
    with serving(shelf) as url:
        yield shelf, url


def test_a_table_is_answered_row_by_row_in_class_names(classes: Shelf) -> None:
    with serving(classes) as url:
        _, about = ask(f"{url}/models")
        status, content = ask(f"{url}/predict", NEW, CSV)
        _, sample = ask(f"{url}/sample?index=3")
    assert (about["kind"], about["table"]["target"]) == ("table", "churn")
    assert [each["name"] for each in about["table"]["columns"]] == ["age", "plan", "spent"]
    assert status == 200
    assert content["names"] == ["row 1", "row 2"]
    assert "row 2: plan is 'platinum', which training lacks" in content["done"]
    for answer, served in zip(content["answers"], classes.served, strict=True):
        shares = served.predictor.predict(
            CUSTOMERS[:1].assign(plan="gold", spent=100.5, age=40.0, churn=None)
        )
        assert answer["predictions"][0]["probabilities"] == pytest.approx(shares[0], abs=1e-6)
        assert answer["predictions"][0]["label"] in ("stays", "leaves")
    assert sample["row"].keys() == {"age", "plan", "spent"}
    row = CUSTOMERS.assign(spent=CUSTOMERS.spent.map("{:.7g}".format))
    assert sample["row"]["spent"] in set(row.spent)


def test_numbers_are_answered_and_surveyed_in_the_targets_unit(
    numbers: tuple[Shelf, str],
) -> None:
    shelf, url = numbers
    _, content = ask(f"{url}/predict", NEW, CSV)
    for answer in content["answers"]:
        assert [list(each) for each in answer["predictions"]] == [["value"], ["value"]]
        assert 100 < answer["predictions"][0]["value"] < 2000
    _, found = survey(url)
    arrays, form = shelf._arrays, shelf.spec.table
    assert form is not None
    truth = arrays.test_targets[:, 0] * form.std + form.mean
    told = [each.predictor.predict(arrays.test_inputs)[:, 0] for each in shelf.served]
    errors = [np.abs(each - truth).mean() for each in told]
    assert found["errors"] == pytest.approx(errors, rel=1e-5)
    _, sample = ask(f"{url}/sample?index=0")
    assert float(sample["label"]) == pytest.approx(truth[0], rel=1e-4)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"plan,spent\ngold,1\n", "no column age"),
        (b"plan,age,churn\ngold,old,stays\n", "row 1: age is 'old': expected a number"),
        (b"plan,age\n", "the table has names and no rows"),
        (b"", r"the table is empty \(0 bytes\)"),
        (b"plan,age,churn\n" + b"gold,4,stays\n" * 1001, "1,001 samples; expected at most 1,000"),
    ],
)
def test_tables_that_cannot_be_read_are_refused_in_a_line(
    numbers: tuple[Shelf, str], body: bytes, words: str
) -> None:
    status, content = ask(f"{numbers[1]}/predict", body, CSV)
    assert status == 422
    assert re.search(words, content["error"])


@pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")
def test_the_page_has_a_field_for_each_column_and_takes_a_table(
    browser: Any, numbers: tuple[Shelf, str]
) -> None:
    with opened(browser, numbers[1]) as page:
        assert page.locator("#fields label").all_inner_texts() == ["age", "plan", "churn"]
        wait_until(page, "at('verdict').textContent.includes('say')")
        before = page.locator("#verdict").inner_text()
        page.locator("#fields select[name=plan]").select_option("gold")
        page.locator("#fields input[name=age]").fill("33.5")
        wait_until(page, f"!at('verdict').innerText.includes({before!r})")
        page.locator("#numbers").fill("plan,age,churn\ngold,33.5,leaves\nbasic,50,stays")
        wait_until(page, "!at('rows').hidden")
        rows = page.locator("#rows tr").all_inner_texts()
        assert [row.split("\t")[0].split(" (")[0] for row in rows[1:]] == ["row 1", "row 2"]
        page.locator("article .why").first.click()
        page.wait_for_selector("figure.map .bars")
        told = page.locator("figure.map").first.locator("b").all_inner_texts()
        assert sorted(told)[:2] == ["age", "churn=leaves"]
        # the page asks again when the test set has been tried, which may be while it explains
        page.evaluate("() => { forgetMaps(); explain(); again(); }")
        page.wait_for_selector("figure.map .bars")
        page.locator("#sample").click()
        wait_until(page, "at('verdict').textContent.includes('in the table')")
        assert page.locator("article .error").all_inner_texts()[0][-1] != "%"
