"""A run's result as a typed record, and a file of them: one JSON object per line.

The report reads nothing else.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError


class Measure(NamedTuple):
    """The number by which sizes are compared. It falls as models get better.

    Args:
        name: as in "test error" or "bits per byte".
        unit: "%" where the value is a share, 0..1, shown times 100; else a word, or nothing where
            it is that of the data.
        tolerance: how much worse than the best counts as as good; a point is 0.01.
        relative: whether that is a share of the best's.
    """

    name: str
    unit: str
    tolerance: float
    relative: bool = False

    def shown(self, value: float) -> str:
        """Return a value as text: 3.42 %, or 2.153 bits."""
        return f"{value:.2%}" if self.unit == "%" else f"{self.number(value)} {self.unit}".rstrip()

    def number(self, value: float) -> str:
        """Return a value that is no share, without its unit; of data's own, four figures."""
        if self.unit:
            return f"{value:.3f}"
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"


ERROR = Measure("error", "%", 0.01)  # the share of samples that are classified wrong


@dataclass(frozen=True)
class RunRecord:
    """What one run was and what came of it.

    Args:
        run_id, name: the MLflow run's.
        run_key: hash of what determines the result.
        family: the architecture's name; `width` and `depth` are its knobs.
        size_asked: the parameter budget; None if the width was given.
        parameters: trainable parameters, in all and by layer group; None for a classical method
            that has no such thing (`cost/model_bytes` is what it takes).
        data: the data set's name; `fingerprint` is the hash of its bytes and splits.
        seed: decides initialisation, the order of samples and the validation split.
        best_epoch, epochs, steps: the epoch whose weights were kept; how many were trained.
        stopped_by: what ended training, in words.
        metrics: final metrics and costs by their MLflow names.
        history: each epoch's metrics, in order.
        config: the config by dotted key, less places on one machine: `config.portable`.
        folder: the run's output folder, from where the command was given.
        git_commit: of the code, with `+` where the tree had changes; None outside git.
        features: that a classical family read; None for a network.
        train_samples: how many it learnt from; None in records from before this was kept.
        threads: of the CPU that it was trained with; None in records from before this was kept.
        unit: what `epoch` counts: "epoch", or "setting" of a classical family's grid.
        measure: what `error` is; a test error in records from before there were others.
        extras: what a study or a task measures of each run besides, by name.
        sample_errors: of each test sample, packed; None in records from before this was kept.
        test_fingerprint: hash of the test samples; None likewise.
        code: hash of the code that shaped the result; None likewise.
        libraries: that did so too, with their versions; None likewise.
        sweep: the name of the sweep that trained it; None where it was trained alone, or likewise.
        looked_at: whether that went on by looks at its answer (until=told).
        date: when it ended, as 2026-11-25 (UTC); None likewise.
        machine: its processor, in words; None likewise.
    """

    run_id: str
    name: str
    run_key: str
    family: str
    width: int | None
    depth: int | None
    size_asked: int | None
    parameters: int | None
    parameters_by_group: dict[str, int]
    data: str
    fingerprint: str
    seed: int
    best_epoch: int
    epochs: int
    steps: int
    stopped_by: str
    metrics: dict[str, float]
    history: list[dict[str, float]]
    config: dict[str, Any]
    folder: str
    git_commit: str | None
    features: str | None = None
    train_samples: int | None = None
    threads: int | None = None
    unit: str = "epoch"
    measure: Measure = ERROR
    extras: dict[str, Any] = field(default_factory=dict)
    sample_errors: str | None = None
    test_fingerprint: str | None = None
    code: str | None = None
    libraries: str | None = None
    sweep: str | None = None
    looked_at: bool = False
    date: str | None = None
    machine: str | None = None

    def error(self, split: str = "test", epoch: int | None = None) -> float:
        """Return the run's measure on a split.

        Args:
            split: `test`, which is scored once at the end, `val` or `train`.
            epoch: counted from 1; by default the one whose weights were kept. Of `test` there is
                only that.

        Raises:
            KeyError: it was not measured.
        """
        scores = self.metrics if split == "test" else self.history[(epoch or self.best_epoch) - 1]
        return error_in(scores, split)

    @property
    def is_classical(self) -> bool:
        """Whether it is of a classical family: a reference, not a size of a network."""
        return self.features is not None

    def to_json(self) -> str:
        """Return the record as one line."""
        return json.dumps(vars(self))  # asdict would copy every epoch of every run first

    @classmethod
    def from_json(cls, line: str) -> "RunRecord":
        """Return the record that `to_json` wrote.

        Raises:
            ValueError: the line is not such a record.
        """
        content = json.loads(line)
        try:
            _schema().validate_python(content)
            if "measure" in content:
                content["measure"] = Measure(*content["measure"])
            if content.get("features") and "unit" not in content:  # from before it was kept
                content["unit"] = "setting"
            return cls(**content)
        except ValidationError as error:
            wrong = error.errors()[0]
            where = ".".join(map(str, wrong["loc"]))
            raise ValueError(f"not a run record: {where} {wrong['msg']}".lower()) from error
        except TypeError as error:
            raise ValueError(f"not a run record: {error}") from error


@cache
def _schema() -> TypeAdapter[RunRecord]:
    return TypeAdapter(RunRecord)


def error_in(scores: Mapping[str, float], split: str) -> float:
    """Return the measure on a split; before there were others, its complement was kept.

    Raises:
        KeyError: it was not measured.
    """
    error = scores.get(f"{split}/error")
    return 1 - scores[f"{split}/accuracy"] if error is None else error


def read_records(path: Path) -> list[RunRecord]:
    """Return the records of a .jsonl file, in its order.

    Raises:
        ValueError: a line is not a record; the message names it.
    """
    try:
        lines = path.read_text().splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file in UTF-8") from error
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(RunRecord.from_json(line))
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
    return records


def write_records(path: Path, records: Iterable[RunRecord]) -> None:
    """Write `records` to `path`, one per line."""
    path.write_text("".join(record.to_json() + "\n" for record in records))


def readable_count(count: int) -> str:
    """Return a count to three digits: 280, 13.4k, 1.2M."""
    if count < 1000:
        return str(count)
    rounded = float(f"{count:.3g}")
    return f"{rounded / 1e6:g}M" if rounded >= 1e6 else f"{rounded / 1e3:g}k"


def readable_number(number: float) -> str:
    """Return a number to six digits, from a million on to ten, and without an exponent to 1e15."""
    if not 1e6 <= abs(number) < 1e15:
        return f"{number:.6g}"
    return f"{number:.0f}" if abs(number) >= 1e10 else f"{number:.10g}"
