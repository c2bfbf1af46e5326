"""Loss spikes are counted alike, however the steps are cut into epochs."""

import pytest
import torch

from sizewise.training.spikes import WINDOW, count_spikes


def losses() -> torch.Tensor:
    """350 losses around 1, of which three stand out; the last is close behind another."""
    noisy = 1 + 0.1 * torch.randn(350, generator=torch.Generator().manual_seed(0))
    noisy[150] = 3.0
    noisy[300] = 3.0
    noisy[302] = 9.0
    return noisy


def test_a_loss_that_stands_out_is_a_spike() -> None:
    assert count_spikes(losses(), torch.empty(0)) == 3
    assert count_spikes(losses()[:150], torch.empty(0)) == 0


@pytest.mark.parametrize("each", [1, 36, 100, 101, 349])
def test_epochs_of_any_length_count_the_same(each: int) -> None:
    recent, count = torch.empty(0), 0
    for part in losses().split(each):
        count += count_spikes(part, recent)
        recent = torch.cat([recent, part])[-WINDOW:]
    assert count == 3


def test_the_first_hundred_have_nothing_to_stand_out_from() -> None:
    early = losses()
    early[50] = 100.0
    assert count_spikes(early[:WINDOW], torch.empty(0)) == 0


def test_what_falls_or_is_no_number_is_none() -> None:
    falling = losses()[:149]
    falling[120], falling[130] = -50.0, torch.nan
    assert count_spikes(falling, torch.empty(0)) == 0
