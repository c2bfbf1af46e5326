"""New rows for networks that were trained on a table: by columns' names, in the target's words."""

import csv
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from sizewise.config import TableConfig
from sizewise.data import load
from sizewise.data.files.conform import form_of
from sizewise.data.files.reader import Sample, read
from sizewise.data.own.named import PIECE
from sizewise.data.own.table import look
from sizewise.errors import UserError
from sizewise.models import Architecture, build
from sizewise.predict import Predictor
from sizewise.predict.stream import Counts, predict_files
from sizewise.training.checkpoint import SavedModel, load_model, save_model
from tests.builders import make_saved

ROWS = 200
RANDOM = np.random.default_rng(0)
CUSTOMERS = pd.DataFrame(
    {
        "id": [f"c{each}" for each in range(ROWS)],
        "age": RANDOM.integers(18, 90, ROWS) + 0.5,
        "plan": np.array(["basic", "gold", "Café"])[np.arange(ROWS) % 3],
        "spent": RANDOM.gamma(2.0, 300.0, ROWS).round(2),
        "churn": np.where(np.arange(ROWS) % 3 == 1, "stays", "leaves"),
    }
)
CUSTOMERS.loc[::9, "age"] = np.nan
NONE = dict.fromkeys(("task", "group", "order_by", "id", "time", "train_samples"))
FRACTIONS = {"test_fraction": 0.25, "validation_fraction": 0.2}
Train = Callable[..., Predictor]


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Train:
    """Return what makes an untrained network for a table, as it comes out of its file."""
    folder = tmp_path_factory.mktemp("trained")

    def made(table: pd.DataFrame, family: str = "mlp", **keys: Any) -> Predictor:
        path = folder / "customers.csv"
        table.to_csv(path, index=False)
        given = {"name": "table", "root": "data", "path": str(path), "drop": []}
        config = TableConfig.model_validate(given | NONE | FRACTIONS | keys)
        dataset = load(config, seed=0)
        architecture = Architecture(family, 4, 2 if family == "mlp" else 1)
        torch.manual_seed(0)
        weights = build(dataset.spec, architecture).state_dict()
        saved = SavedModel(dataset.spec, dataset.normalisation, architecture, weights)
        save_model(folder / "model.pt", saved)
        return Predictor(load_model(folder / "model.pt"))

    return made


@pytest.fixture(scope="module")
def classes(train: Train) -> Predictor:
    return train(CUSTOMERS, target="churn", drop=["id"])


@pytest.fixture(scope="module")
def numbers(train: Train) -> Predictor:
    return train(CUSTOMERS, target="spent", drop=["id"])


def answered(predictor: Predictor, *paths: Path) -> tuple[Counts, list[dict[str, str]]]:
    output = paths[0].parent / "out.csv"
    outcome = predict_files(predictor, list(paths), output, overwrite=True)
    with output.open(newline="", encoding="utf-8") as file:
        return outcome, list(csv.DictReader(file))


def test_rows_are_read_as_training_read_them(train: Train, tmp_path: Path) -> None:
    keys = {"target": "churn", "drop": ["id"]}
    predictor = train(CUSTOMERS, **keys)
    CUSTOMERS.to_csv(tmp_path / "same.csv", index=False)
    given = {"name": "table", "root": "data", "path": str(tmp_path / "same.csv")}
    arrays = look(TableConfig.model_validate(given | NONE | FRACTIONS | keys)).arrays
    known = np.concatenate([arrays.train_inputs, arrays.test_inputs])
    table = CUSTOMERS.drop(columns="churn")[["plan", "id", "spent", "age"]]
    found = predictor.read_table(table)
    known, found = (each[np.argsort(each[:, -1, 0])] for each in (known, found))
    assert np.array_equal(known, found)


@pytest.mark.parametrize("form", ["csv", "semicolons", "parquet", "without target"])
def test_classes_are_told_by_their_names(classes: Predictor, tmp_path: Path, form: str) -> None:
    table = CUSTOMERS.sample(frac=1, axis=1, random_state=1)
    path = tmp_path / ("more.parquet" if form == "parquet" else "more.csv")
    if form == "parquet":
        table.to_parquet(path)
    elif form == "semicolons":
        path.write_bytes(table.to_csv(index=False, sep=";", decimal=",").encode("latin-1"))
    else:
        table.drop(columns="churn" if form == "without target" else []).to_csv(path, index=False)
    outcome, rows = answered(classes, path)
    shares = classes.predict(CUSTOMERS)
    names = np.array(classes.spec.class_names)
    assert (outcome.predicted, outcome.failed, outcome.adapted) == (ROWS, 0, {})
    assert [row["label"] for row in rows] == names[shares.argmax(axis=1)].tolist()
    assert [float(row["probability"]) for row in rows] == pytest.approx(shares.max(1), abs=1e-5)
    assert rows[6]["input"] == f"{path}, row 7"


