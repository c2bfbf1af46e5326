"""`sizewise report`: the report of a sweep, from the store or from a file of records."""

from argparse import Namespace
from functools import partial
from pathlib import Path
from typing import Any

from sizewise.config.as_train import spelled
from sizewise.errors import UserError
from sizewise.place import CONF
from sizewise.records import RunRecord, read_records
from sizewise.report import write_report
from sizewise.report.page import Link
from sizewise.report.stats.errors import CONFIDENCE
from sizewise.report.verdict import look_confidence


def run(arguments: Namespace) -> None:
    """Write the report, and print where it is.

    Raises:
        UserError: there is no such sweep or file, or it can't be read.
    """
    name, command, confidence = arguments.sweep, None, CONFIDENCE
    notes: list[str] = []
    link: Link | None = None
    asked: dict[str, Any] = {}
    if name.endswith(".jsonl"):
        records = _read(Path(name))
        if any(record.looked_at for record in records):
            confidence = look_confidence()
        name = Path(name).resolve().parent.name
    else:
        # They import MLflow, which takes seconds, and which a file does not need.
        from sizewise.apply.runs import open_store
        from sizewise.sweep.pooled import with_runs_alike
        from sizewise.tracking.resolve import find_sweep

        store = open_store(arguments)
        link = store.page
        command, runs, looked_at, asked = find_sweep(store, name)
        confidence = look_confidence() if looked_at else CONFIDENCE
        own = [record for _, record in reversed(runs)]
        records, notes = with_runs_alike(store, own, name)
    folder = arguments.to or Path("reports", name)
    keys = ("tolerance", "target", "latency", "bytes", "train_seconds")
    given = {key: getattr(arguments, key) for key in keys if getattr(arguments, key) is not None}
    if "tolerance" in given:  # in place of the target that the sweep may have had
        asked.pop("target", None)
    asked |= given
    print(
        write_report(
            records,
            folder,
            name=name,
            command=command,
            asked=asked,
            notes=notes,
            confidence=confidence,
            spell=partial(spelled, conf=CONF),
            link=link,
        )
    )


def _read(path: Path) -> list[RunRecord]:
    if not path.exists():
        raise UserError(f"there is no file {path}; expected a sweep's runs.jsonl")
    try:
        return read_records(path)
    except ValueError as error:
        raise UserError(f"{error}; expected a runs.jsonl that sizewise wrote") from error
