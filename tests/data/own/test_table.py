"""Tables of one's own: what becomes of each column, how rows are divided, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from sizewise.config import TableConfig
from sizewise.data import load
from sizewise.data.dataset import Dataset
from sizewise.data.own.table import look
from sizewise.data.spec import Column
from sizewise.errors import UserError
from tests.builders import whole

Save = Callable[..., TableConfig]
ROWS = 300
RANDOM = np.random.default_rng(0)
PLANS = np.array(["basic", "gold", "none at all"])[np.arange(ROWS) % 3]
CUSTOMERS = pd.DataFrame(
    {
        "id": [f"c{each:04d}" for each in range(ROWS)],
        "age": RANDOM.integers(18, 90, ROWS) + 0.5,
        "plan": PLANS,
        "spent": RANDOM.gamma(2.0, 300.0, ROWS).round(2),
        "churn": np.where(PLANS == "gold", "stays", "leaves"),
    }
)


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Return a function that writes a table and returns the config that names it."""

    def saved(
        table: pd.DataFrame | str | bytes, name: str = "customers.csv", **keys: Any
    ) -> TableConfig:
        path = tmp_path / name
        if isinstance(table, pd.DataFrame):
            table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path)
        else:
            path.write_bytes(table.encode() if isinstance(table, str) else table)
        given: dict[str, Any] = {
            "target": "churn",
            "drop": ["id"],
            "task": None,
            "group": None,
            "order_by": None,
        }
        given |= {"id": None, "time": None, "train_samples": None} | keys
        given = {"test_fraction": 0.25, "validation_fraction": 0.2} | given
        return TableConfig.model_validate(
            {"name": "table", "root": "data", "path": str(path)} | given
        )

    return saved


def raw(dataset: Dataset, split: str) -> np.ndarray:
    """Return a split's numbers before they were standardised, (N, C)."""
    mean, std = (np.array(each) for each in dataset.normalisation[:2])
    inputs: np.ndarray = whole(getattr(dataset, split)).inputs[..., 0].numpy() * std + mean
    return inputs


def test_numbers_are_standardised_by_training_and_texts_are_one_hot(save: Save) -> None:
    dataset = load(save(CUSTOMERS), seed=0)
    assert dataset.spec.name == "customers"
    assert dataset.spec.class_names == ("leaves", "stays")
    assert dataset.spec.input_shape == (5, 1)
    assert dataset.spec.kind == "row"
    train = whole(dataset.train)
    assert train.inputs[:, [0, 4], 0].mean(dim=0).numpy() == pytest.approx(0, abs=1e-5)
    assert train.inputs[:, [0, 4], 0].std(dim=0, correction=0).numpy() == pytest.approx(1, abs=1e-5)
    assert torch.equal(train.inputs[:, 1:4, 0].sum(dim=1), torch.ones(len(train.inputs)))
    assert torch.equal(train.inputs[:, 2, 0], train.targets.float())  # gold
    assert sum(map(len, (dataset.train, dataset.validation, dataset.test))) == ROWS
    assert 50 < len(dataset.test) < 100


def test_a_missing_number_is_the_mean_and_a_flag_and_a_missing_text_no_category(save: Save) -> None:
    table = CUSTOMERS.copy()
    table.loc[::3, "age"] = np.nan
    table.loc[1::4, "plan"] = None
    dataset = load(save(table), seed=0)
    age, plan, spent = dataset.spec.table.columns if dataset.spec.table else ()
    assert (age.flagged, plan.flagged, spent.flagged) == (True, True, False)
    rows = raw(dataset, "train")
    flags = rows[:, 1] == 1
    assert 0.2 < flags.mean() < 0.5
    assert rows[flags, 0] == pytest.approx(age.mean, rel=1e-4)
    assert (rows[:, 2:5].sum(axis=1) == 1 - rows[:, 5]).all()


def test_constant_and_empty_columns_are_left_out_and_said(save: Save) -> None:
    table = CUSTOMERS.assign(country="CH", note=np.nan, year=2026)
    lines = look(save(table)).lines
    assert "left out: id (data.drop), country (constant), note (empty), year (constant)" in lines
    assert "standardised: age, spent" in lines
    assert "one number for each category: plan (3)" in lines


