"""The learning rate against PyTorch's schedulers, step by step."""

from collections.abc import Callable

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR

from sizewise.training.schedule import learning_rate_at

PEAK = 0.02
TOTALS = [1, 2, 3, 4, 7, 10, 97, 900]


def one_cycle(optimizer: torch.optim.Optimizer, total_steps: int) -> LRScheduler:
    return OneCycleLR(optimizer, max_lr=PEAK, total_steps=total_steps, cycle_momentum=False)


def cosine(optimizer: torch.optim.Optimizer, total_steps: int) -> LRScheduler:
    return CosineAnnealingLR(optimizer, T_max=total_steps)


@pytest.mark.parametrize("total_steps", TOTALS)
@pytest.mark.parametrize("make_scheduler", [one_cycle, cosine])
def test_each_steps_rate_is_that_of_pytorchs_scheduler(
    make_scheduler: Callable[[torch.optim.Optimizer, int], LRScheduler], total_steps: int
) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=PEAK)
    scheduler = make_scheduler(optimizer, total_steps)
    for step in range(total_steps):
        rate = learning_rate_at(step, total_steps, PEAK, make_scheduler.__name__)
        assert rate == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-6, abs=1e-10), step
        optimizer.step()
        if step + 1 < total_steps:
            scheduler.step()


@pytest.mark.parametrize("step", [0, 50, 99])
def test_a_constant_rate_stays_at_the_peak(step: int) -> None:
    assert learning_rate_at(step, 100, PEAK, "constant") == PEAK
