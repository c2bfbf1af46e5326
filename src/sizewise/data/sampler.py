"""The order in which training samples are visited."""

import numpy as np
import torch
from torch import Tensor


def epoch_order(num_samples: int, seed: int, epoch: int) -> Tensor:
    """Return a permutation of `num_samples` indices, (N,) int64, on the CPU.

    It depends on `seed` and `epoch` alone, so that any epoch can be replayed without the ones
    before it.
    """
    state = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0]
    generator = torch.Generator().manual_seed(int(state) >> 1)  # manual_seed takes 63 bits
    return torch.randperm(num_samples, generator=generator)
