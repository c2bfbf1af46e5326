"""Columns of a table that give its target away.

Shapes: N samples, C numbers made of a row, T steps.
"""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sizewise.data.arrays import Arrays
from sizewise.data.files.columns import width_of
from sizewise.data.spec import Column, TableForm

MOST = 2000  # samples that are looked at
FOLDS = 5
LEAST = 20  # samples that are wrong by the most frequent class: fewer prove nothing
LEFT = 0.02  # of the error of who knows no column


def giveaways(found: Arrays, form: TableForm) -> list[str]:
    """Return what is to be said of columns that alone tell the target.

    A decision tree is grown on one column and asked for samples that it has not seen, five-fold,
    groups kept together. A column is named if at most 2 % is left of the error of who answers the
    most frequent class, or of the variance of the target's ranks. Copies count once, as a tree
    knows those by heart; only what training has is looked at.
    """
    flat = found.train_inputs.reshape(len(found.train_inputs), -1)
    distinct = np.unique(flat, axis=0, return_index=True)[1]
    chosen = np.sort(np.random.default_rng(0).permutation(distinct)[:MOST])
    means = np.nanmean(found.train_inputs[chosen], axis=2)  # N C
    targets = found.train_targets[chosen]
    groups = None if found.groups is None else found.groups[chosen]
    folds = KFold(FOLDS, shuffle=True, random_state=0) if groups is None else GroupKFold(FOLDS)
    if len(chosen if groups is None else set(groups)) < FOLDS:
        return []
    numeric = targets.ndim == 2
    tree = (DecisionTreeRegressor if numeric else DecisionTreeClassifier)(random_state=0)
    truth = targets[:, 0].argsort().argsort().astype(float) if numeric else targets
    doubts, start = [], 0
    for column in form.columns:
        values = _values(column, means[:, start : start + width_of(column)])
        start += width_of(column)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of many classes, which check tells
            told = cross_val_predict(tree, values[:, None], truth, cv=folds, groups=groups)
        how = _of_numbers(told, truth) if numeric else _of_classes(told, truth)
        if how:
            doubts.append(
                f"{column.name} alone tells {form.target}: a tree on it {how}. Is it known before "
                f"{form.target} is? data.drop=[{column.name}] leaves it out"
            )
    return doubts


def _values(column: Column, numbers: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return a number for each sample, (N,): its category's; below all where it is missing."""
    if column.categories:
        of_categories = numbers[:, : len(column.categories)]
        return np.where(of_categories.any(axis=1), of_categories.argmax(axis=1), -1.0)
    values = numbers[:, 0]
    return np.where(numbers[:, -1] > 0, values.min() - 1, values) if column.flagged else values


def _of_classes(told: NDArray[np.int64], truth: NDArray[np.int64]) -> str:
    wrong, usual = int((told != truth).sum()), len(truth) - int(np.bincount(truth).max())
    if usual < LEAST or wrong > LEFT * usual:
        return ""
    most = f"always the most frequent class in {usual:,}"
    return f"is wrong in {wrong:,} of {len(truth):,}, {most}"


def _of_numbers(told: NDArray[np.floating], truth: NDArray[np.floating]) -> str:
    left = float(((told - truth) ** 2).mean() / max(truth.var(), 1e-12))
    return f"explains {1 - left:.1%} of its ranks' variance" if left <= LEFT else ""
