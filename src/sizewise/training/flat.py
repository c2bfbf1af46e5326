"""Parameters one after the other in memory, so that one kernel steps them all.

On a CPU torch.optim's fused kernels take a tensor at a time, each across all threads; where tensors
are small, to start and end them takes longer than their work.
"""

from collections.abc import Sequence

import torch
from torch import nn

ALIGNED = 16  # numbers; of float32 so many are 64 bytes, a processor's line of cache


class Flat:
    """Parameters laid one after the other, in place: they are parts of `whole`, (N,), from then on.

    They keep their values, shapes and memory formats.

    Args:
        parameters: of one type, on the CPU.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        starts, end = [], 0
        for each in parameters:
            starts.append(end)
            end += -(-each.numel() // ALIGNED) * ALIGNED
        self.whole = nn.Parameter(torch.zeros(end, dtype=parameters[0].dtype))
        self.whole.grad = torch.zeros_like(self.whole)
        self._parts = []
        for each, start in zip(parameters, starts, strict=True):
            strides = torch.empty_like(each, device="meta").stride()  # without gaps
            place = each.shape, strides, start
            each.data = self.whole.data.as_strided(*place).copy_(each.data)
            self._parts.append((each, self.whole.grad.as_strided(*place)))

    def take_gradients(self) -> None:
        """Move the parameters' gradients into that of the whole; 0 where there is none."""
        for parameter, gradient in self._parts:
            if parameter.grad is None:
                gradient.zero_()
            else:
                gradient.copy_(parameter.grad)
                parameter.grad = None


def unflatten(model: nn.Module) -> None:
    """Give each parameter of `model` memory of its own again.

    On a GPU none was laid flat, but cuDNN has a recurrent layer's in one piece of memory.
    """
    for each in model.parameters():
        if each.is_cpu:
            each.data = each.data.clone()
