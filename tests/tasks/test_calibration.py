"""Calibration by hand."""

import pytest
import torch

from sizewise.tasks.classify import TASK


def calibration(logits: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
    tally = TASK.tally(2)
    for each in zip(logits.split(7), targets.split(7), strict=True):
        tally.add(*each)
    return tally.scores()


def logits(*confidences: float) -> torch.Tensor:
    """Return logits of two classes whose first has these probabilities."""
    first = torch.tensor(confidences, dtype=torch.float64)
    return torch.stack([first.log(), (1 - first).log()], dim=1)


def test_error_is_the_weighted_gap_of_each_bin() -> None:
    # bins of 15: 0.95 and 0.96 share one, (14/15, 1]; 0.6 is in (8/15, 9/15] by itself
    found = calibration(logits(0.95, 0.96, 0.6), torch.tensor([0, 1, 1]))
    assert found["calibration_error"] == pytest.approx((abs(1 - 1.91) + abs(0 - 0.6)) / 3)
    assert found["confidence"] == pytest.approx((0.95 + 0.96 + 0.6) / 3)


def test_gaps_of_opposite_sign_in_one_bin_cancel_but_not_across_bins() -> None:
    within = calibration(logits(0.75, 0.75, 0.75, 0.75), torch.tensor([0, 0, 0, 1]))
    assert within["calibration_error"] == pytest.approx(0)
    across = calibration(logits(0.55, 0.95), torch.tensor([0, 1]))
    assert across["calibration_error"] == pytest.approx((0.45 + 0.95) / 2)


def test_certainty_is_in_the_last_bin() -> None:
    certain = torch.tensor([[1000.0, 0.0], [0.0, 1000.0]])
    assert calibration(certain, torch.tensor([0, 1]))["calibration_error"] == 0
    assert calibration(certain, torch.tensor([1, 0]))["calibration_error"] == 1


def test_a_calibrated_forecaster_has_hardly_any_error() -> None:
    generator = torch.Generator().manual_seed(0)
    shares = 0.5 + 0.5 * torch.rand(50_000, generator=generator, dtype=torch.float64)
    right = torch.rand(50_000, generator=generator, dtype=torch.float64) < shares
    found = calibration(logits(*shares.tolist()), (~right).long())
    assert found["calibration_error"] < 0.01
