"""What a published set's file returns."""

from dataclasses import dataclass

import numpy as np

DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Arrays:
    """A data set as published, before normalisation and before validation is carved out.

    Inputs are (N, C, *S), floats or bytes; targets are (N,) class indices. Arrays that are handed
    over are changed in place, so that a large set takes its memory once.
    """

    train_inputs: np.ndarray
    train_targets: np.ndarray
    test_inputs: np.ndarray
    test_targets: np.ndarray
    class_names: tuple[str, ...]
    handed_over: bool = False
