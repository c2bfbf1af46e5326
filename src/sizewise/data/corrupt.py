"""Training labels that are wrong, on purpose."""

import dataclasses

import numpy as np
import torch

from sizewise.data.dataset import Dataset
from sizewise.data.splits import with_targets
from sizewise.errors import UserError


def with_label_noise(dataset: Dataset, share: float, kind: str | None, seed: int) -> Dataset:
    """Return a set in which a share of the training labels is wrong; no other split is touched.

    Which ones follows from the seed, and with a larger share the same ones are wrong, and others.

    Args:
        dataset: of classes.
        share: of the training samples, 0..1, rounded to a whole number of them.
        kind: None for any other class, each as likely; `pairs` for the class that comes next, as
            if each were easily taken for one other (Han et al., NeurIPS 2018); `uniform` for any
            class, its own included: of K classes (K - 1) / K of the share is really wrong.
        seed: the run's.

    Raises:
        UserError: it has no classes.
    """
    if dataset.spec.task != "classify":
        raise UserError(
            f"data.label_noise={share:g} makes classes wrong, and {dataset.spec.name} has none: "
            "expected data.label_noise=null"
        )
    targets = dataset.train.targets  # type: ignore[attr-defined]  # as every split with classes has
    count, classes = len(targets), len(dataset.spec.class_names)
    random = np.random.default_rng([seed, 2])  # another stream than those that divide the set
    wrong = random.permutation(count)[: round(share * count)]
    steps = random.integers(kind != "uniform", classes, count)
    if kind == "pairs":
        steps[:] = 1
    labels = targets.numpy().copy()
    labels[wrong] = (labels[wrong] + steps[wrong]) % classes
    return dataclasses.replace(dataset, train=with_targets(dataset.train, torch.from_numpy(labels)))
