"""Keeps a study's runs in this folder, as its report's runs.jsonl has them, in less room.

    python -m experiments.keep multirun/DATE/TIME/report/runs.jsonl experiments/NAME/runs.jsonl

Of every epoch only the errors are kept, to four digits; of the one whose weights were kept, all.
"""

import sys
from dataclasses import replace
from pathlib import Path

from sizewise.records import RunRecord, read_records, write_records

KEPT = ("train/error", "val/error")


def shortened(record: RunRecord) -> RunRecord:
    """Return a record whose epochs hold their errors alone, but for the best."""
    history = [
        metrics
        if epoch == record.best_epoch
        else {name: round(metrics[name], 4) for name in KEPT if name in metrics}
        for epoch, metrics in enumerate(record.history, start=1)
    ]
    return replace(record, history=history)


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    write_records(target, [shortened(record) for record in read_records(source)])
