"""The pictures of one run; those of a sweep are the report's."""

import numpy as np
from matplotlib.figure import Figure

from sizewise.records import RunRecord

# Margins, in shares of the figure. A layout that looks for them draws twice: a sweep's runs wait.
LEARNING_CURVES = {"left": 0.06, "right": 0.98, "bottom": 0.15, "top": 0.83}
CONFUSION = {"left": 0.2, "right": 0.97, "bottom": 0.19, "top": 0.93}


def learning_curves(record: RunRecord) -> Figure:
    """Draw loss and error of training and validation against the epoch."""
    figure = Figure(figsize=(9, 3.6), dpi=120)
    figure.subplots_adjust(**LEARNING_CURVES)
    epochs = range(1, len(record.history) + 1)
    for axes, metric in zip(figure.subplots(1, 2), ("loss", "error"), strict=True):
        for split, label in (("train", "training"), ("val", "validation")):
            values = [row[f"{split}/{metric}"] for row in record.history]
            axes.plot(epochs, values, label=label, marker="." if len(values) < 30 else None)
        axes.axvline(record.best_epoch, color="grey", linestyle=":", label=f"best {record.unit}")
        axes.set(xlabel=record.unit, title=metric, ylim=(0, None))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.suptitle(record.name)
    return figure


def confusion_matrix(record: RunRecord, counts: np.ndarray, class_names: tuple[str, ...]) -> Figure:
    """Draw the test set's confusion counts (K, K): rows true, columns predicted."""
    figure = Figure(figsize=(6, 5.6), dpi=120)
    figure.subplots_adjust(**CONFUSION)
    axes = figure.subplots()
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(class_names)), class_names, rotation=45, ha="right")
    axes.set_yticks(range(len(class_names)), class_names)
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_title(f"{record.name}: test error {record.measure.shown(record.error())}")
    return figure
