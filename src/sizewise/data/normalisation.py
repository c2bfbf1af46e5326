"""What brings inputs to mean 0 and deviation 1, and what training inputs were like before that."""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sizewise.data.rows import Inputs

ROWS = 4096  # samples that are worked on at a time


class Normalisation(NamedTuple):
    """Statistics of each channel over the training samples, each of length C.

    Only `mean` and `std` are applied. The others tell later inputs that are unlike the training
    samples; networks saved by older versions have none of them.

    Args:
        mean, std: mean and standard deviation over all numbers.
        low, high: the lowest and the highest number.
        mean_std: the standard deviation of the samples' own means.
        least_std: the lowest of the samples' own standard deviations.
    """

    mean: list[float]
    std: list[float]
    low: list[float] | None = None
    high: list[float] | None = None
    mean_std: list[float] | None = None
    least_std: list[float] | None = None

    def only(self, channels: np.ndarray) -> "Normalisation":
        """Return what leaves the other channels, (C,), as they are."""
        mean, std = np.where(channels, self.mean, 0), np.where(channels, self.std, 1)
        return self._replace(mean=mean.tolist(), std=std.tolist())

    def apply(self, inputs: np.ndarray) -> Tensor:
        """Return `inputs` (N, C, *S) less the mean, over the deviation, as float32."""
        return self.apply_(torch.from_numpy(np.array(inputs, np.float32)))

    def apply_(self, inputs: Tensor) -> Tensor:
        """Do so to float32 `inputs` in place, and return them."""
        per_channel = (1, -1) + (1,) * (inputs.ndim - 2)
        mean, std = torch.tensor(self.mean), torch.tensor(self.std)
        return inputs.sub_(mean.view(per_channel)).div_(std.view(per_channel))


def measure(inputs: Inputs, indices: np.ndarray) -> Normalisation:
    """Return the statistics of the samples at `indices` of (N, C, *S), in double precision."""
    axes, inner = (0, *range(2, inputs.ndim)), tuple(range(2, inputs.ndim))
    per_channel = (1, -1) + (1,) * len(inner)
    size = math.prod(inputs.shape[2:])
    count = len(indices) * size
    chunks = [indices[start : start + ROWS] for start in range(0, len(indices), ROWS)]
    mean = sum(inputs[chunk].sum(axis=axes, dtype=np.float64) for chunk in chunks) / count
    centre = np.reshape(mean, per_channel)
    total, sums, squares, lows, highs = 0, [], [], [], []
    for chunk in chunks:
        chosen = inputs[chunk]
        deviations = chosen - centre
        sums.append(deviations.sum(axis=inner))
        lows.append(chosen.min(axis=axes))
        highs.append(chosen.max(axis=axes))
        deviations **= 2
        total = total + deviations.sum(axis=axes)
        squares.append(deviations.sum(axis=inner))
    std = np.sqrt(total / count)
    own_means = np.concatenate(sums) / size  # (N, C), of each sample, about `mean`
    own_variances = np.concatenate(squares) / size - own_means**2
    return Normalisation(
        mean=mean.tolist(),
        std=np.where(std > 0, std, 1.0).tolist(),
        low=np.min(lows, axis=0).astype(float).tolist(),
        high=np.max(highs, axis=0).astype(float).tolist(),
        mean_std=own_means.std(axis=0).tolist(),
        least_std=np.sqrt(own_variances.min(axis=0).clip(min=0)).tolist(),
    )
