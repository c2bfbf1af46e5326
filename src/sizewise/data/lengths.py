"""Sequences of unequal length.

Shapes: N samples, C channels, T steps of the longest. Arrays of such sequences are NaN from a
sequence's end on, so that they go wherever arrays of one length go. A network reads 0 there, with
the lengths beside it.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sizewise.data.normalisation import Normalisation, measure
from sizewise.data.splits import Batch, Chosen


def joined(sequences: Iterable[np.ndarray]) -> NDArray[np.float32]:
    """Return sequences, each (C, its own steps), as one array (N, C, T)."""
    steps = [sequence.T for sequence in sequences]
    return laid_out(np.concatenate(steps), np.array([len(each) for each in steps]))


def laid_out(steps: np.ndarray, lengths: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the steps of all sequences, (sum of lengths, C), as one array (N, C, T)."""
    longest = int(lengths.max())
    inputs = np.full((len(lengths), longest, steps.shape[1]), np.nan, np.float32)
    inputs[np.arange(longest) < lengths[:, None]] = steps
    return inputs.transpose(0, 2, 1)


def lengths_of(inputs: np.ndarray) -> NDArray[np.int64]:
    """Return the steps of each sequence of (N, C, T), (N,)."""
    return np.asarray((~np.isnan(inputs[:, 0])).sum(axis=1))


def parted(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Return sequences (N, C, T) with 0 after their ends, and their lengths (N,), int64.

    NaN before the end stays: an answer to it would be one to something else.
    """
    steps = torch.arange(1, inputs.shape[2] + 1, device=inputs.device)
    lengths = (~inputs[:, 0].isnan() * steps).amax(dim=1).clamp(min=1)
    return inputs.masked_fill(steps > lengths[:, None, None], 0.0), lengths


def measure_steps(inputs: np.ndarray, indices: np.ndarray) -> Normalisation:
    """Return the statistics of the sequences at `indices` of (N, C, T), over their own steps."""
    chosen = inputs[indices].astype(np.float64)
    steps = chosen.transpose(0, 2, 1)[~np.isnan(chosen[:, 0])]  # of all sequences, (M, C)
    return measure(steps, np.arange(len(steps)))._replace(
        mean_std=np.nanmean(chosen, axis=2).std(axis=0).tolist(),
        least_std=np.nanstd(chosen, axis=2).min(axis=0).tolist(),
    )


class Sequences(NamedTuple):
    """A split of normalised sequences, padded in each batch to its longest.

    Args:
        inputs: (N, C, T), float32, 0 after a sequence's end.
        targets: (N,), int64.
        lengths: (N,), int64.
    """

    inputs: Tensor
    targets: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, inputs: Tensor, targets: Tensor) -> "Sequences":
        """Return sequences that are NaN after their ends with their targets."""
        zeros, lengths = parted(inputs)
        return cls(zeros, targets, lengths)

    def __len__(self) -> int:
        return len(self.targets)

    def batch(self, chosen: Chosen) -> Batch:
        lengths = self.lengths[chosen]
        longest = int(lengths.max())
        return Batch(self.inputs[chosen, :, :longest], self.targets[chosen], lengths)

    def to(self, device: torch.device) -> "Sequences":
        return Sequences(*(each.to(device) for each in self))
