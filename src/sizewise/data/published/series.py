"""The time series that the package aeon carries: its files are read, and nothing of it runs."""

from pathlib import Path

import numpy as np

from sizewise.data.arrays import Arrays
from sizewise.data.lengths import joined, lengths_of
from sizewise.data.published.packaged import folder_of, unreadable


def read_series(name: str) -> Arrays:
    """Return the set of this name in the UCR and UEA archives, as divided there.

    Raises:
        UserError: aeon is not installed, or its files are not as they were.
    """
    folder = folder_of(name, "aeon", "aeon") / "datasets" / "data" / name
    parts = [_read_ts(folder / f"{name}_{split}.ts") for split in ("TRAIN", "TEST")]
    (classes, train, train_labels), (_, test, test_labels) = parts
    inputs = joined([*train, *test])
    indices = {label: index for index, label in enumerate(classes)}
    targets = np.array([indices[label] for label in train_labels + test_labels])
    return Arrays(
        train_inputs=inputs[: len(train)],
        train_targets=targets[: len(train)],
        test_inputs=inputs[len(train) :],
        test_targets=targets[len(train) :],
        class_names=classes,
        told={"unequal": bool((lengths_of(inputs) < inputs.shape[2]).any())},
    )


def _read_ts(path: Path) -> tuple[tuple[str, ...], list[np.ndarray], list[str]]:
    """Return the classes, the sequences, each (C, its own steps), and their labels.

    A line holds a sequence: its channels, numbers between commas, and its label, between colons
    (https://www.aeon-toolkit.org/en/stable/api_reference/file_specifications/ts.html).
    """
    classes: tuple[str, ...] = ()
    sequences, labels = [], []
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.lower().startswith("@classlabel"):
                classes = tuple(line.split()[2:])
            elif line.strip() and line[0] not in "#@":
                *channels, label = line.split(":")
                numbers = [channel.split(",") for channel in channels]
                sequences.append(np.array(numbers, dtype=np.float32))
                labels.append(label.strip())
    except (OSError, ValueError) as error:
        raise unreadable(path, error, "aeon") from error
    return classes, sequences, labels
