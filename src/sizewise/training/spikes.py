"""Loss spikes: steps whose loss stands out from those before."""

import torch
from torch import Tensor

WINDOW = 100
DEVIATIONS = 7


def count_spikes(losses: Tensor, before: Tensor) -> int:
    """Return how many losses lie more than 7 standard deviations above the mean of the 100 before.

    The rule is that of OLMo 2 (arXiv 2501.00656, section 3), which looks at 1,000 steps: the runs
    here are shorter.

    Args:
        losses: of steps in their order, (S,).
        before: of the steps before them, at most 100; where there are fewer, the first of `losses`
            are not looked at.
    """
    both = torch.cat([before, losses]).double()
    if len(both) <= WINDOW:
        return 0
    windows = both.unfold(0, WINDOW, 1)[:-1]  # a row for each loss that has as many before it
    bounds = windows.mean(dim=1) + DEVIATIONS * windows.std(dim=1)
    return int((both[WINDOW:] > bounds).sum())
