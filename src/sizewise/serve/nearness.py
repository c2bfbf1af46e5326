"""Whether an input is anything like what the networks were taught."""

import numpy as np
import torch
from torch import Tensor

KNOWN = 5000  # training samples that inputs are held against; more find little more
TRIED = 2000  # test samples that say what is usual
USUAL = 0.98  # of them


class Nearness:
    """How far inputs lie from the training samples, by what is usual of test samples.

    Three lengths are taken: of the way to the nearest training sample, which a scribble makes long;
    of the same where all are scaled to length 1, which an odd shape makes long however thin it is
    drawn; and of the input itself, which much ink makes long. Each is divided by what it is at most
    in 98 of 100 test samples; an input is far if its longest is longer than in 98 of 100 of them.
    So 2 in 100 test samples are far (conformal anomaly detection: Laxhammar and Falkman, 2010).

    Args:
        train, test: samples (N, C, *S), of which some are taken, evenly.
    """

    def __init__(self, train: np.ndarray, test: np.ndarray) -> None:
        self._known = _flat(_some(train, KNOWN))
        self._sizes = self._known.norm(dim=1)  # K
        lengths = self._lengths(_some(test, TRIED))
        self._usual = lengths.quantile(USUAL, dim=1, keepdim=True).clamp(min=1e-9)
        longest = (lengths / self._usual).amax(dim=0)
        self._limit = longest.quantile(USUAL, interpolation="higher")

    def far(self, inputs: np.ndarray) -> np.ndarray:
        """Return which of inputs (N, C, *S) are far: (N,), bool."""
        return np.asarray((self._lengths(inputs) / self._usual).amax(dim=0) > self._limit)

    def _lengths(self, inputs: np.ndarray) -> Tensor:
        flat = _flat(inputs)  # N F
        sizes = flat.norm(dim=1)  # N
        products = flat @ self._known.T  # N K
        to_samples = sizes[:, None] ** 2 + self._sizes**2 - 2 * products
        to_shapes = 2 - 2 * products / (sizes[:, None] * self._sizes).clamp(min=1e-9)
        squares = torch.stack([to_samples.amin(dim=1), to_shapes.amin(dim=1), sizes**2])
        return squares.clamp(min=0).sqrt()  # 3 N


def _some(samples: np.ndarray, most: int) -> np.ndarray:
    chosen = np.linspace(0, len(samples) - 1, min(len(samples), most)).astype(int)
    return np.asarray(samples[chosen])


def _flat(samples: np.ndarray) -> Tensor:
    return torch.from_numpy(samples.reshape(len(samples), -1).astype(np.float32))