def test_numbers_are_told_in_the_targets_unit(
    numbers: Predictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    CUSTOMERS.to_csv(tmp_path / "more.csv", index=False)
    _, rows = answered(numbers, tmp_path / "more.csv")
    assert list(rows[0]) == ["input", "value", "done", "warning"]
    values = np.array([float(row["value"]) for row in rows])
    form = numbers.spec.table
    assert form is not None
    outputs = numbers.logits(numbers.read_table(CUSTOMERS)).numpy()[:, 0]
    assert values == pytest.approx(outputs * form.std + form.mean, rel=1e-5)
    predict_files(numbers, [tmp_path / "more.csv"], None)
    assert capsys.readouterr().out.splitlines()[1].endswith(f"more.csv, row 2  {values[1]:.6g}")


def test_what_a_row_has_that_training_had_not_is_said(
    classes: Predictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ("plan,age,spent,note", "gold,,,", "platinum,40,100,x", "basic,old,1,", "basic,250,1,")
    (tmp_path / "more.csv").write_text("\n".join(lines))
    outcome, rows = answered(classes, tmp_path / "more.csv")
    said = capsys.readouterr().err
    assert [row["done"] for row in rows] == [
        "spent missing, the mean taken",  # of age training lacked some too
        "plan is 'platinum', which training lacks",
        "",
    ]
    assert [row["warning"] for row in rows] == ["", "", "unlike the training data"]
    assert (outcome.predicted, outcome.failed) == (3, 1)
    assert "more.csv: columns that are not read: note" in said
    assert "more.csv, row 3: age is 'old': expected a number" in said
    assert "1 of 3: age is 250, in training 18.5 to 89.5" in said
    plain = pd.DataFrame({"plan": ["gold"], "age": [None], "spent": [None]})
    filled = plain.assign(spent=classes.spec.table.columns[2].mean if classes.spec.table else 0)
    assert np.array_equal(classes.predict(plain), classes.predict(filled))
    outcome = predict_files(classes, [tmp_path / "more.csv"], None, strict=True)
    assert (outcome.predicted, outcome.failed) == (2, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plan,Age,spent\ngold,4,5\n", r"no column age: did you mean Age\?"),
        ("plan;age\ngold;4\n", "no column spent: there are: age, plan"),
        ("plan,age,spent\n", "has names and no rows"),
        ("1,2,3\n4,5,6\n", "begins with numbers"),
        (",,\n4,5,6\n", "begins with empty cells"),
        ("", "the file is empty"),
        ("plan,age,spent\ngold,1\ngold,1,2\n", "has 2 values in row 1: expected 3"),
    ],
)
def test_files_that_cannot_be_read_are_said_in_a_line(
    classes: Predictor,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    words: str,
) -> None:
    (tmp_path / "more.csv").write_text(text)
    (tmp_path / "picture.png").write_text("x")
    outcome = predict_files(classes, [tmp_path / "more.csv", tmp_path / "picture.png"], None)
    assert (outcome.predicted, outcome.failed) == (0, 2)
    first, second = capsys.readouterr().err.splitlines()
    assert re.search(words, first)
    assert "expected .csv or .parquet" in second


def repeated(count: int, path: Path) -> Path:
    """Write so many rows to a file, and return its path."""
    table = pd.concat([CUSTOMERS] * (count // ROWS + 1), ignore_index=True)[:count]
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.set_index("id").to_parquet(path, row_group_size=PIECE * 7 // 10)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rows_count_on_over_the_pieces_of_a_table(
    classes: Predictor, tmp_path: Path, suffix: str
) -> None:
    count = 2 * PIECE + 100
    path = repeated(count, tmp_path / f"more{suffix}")
    outcome, rows = answered(classes, path)
    assert (outcome.predicted, outcome.failed, outcome.expected) == (count, 0, count)
    assert [row["input"] for row in rows] == [f"{path}, row {each + 1}" for each in range(count)]
    labels = np.array(classes.spec.class_names)[classes.predict(CUSTOMERS).argmax(axis=1)]
    assert [row["label"] for row in rows] == [labels[each % ROWS] for each in range(count)]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_tables_first_rows_are_answered_before_its_last_are_read(
    classes: Predictor, tmp_path: Path, suffix: str
) -> None:
    count = 60 * PIECE
    path = repeated(count, tmp_path / f"more{suffix}")
    found = read([path], form_of(classes.spec, classes.normalisation))
    first = next(each for each in found if isinstance(each, Sample))
    assert first.place.number == 1
    os.truncate(path, path.stat().st_size // 100)  # what follows can't come from memory
    assert sum(isinstance(each, Sample) for each in found) < count // 2


@pytest.mark.parametrize("line", ["gold,1", "gold,1,2,3"])
def test_a_line_of_another_length_fails_the_file_before_a_row_is_answered(
    classes: Predictor, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    lines = ["plan,age,spent", *["gold,40,12"] * (PIECE + 5), line]
    (tmp_path / "more.csv").write_text("\n".join(lines))
    outcome = predict_files(classes, [tmp_path / "more.csv"], None)
    assert (outcome.predicted, outcome.failed) == (0, 1)
    out, err = capsys.readouterr()
    assert not out
    assert f"it has {line.count(',') + 1} values in row {PIECE + 6}: expected 3" in err


def test_columns_without_names_are_left_out(
    classes: Predictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    CUSTOMERS.drop(columns=["id", "churn"]).to_csv(tmp_path / "more.csv")  # with an index
    outcome, _ = answered(classes, tmp_path / "more.csv")
    assert (outcome.predicted, outcome.failed) == (ROWS, 0)
    assert "the column without a name, an index, left out\n" in capsys.readouterr().err


def test_a_line_of_names_that_is_too_short_shifts_no_column(
    classes: Predictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = "plan,age,spent", "0.5,gold,40,12", "1.5,basic,20,31"
    (tmp_path / "more.csv").write_text("\n".join(lines))
    assert predict_files(classes, [tmp_path / "more.csv"], None).predicted == 0
    assert "column 1 of it has no name" in capsys.readouterr().err


GRADES = pd.DataFrame({"x": np.arange(60) / 9, "grade": np.array(list("123AB"))[np.arange(60) % 5]})
GRADES["y"] = np.where(GRADES.grade == "1", "good", "bad")


@pytest.mark.parametrize(
    "grade",
    [
        pd.array([1, 2, None, 1], dtype="Int64"),
        pd.array([1.0, 2.0, np.nan, 1.0]),
        pd.Categorical(["1", "2", None, "1"]),
    ],
    ids=["nullable", "floats", "categories"],
)
def test_parquet_is_read_as_the_same_rows_of_a_csv(
    train: Train, tmp_path: Path, grade: Any
) -> None:
    predictor = train(GRADES, target="y")
    table = pd.DataFrame({"x": 0.1, "grade": grade})
    table.to_parquet(tmp_path / "more.parquet")
    texts = ["1", "2", "", "1"]
    table.assign(grade=texts).to_csv(tmp_path / "more.csv", index=False)
    found = [answered(predictor, tmp_path / f"more.{suffix}")[1] for suffix in ("parquet", "csv")]
    for one, other in zip(*found, strict=True):
        assert one["probability"] == other["probability"]
        assert one["done"] == other["done"]
    assert "lacks" not in found[0][0]["done"]


def test_a_parquet_index_that_is_a_range_is_a_column(train: Train, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": RANDOM.normal(size=90), "y": np.tile(["in", "out"], 45)})
    predictor = train(frame.assign(hour=np.arange(90) % 24), target="y")
    path = tmp_path / "more.parquet"
    frame.set_index(pd.RangeIndex(0, 180, 2, name="hour")).to_parquet(path)
    outcome, _ = answered(predictor, path)
    assert (outcome.predicted, outcome.failed) == (90, 0)


def test_a_sequence_has_one_answer_by_its_id(
    train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps, count = 4, 60
    table = pd.DataFrame(
        {
            "device": np.repeat([f"d{each}" for each in range(count)], steps),
            "hour": np.tile(np.arange(steps), count),
            "level": RANDOM.normal(size=steps * count),
            "label": np.repeat(np.where(np.arange(count) % 2, "odd", "even"), steps),
        }
    )
    predictor = train(table, "lstm", target="label", id="device", time="hour")
    table.sample(frac=1, random_state=0)[:-1].to_csv(tmp_path / "more.csv", index=False)
    outcome, rows = answered(predictor, tmp_path / "more.csv")
    assert (outcome.predicted, outcome.failed) == (count - 1, 1)
    assert "3 steps; expected 4" in capsys.readouterr().err
    levels = table.level.to_numpy(np.float32).reshape(count, 1, steps)
    names = predictor.spec.class_names
    labels = [names[each] for each in predictor.predict(levels).argmax(axis=1)]
    by_id = {f"{tmp_path / 'more.csv'}, device d{each}": label for each, label in enumerate(labels)}
    assert {row["input"]: row["label"] for row in rows}.items() <= by_id.items()
    short = train(table[:-1], "lstm", target="label", id="device", time="hour")
    assert np.allclose(short.predict(table[:-1])[:-1], short.predict(table)[:-1])
    assert len(short.predict(table[1:])) == count
    with pytest.raises(UserError, match="a sequence has a step twice"):
        predictor.predict(pd.concat([table, table[:1]]))


def test_one_column_is_a_table_to_predict(train: Train, tmp_path: Path) -> None:
    predictor = train(CUSTOMERS[["spent", "churn"]], target="churn")
    (tmp_path / "more.csv").write_text("spent\n12.5\n100\n")
    _, rows = answered(predictor, tmp_path / "more.csv")
    assert len(rows) == 2


def test_a_network_of_no_table_reads_none() -> None:
    with pytest.raises(UserError, match="made-up, which is no table"):
        Predictor(make_saved()).predict(CUSTOMERS)
