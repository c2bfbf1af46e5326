"""Tables as people have them: each ends in one clear line or in a right result."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sizewise.data import load
from sizewise.data.dataset import Dataset
from sizewise.data.own.table import look
from sizewise.errors import UserError
from tests.data.own.test_table import CUSTOMERS, ROWS, Save
from tests.data.own.test_table import save as save

PLAIN = CUSTOMERS.to_csv(index=False)
LINES = PLAIN.splitlines()
REST: dict[str, Any] = {"drop": []}


def edited(row: int, line: str) -> str:
    return "\n".join([*LINES[: row + 1], line, *LINES[row + 1 :]])


def parquet(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    return table, "customers.parquet"


def some(**columns: Any) -> pd.DataFrame:
    return CUSTOMERS.assign(**columns)


LISTS = some(tags=[["a", "b"]] * ROWS)
STRUCTS = some(place=[{"x": 1.0}] * ROWS)
HUGE = some(churn=[2**60 + each % 3 for each in range(ROWS)])
COUNT = np.arange(ROWS)
WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    "a short line": (edited(3, "c9,1,gold"), {}, "3 values in row 4: expected 5, as the line of"),
    "a cut file": (PLAIN[:-12], {}, r"has \d values in row \d+: expected 5"),
    "a long line": (edited(3, "c9,1,gold,3,stays,5"), {}, "can't be read as a table of 5 columns"),
    "an open quote": (edited(3, 'c9,1,"gold,3,stays'), {}, "row|read as a table"),
    "one row": ("age,churn\n3,no\n", REST, "no column to learn churn from, beside age .const"),
    "a class for each row": (some(churn=[f"n{each}" for each in COUNT]), {}, "test split"),
    "the target is a group": (CUSTOMERS, {"group": "churn"}, "data.group are one column: expected"),
    "lists": (parquet(LISTS), {}, "column tags holds lists: expected a number or a text"),
    "structs": (parquet(STRUCTS), {}, "column place holds lists"),
    "dates of Parquet": (parquet(some(day=pd.Timestamp("2026-01-01"))), {}, "day holds dates"),
    "a target of dates": (some(churn="2026-01-02"), {}, "churn holds dates.*data.task=classify"),
    "infinities as texts": (some(age=["inf", *"1" * (ROWS - 1)]), {}, "age holds 1 infinities"),
    "huge classes": (HUGE, {}, "numbers of 2.53 or more, which can't be told"),
    "spaces for commas": (PLAIN.replace(",", " "), {}, "has one column: expected several"),
    "a page": ("<html><body>\n<p>sorry</p>\n</body></html>\n", {}, "has one column"),
    "a name for each column but one": (PLAIN.replace("age", "", 1), {}, "column 2 of .* has no "),
    "numbers that float32 takes for one": (
        some(age=[2**60 + each**2 for each in COUNT]), {}, "see in steps of .*: take a number near",
    ),
    "moments in seconds": (
        some(age=[1_760_000_000 + each * 7 % 31 for each in COUNT]), {}, "in steps of 128: take",
    ),
    "a name in two lines": (
        PLAIN.replace("age", '"age\nin years"', 1), {}, "has a name with a line break in it",
    ),
    "all of one column": (some(age=np.nan, spent=1, plan="x"), {}, "no column to learn churn from"),
    "a number among words": (
        some(churn=["7" if each % 20 else "seven" for each in COUNT]), {},
        "churn holds numbers, but for 15 of 300",
    ),
    "2,000 columns, none of them it": (
        pd.DataFrame(np.zeros((3, 2000)), columns=[f"c{each}" for each in range(2000)]), REST,
        "data.target=churn is no column.* and 1,950 more",
    ),
}  # fmt: skip


def config_of(save: Save, table: Any, keys: dict[str, Any]) -> Any:
    return save(*(table if isinstance(table, tuple) else (table,)), **keys)


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_learnt_from_is_said_in_a_line(
    save: Save, tmp_path: Path, case: str
) -> None:
    table, keys, words = WRONG[case]
    config = config_of(save, table, keys)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UserError, match=words) as caught:
        load(config, seed=0)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_folders_and_packed_tables_are_refused(save: Save, tmp_path: Path) -> None:
    config = save(CUSTOMERS)
    (tmp_path / "months.csv").mkdir()
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(PLAIN.encode()))
    for name, words in (
        ("months.csv", "months.csv is a folder: expected a .csv or .parquet file"),
        ("rows.csv.gz", "is not a kind of table that is read: expected .csv or .parquet"),
    ):
        with pytest.raises(UserError, match=words):
            load(config.model_copy(update={"path": str(tmp_path / name)}), seed=0)


def columns(dataset: Dataset) -> list[str]:
    return [each.name for each in dataset.spec.table.columns] if dataset.spec.table else []


def categories(dataset: Dataset, name: str) -> tuple[str, ...]:
    table = dataset.spec.table
    return next(each.categories for each in table.columns if each.name == name) if table else ()


QUOTED = some(plan=np.array(['a "b", c', "two\nlines", "x; y"])[COUNT % 3])
RIGHT: dict[str, tuple[Any, dict[str, Any], Callable[[Dataset], bool]]] = {
    "a mark of UTF-8": (
        "\ufeff" + PLAIN.replace("id", "Id", 1), {"drop": ["Id"]},
        lambda made: columns(made) == ["age", "plan", "spent"],
    ),
    "UTF-16": (PLAIN.encode("utf-16"), {}, lambda made: len(made.test) > 40),
    "quotes, commas and newlines": (
        QUOTED, {}, lambda made: categories(made, "plan") == ('a "b", c', "two\nlines", "x; y"),
    ),
    "blank lines within": (
        PLAIN.replace("\n", "\n\n"), {},
        lambda made: sum(map(len, (made.train, made.validation, made.test))) == ROWS,
    ),
    "true and false": (
        some(churn=COUNT % 2 == 0), {}, lambda made: made.spec.class_names == ("False", "True"),
    ),
    "true and false of Parquet": (
        parquet(some(churn=COUNT % 2 == 0)), {},
        lambda made: made.spec.class_names == ("False", "True"),
    ),
    "commas and a value missing": (
        CUSTOMERS.assign(age=CUSTOMERS.age.where(COUNT % 7 > 0)).to_csv(
            index=False, sep=";", decimal=","
        ), {}, lambda made: bool(made.spec.table and made.spec.table.columns[0].flagged),
    ),
    "huge whole numbers": (
        some(age=[2**60 + each * 2**50 for each in COUNT]), {},
        lambda made: bool(made.train.batch(slice(0, 9)).inputs.isfinite().all()),
    ),
    "2,000 classes": (
        pd.DataFrame({"a": np.arange(8000) % 97, "b": np.arange(8000) % 89,
                      "churn": [f"c{each % 2000}" for each in range(8000)]}), REST,
        lambda made: made.spec.num_classes == 2000,
    ),
    "names in other alphabets": (
        some(**{"größe": COUNT % 7, "年": COUNT % 5}), {},
        lambda made: columns(made)[-2:] == ["größe", "年"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_odd_is_read_as_it_is_meant(save: Save, tmp_path: Path, case: str) -> None:
    table, keys, holds = RIGHT[case]
    config = config_of(save, table, keys)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert holds(load(config, seed=0))
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert all("\n" not in line for line in look(config).lines)
