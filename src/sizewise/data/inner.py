"""A test split within the training samples, for whoever decides by it and reads the set's own once.

It is what nested validation calls the inner one: search, model selection and stopping may look at
it as often as they like, and the set's own test split still says what comes of new samples.
"""

import dataclasses

import numpy as np

from sizewise.data.arrays import Arrays
from sizewise.data.own.labelled import choose_test
from sizewise.data.rows import Rows, taken


def inner(arrays: Arrays, share: float) -> Arrays:
    """Return a set's training samples alone, a share of which is the test split.

    Which ones follows from what they hold, or from their groups, and from no seed: it is the same
    split for all runs. Where validation is given, as by time, that is the test split.
    """
    if arrays.validation is not None:
        in_test = arrays.validation
    else:
        targets = arrays.train_targets
        classes = targets if arrays.class_names else np.zeros(len(targets), int)
        in_test = choose_test(_keys(arrays), share, classes)

    def kept(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[~in_test]

    return dataclasses.replace(
        arrays,
        train_inputs=taken(arrays.train_inputs, ~in_test),
        train_targets=arrays.train_targets[~in_test],
        test_inputs=taken(arrays.train_inputs, in_test),
        test_targets=arrays.train_targets[in_test],
        handed_over=True,  # an array's samples were copied
        validation=None,
        groups=kept(arrays.groups),
        strata=kept(arrays.strata),
    )


def _keys(arrays: Arrays) -> list[bytes]:
    """Return what each sample is known by: its group, or its content.

    They are not those by which the set's own test split was chosen, or that would leave no sample.
    """
    held = arrays.groups
    if held is None:
        inputs = arrays.train_inputs
        held = inputs.digests[inputs.rows] if isinstance(inputs, Rows) else inputs
    return [b"inner" + np.ascontiguousarray(each).tobytes() for each in held]
