"""Classes that count alike, however many samples each has."""

import dataclasses
from typing import Any

import torch

from sizewise.data.dataset import Dataset
from sizewise.data.splits import with_targets
from sizewise.errors import UserError


def balanced(dataset: Dataset) -> Dataset:
    """Return a set whose task is `balanced`: beside each target, (N, 2), stands its weight.

    A sample's weight is N / (K n), where n of a split's N samples are of its class and K classes
    are there. Its mean over the split is 1, and the weighted mean of errors is the mean of the
    classes' own.

    Raises:
        UserError: it has no classes.
    """
    if dataset.spec.task != "classify":
        raise UserError(
            f"training.class_weights=balanced weighs classes, and {dataset.spec.name} has none: "
            "expected training.class_weights=null"
        )
    return dataclasses.replace(
        dataset,
        spec=dataclasses.replace(dataset.spec, task="balanced"),
        **{name: _weighed(getattr(dataset, name)) for name in ("train", "validation", "test")},
    )


def _weighed(split: Any) -> Any:
    counts = torch.bincount(split.targets)
    weights = len(split.targets) / (counts.count_nonzero() * counts[split.targets])
    targets = torch.stack([split.targets.float(), weights], dim=1)
    return with_targets(split, targets)
