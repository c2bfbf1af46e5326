"""Samples that stay in their file until they are asked for."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Rows:
    """Some samples of a large array: what is asked for is copied out of it, and no more.

    Args:
        held: (M, C, *S), bytes, memory-mapped.
        digests: of each sample's content, (M, D), bytes.
        rows: which of them, and in which order, (N,).
    """

    held: np.ndarray
    digests: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.held.shape[1:])

    @property
    def ndim(self) -> int:
        return self.held.ndim

    def __getitem__(self, chosen: np.ndarray | slice) -> np.ndarray:
        return np.asarray(self.held[self.rows[chosen]])


Inputs = Any  # an array, or rows of one: who cuts batches by index need not know which


def taken(inputs: Inputs, chosen: np.ndarray) -> Inputs:
    """Return the samples at indices or under a mask: a copy of an array, and rows of rows."""
    if isinstance(inputs, Rows):
        return Rows(inputs.held, inputs.digests, inputs.rows[chosen])
    return inputs[chosen]
