"""What happened while a cell's runs trained, as means over its seeds."""

import numpy as np

from sizewise.report.noise import Array
from sizewise.report.select import Cell


def learning_curve(cell: Cell) -> Array:
    """Return the validation error after each epoch, the mean over the seeds still training."""
    longest = max(len(record.history) for record in cell.records)
    errors = np.full((len(cell.records), longest), np.nan)
    for row, record in zip(errors, cell.records, strict=True):
        row[: len(record.history)] = [1 - epoch["val/accuracy"] for epoch in record.history]
    return np.asarray(np.nanmean(errors, axis=0))


def train_errors(cell: Cell) -> Array:
    """Return 1 - training accuracy in the epoch whose weights were kept, (n,); NaN if unknown.

    It is measured as the epoch goes, on weights that are still changing.
    """
    return np.array(
        [
            1 - record.history[record.best_epoch - 1].get("train/accuracy", np.nan)
            for record in cell.records
        ]
    )
