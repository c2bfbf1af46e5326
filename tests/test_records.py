import dataclasses
from pathlib import Path

import pytest

from sizewise.records import ERROR, Measure, RunRecord, read_records, write_records

RECORD = RunRecord(
    run_id="0a1b",
    name="lstm-13.6k-mnist1d-s0",
    run_key="c0ffee",
    family="lstm",
    width=32,
    depth=2,
    size_asked=None,
    parameters=13_610,
    parameters_by_group={"recurrent": 12_928, "head": 682},
    data="mnist1d",
    fingerprint="f00d",
    seed=0,
    best_epoch=2,
    epochs=3,
    steps=108,
    stopped_by="all 3 epochs done",
    metrics={"test/accuracy": 0.1 + 0.2, "cost/model_bytes": 58_000},
    history=[{"train/loss": 2.3}, {"train/loss": 1 / 3}],
    config={"model.family": "lstm", "size": None, "data.root": "Größe – 大きさ"},
    folder="outputs/a\nb",
    git_commit=None,
)


def test_records_survive_a_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    records = [RECORD, dataclasses.replace(RECORD, seed=1, width=None, size_asked=10_000)]
    write_records(path, records)
    assert len(path.read_text().splitlines()) == 2
    assert read_records(path) == records


def test_a_records_line_has_every_field() -> None:
    assert RunRecord.from_json(RECORD.to_json()) == RECORD
    assert "\n" not in RECORD.to_json()
    for each in dataclasses.fields(RunRecord):
        assert f'"{each.name}": ' in RECORD.to_json()


def test_no_records_make_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    write_records(path, [])
    assert path.read_bytes() == b""
    assert read_records(path) == []


@pytest.mark.parametrize(
    "broken",
    [
        RECORD.to_json()[:-20],
        "",
        "[]",
        "null",
        "3",
        '{"run_id": "0a1b"}',
        RECORD.to_json().replace('"seed"', '"sed"'),
        RECORD.to_json()[:-1] + ', "more": 1}',
    ],
    ids=["cut off", "empty", "list", "null", "number", "missing", "misspelt", "unknown"],
)
def test_a_broken_line_is_named_with_its_number(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_text("\n".join([RECORD.to_json(), RECORD.to_json(), broken, RECORD.to_json()]))
    with pytest.raises(ValueError, match=r"runs\.jsonl, line 3: "):
        read_records(path)


def test_an_old_records_error_follows_from_its_accuracy() -> None:
    history = [{"train/accuracy": 0.5}, {"train/accuracy": 0.75, "val/accuracy": 0.625}]
    old = dataclasses.replace(RECORD, history=history)

    assert old.error() == pytest.approx(0.7)
    assert (old.error("train"), old.error("train", epoch=1)) == (0.25, 0.5)
    assert old.error("val") == 0.375
    assert old.measure == ERROR
    with pytest.raises(KeyError, match="val/accuracy"):
        old.error("val", epoch=1)


def test_a_records_measure_and_extras_survive_a_round_trip() -> None:
    bits = Measure("bits per byte", "bits", 0.02)
    metrics = {"test/error": 2.1534, "cost/model_bytes": 5.0}
    record = dataclasses.replace(RECORD, measure=bits, metrics=metrics, extras={"flips": [1, 2]})

    read = RunRecord.from_json(record.to_json())

    assert read == record
    assert read.measure.shown(read.error()) == "2.153 bits"
    assert ERROR.shown(0.0342) == "3.42%"


@pytest.mark.parametrize(
    ("value", "text"), [(51234.5, "51,234"), (12.3456, "12.35"), (0.0001234, "0.0001234")]
)
def test_a_measure_in_the_datas_own_unit_shows_four_figures(value: float, text: str) -> None:
    assert Measure("mean absolute error", "", 0.02).shown(value) == text
