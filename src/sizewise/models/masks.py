"""Which steps of padded sequences are there.

Shapes: B batch, T steps of the longest sequence.
"""

import torch
from torch import Tensor


def after_end(lengths: Tensor, steps: int) -> Tensor:
    """Return which of so many steps lie after the end of sequences of `lengths` (B,): (B, T)."""
    return torch.arange(steps, device=lengths.device) >= lengths[:, None]


def mean_of_steps(values: Tensor, lengths: Tensor | None) -> Tensor:
    """Return the mean of (B, T, w) over each sequence's own steps, (B, w); or over all."""
    if lengths is None:
        return values.mean(dim=1)
    there = values.masked_fill(after_end(lengths, values.shape[1])[..., None], 0.0)
    return there.sum(dim=1) / lengths[:, None]
