"""Whether a network's probabilities can be taken at their word."""

from typing import NamedTuple

import torch
from torch import Tensor

BINS = 15


class Calibration(NamedTuple):
    """Expected calibration error, and the mean confidence to hold against the accuracy; 0..1."""

    error: float
    confidence: float


def calibration(logits: Tensor, targets: Tensor, bins: int = BINS) -> Calibration:
    """Return the expected calibration error of logits (N, K) for targets (N,).

    ECE = Σ_m |B_m|/N · |accuracy(B_m) - confidence(B_m)|, where B_m holds the samples whose
    confidence, the highest class probability, is in ((m-1)/M, m/M] (Guo et al., On Calibration of
    Modern Neural Networks, ICML 2017, section 2; M = 15 as there).
    """
    confidence, predicted = logits.double().softmax(dim=1).max(dim=1)
    correct = (predicted == targets).double()
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64)
    members = torch.bucketize(confidence, edges).clamp(1, bins) - 1  # (N,)
    gaps = torch.zeros(bins, dtype=torch.float64).index_add_(0, members, correct - confidence)
    return Calibration(gaps.abs().sum().item() / len(targets), confidence.mean().item())