def test_rows_that_are_added_move_none_and_parquet_is_read_as_csv_is(save: Save) -> None:
    before = load(save(CUSTOMERS[:200]), seed=0)
    after = load(save(CUSTOMERS), seed=1)
    spent = {round(float(row[4]), 2) for row in raw(before, "test")}
    assert spent <= {round(float(row[4]), 2) for row in raw(after, "test")}
    parquet = load(save(CUSTOMERS, "customers.parquet"), seed=1)
    assert parquet.fingerprint == after.fingerprint


def test_a_group_is_on_one_side_of_each_split(save: Save) -> None:
    table = CUSTOMERS.assign(device=np.arange(ROWS) % 20)
    table["where"] = table.device.astype(float)  # to see the group
    for seed in (0, 1):
        dataset = load(save(table, group="device"), seed)
        sides = [set(raw(dataset, each)[:, 5].round()) for each in ("train", "validation", "test")]
        assert sum(map(len, sides)) == 20
        assert all(sides)


@pytest.mark.parametrize("as_date", [False, True])
def test_time_puts_the_last_rows_in_test_and_those_before_in_validation(
    save: Save, as_date: bool
) -> None:
    table = CUSTOMERS.assign(day=np.arange(ROWS) // 2, lag=np.arange(ROWS) * 3.0)
    if as_date:
        table["day"] = (pd.Timestamp("2026-01-01") + pd.to_timedelta(table.day, "D")).astype(str)
    dataset = load(save(table.sample(frac=1, random_state=0), order_by="day"), seed=3)
    train, validation, test = (
        raw(dataset, each)[:, 5] / 3 for each in ("train", "validation", "test")
    )
    assert (len(train), len(validation), len(test)) == (178, 46, 76)
    assert train.max() < validation.min() < validation.max() < test.min()


def test_many_numbers_are_told_and_few_are_classes(save: Save) -> None:
    dataset = load(save(CUSTOMERS, target="spent"), seed=0)
    spec = dataset.spec
    assert (spec.task, spec.outputs, spec.class_names) == ("regress", 1, ())
    assert spec.table is not None
    targets = whole(dataset.test).targets.numpy()
    spent = targets[:, 0] * targets[:, 1] + spec.table.mean
    assert set(np.round(spent, 2)) <= set(CUSTOMERS.spent.astype(np.float32).round(2))
    assert whole(dataset.train).targets[:, 0].std().item() == pytest.approx(1, abs=0.1)
    table = CUSTOMERS.assign(stars=np.arange(ROWS) % 5 + 8)
    assert load(save(table, target="stars"), seed=0).spec.class_names == tuple(
        ["8", "9", "10", "11", "12"]
    )
    assert load(save(table, target="stars", task="regress"), seed=0).spec.outputs == 1
    many = save(CUSTOMERS.assign(churn=np.arange(ROWS) % 30), task="classify")
    assert load(many, seed=0).spec.num_classes == 30


def test_long_form_makes_sequences_in_the_order_of_time(save: Save) -> None:
    steps, count = 6, 60
    table = pd.DataFrame(
        {
            "device": np.repeat(np.arange(count), steps),
            "hour": np.tile(np.arange(steps), count),
            "level": np.tile(np.arange(steps), count) + 100.0 * np.repeat(np.arange(count), steps),
            "mode": np.tile(["on", "off"], count * steps // 2),
            "label": np.repeat(np.where(np.arange(count) % 2, "odd", "even"), steps),
        }
    ).sample(frac=1, random_state=0)
    dataset = load(save(table, target="label", id="device", time="hour", drop=[]), seed=0)
    assert (dataset.spec.kind, dataset.spec.input_shape) == ("sequence", (3, steps))
    batch, normal = whole(dataset.train), dataset.normalisation
    level = batch.inputs[:, 0].numpy() * normal.std[0] + normal.mean[0]
    assert np.diff(level, axis=1) == pytest.approx(1, abs=0.01)
    assert ((level[:, 0] / 100).round() % 2 == batch.targets.numpy()).all()
    assert torch.equal(batch.inputs[0, 2], torch.tensor([1.0, 0.0] * 3))  # on


def test_ids_with_several_numbers_of_rows_make_sequences_of_unequal_length(save: Save) -> None:
    counts = np.arange(60) % 5 + 2
    table = pd.DataFrame(
        {
            "device": np.repeat(np.arange(60), counts),
            "hour": np.concatenate([np.arange(count) for count in counts]),
            "level": 100.0 * np.repeat(counts, counts),
            "far": np.repeat(np.arange(60) * 1.0, counts),
            "label": np.repeat(np.where(np.arange(60) % 2, "odd", "even"), counts),
        }
    ).sample(frac=1, random_state=0)
    keys = {"target": "label", "id": "device", "time": "hour", "drop": []}
    found = look(save(table, **keys))
    assert "60 samples of 2 to 6 steps" in found.lines[0]
    dataset = found.arrays.divide(save(table, **keys), seed=0)
    assert dataset.spec.unequal
    assert dataset.spec.input_shape == (2, 6)
    batch, normal = whole(dataset.train), dataset.normalisation
    assert batch.lengths is not None
    level = batch.inputs[:, 0].numpy() * normal.std[0] + normal.mean[0]
    for steps, length in zip(level, batch.lengths.numpy(), strict=True):
        assert steps[:length] == pytest.approx(100 * length, rel=1e-4)
    told = load(save(table, **keys | {"target": "far", "task": "regress"}), seed=0)
    assert (told.spec.unequal, told.spec.task) == (True, "regress")


def test_a_table_as_spreadsheets_write_it_is_read_as_it_is_meant(save: Save) -> None:
    table = CUSTOMERS.assign(plan=CUSTOMERS.plan.str.replace("none at all", "Café"))
    plain = look(save(table)).arrays
    text = table.to_csv(index=False, sep=";", decimal=",", lineterminator="\r\n")
    found = look(save(text.replace("\r\n", ";\r\n").encode("latin-1")))
    assert np.array_equal(found.arrays.train_inputs, plain.train_inputs)
    assert found.arrays.told["table"].columns[1].categories == ("Café", "basic", "gold")
    assert found.lines[:3] == (
        *("not in UTF-8, read as Latin-1 (Windows-1252)", "separated by semicolons"),
        "with decimal commas",
    )
    tabs = table.to_csv(sep="\t")  # with pandas's index
    assert np.array_equal(look(save(tabs)).arrays.train_inputs, plain.train_inputs)
    spaced = table.to_csv(index=False).replace(",", " , ")
    columns = look(save(spaced.replace("churn ", "churn"))).arrays.told["table"].columns
    assert columns == plain.told["table"].columns


def changed(**columns: Any) -> pd.DataFrame:
    return CUSTOMERS.assign(**columns)


def with_value(name: str, value: Any) -> pd.DataFrame:
    table = CUSTOMERS.astype({name: object})
    table.loc[7, name] = value
    return table


EXACT = CUSTOMERS.to_csv(index=False)
WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no target": (CUSTOMERS, {"target": None}, "data.target is missing: expected one of the colum"),
    "its near miss": (CUSTOMERS, {"target": "chrun"}, "chrun is no column: did you mean churn?"),
    "drop's near miss": (CUSTOMERS, {"drop": ["idd"]}, "data.drop=idd is no column: did you mean"),
    "one class": (changed(churn="no"), {}, "holds one class, no: expected samples of two classes"),
    "no target anywhere": (changed(churn=np.nan), {}, "column churn is empty"),
    "mixed": (with_value("age", "old"), {}, "age holds numbers, but for 1 of 300 values, as 'old'"),
    "thousands": (
        changed(spent=CUSTOMERS.spent.map(lambda each: f"{1000 + each:,.0f}")),
        {}, "spent holds numbers, but for 300 of 300",
    ),
    "a name twice": ("a,b,a,churn\n1,2,3,x\n1,2,4,y\n", {"drop": []}, "several columns a"),
    "nothing": ("", {}, r"is empty \(0 bytes\)"),
    "blank lines": ("\n\n \n", {}, "has no lines with anything in them"),
    "names alone": ("age,churn\n", {"drop": []}, "has names and no rows"),
    "no names": ("1,2\n3,4\n5,6\n", {}, "begins with numbers: expected the columns' names"),
    "empty names": (",,\n3,4,5\n", {}, "begins with empty cells: expected the columns' names"),
    "one column": ("churn\na\nb\n", {}, "has one column"),
    "long lines": (EXACT + "c9,1,gold,3,stays,5,6\n", {}, "can't be read as a table of 5 columns"),
    "dates": (changed(since="2026-02-03"), {}, "column since holds dates: make numbers of them"),
    "other dates": (changed(since="3.2.2026 10:15"), {}, "column since holds dates"),
    "ids": (CUSTOMERS, {"drop": []}, r"id holds \d+ different texts in \d+ rows.*data.drop=\[id\]"),
    "counts": (changed(n=np.arange(ROWS)), {}, r"n counts the rows: data.drop=\[n\]"),
    "infinities": (with_value("age", np.inf), {}, "age holds 1 infinities"),
    "beyond float32": (with_value("age", 1e39), {}, "or numbers beyond float32"),
    "a blank name": (EXACT.replace("plan", "", 1), {}, "column 3 of .* has no name"),
    "a binary": (b"\x89PNG\0\0\0,\n\0", {}, "zero bytes"),
    "nothing to learn from": (CUSTOMERS, {"drop": ["id", "age", "plan", "spent"]}, "no column to "),
    "words to tell": (CUSTOMERS, {"task": "regress"}, "needs numbers, and churn holds texts"),
    "one number": (changed(churn=5), {"task": "regress"}, "churn is 5 in all rows"),
    "one group": (changed(g="a"), {"group": "g", "test_fraction": 0.1}, "the test split|one|every"),
    "group missing": (with_value("plan", None), {"group": "plan"}, "plan is missing in 1 rows"),
    "group and time": (CUSTOMERS, {"group": "plan", "order_by": "age"}, "expected one"),
    "order of words": (CUSTOMERS, {"order_by": "plan"}, "can't be put in order"),
    "id without time": (CUSTOMERS, {"id": "id"}, "data.id and data.time go together"),
    "a step twice": (changed(age=3), {"id": "plan", "time": "age"}, "a sequence has a step twice"),
    "targets in one": (
        changed(t=np.arange(ROWS), churn=np.arange(ROWS) % 2),
        {"id": "plan", "time": "t"}, "churn changes within a sequence",
    ),
    "a new class late": (
        changed(t=np.arange(ROWS), churn=np.where(np.arange(ROWS) > 290, "new", CUSTOMERS.churn)),
        {"order_by": "t"}, "new is in the test split alone",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_a_line(save: Save, case: str) -> None:
    table, keys, words = WRONG[case]
    with pytest.raises(UserError, match=words) as caught:
        load(save(table, **keys), seed=0)
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(save: Save, tmp_path: Path) -> None:
    config = save(CUSTOMERS)
    for name, words in (
        *(("none.csv", "there is no file"), ("customers.xlsx", "expected .csv or .parquet")),
        ("fake.parquet", "can't be read as Parquet"),
    ):
        (tmp_path / "fake.parquet").write_text("churn,age\n")
        with pytest.raises(UserError, match=words) as caught:
            load(config.model_copy(update={"path": str(tmp_path / name)}), seed=0)
        assert "\n" not in str(caught.value)


def test_awkward_columns_are_read_right(save: Save) -> None:
    table = changed(
        active=np.arange(ROWS) % 2 == 0,
        maybe=np.where(np.arange(ROWS) % 5 == 0, None, (np.arange(ROWS) % 3 == 0).astype(object)),
        shop=[f"shop {each % 140}" for each in range(ROWS)],
        text=[f" {each / 7:.3f} " for each in range(ROWS)],
    )
    table.loc[::10, "churn"] = None
    found = look(save(table))
    learnt = {each.name: each for each in found.arrays.told["table"].columns}
    assert learnt["active"] == Column("active", mean=learnt["active"].mean)
    assert 0.4 < learnt["active"].mean < 0.6
    assert (learnt["maybe"].categories, learnt["maybe"].flagged) == ((), True)
    assert 100 < len(learnt["shop"].categories) <= 140
    assert learnt["text"].mean == pytest.approx(ROWS / 14, rel=0.1)
    assert "30 rows without churn left out" in found.lines


def test_two_thousand_categories_are_two_thousand_numbers(save: Save) -> None:
    rows = 6000
    table = pd.DataFrame(
        {
            "city": [f"city {each % 2000}" for each in range(rows)],
            "size": np.random.default_rng(0).random(rows),
            "churn": np.arange(rows) % 2,
        }
    )
    found = look(save(table, drop=[])).arrays
    city = found.told["table"].columns[0]
    assert 1900 < len(city.categories) <= 2000
    seen = np.isin([f"city {each}" for each in range(2000)], city.categories).sum()
    assert seen == len(city.categories)
    assert found.train_inputs[:, :-1].sum() == len(found.train_inputs)
