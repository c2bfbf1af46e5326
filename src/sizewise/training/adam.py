"""The optimiser, with nothing in it but the step."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

BETA1, BETA2 = 0.9, 0.999
KERAS_EPSILON = 1e-7  # PyTorch's own default is 1e-8


class Adam:
    """Adam (Kingma & Ba, ICLR 2015) by PyTorch's fused kernel.

    It takes the steps of `torch.optim.Adam(fused=True)` to the bit. That class imports PyTorch's
    compiler, 1.5 s in each process, and its bookkeeping takes longer than a small network's step.
    """

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self.parameters = [p for p in parameters if p.requires_grad]
        self._means = [torch.zeros_like(p) for p in self.parameters]
        self._squares = [torch.zeros_like(p) for p in self.parameters]
        self._steps = [torch.zeros((), device=p.device) for p in self.parameters]

    def zero_grad(self) -> None:
        """Drop the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def gradients(self) -> list[Tensor]:
        """Return the gradients of those parameters that have one."""
        return [p.grad for p in self.parameters if p.grad is not None]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Change the parameters by their gradients; those without any stay."""
        own = (self.parameters, self._means, self._squares, self._steps)
        if not (gradients := self.gradients()):
            return
        with_gradient = [each for each in zip(*own, strict=True) if each[0].grad is not None]
        parameters, means, squares, steps = map(list, zip(*with_gradient, strict=True))
        adam(
            parameters,
            gradients,
            means,
            squares,
            [],
            steps,
            fused=True,
            amsgrad=False,
            beta1=BETA1,
            beta2=BETA2,
            lr=learning_rate,
            weight_decay=0.0,
            eps=KERAS_EPSILON,
            maximize=False,
        )

    def state_dict(self) -> dict[str, list[Tensor]]:
        """Return all that it remembers of the steps before."""
        return {"means": self._means, "squares": self._squares, "steps": self._steps}

    def load_state_dict(self, content: dict[str, list[Tensor]]) -> None:
        """Take on what `state_dict` returned, in place."""
        for name, own in self.state_dict().items():
            for value, saved in zip(own, content[name], strict=True):
                value.copy_(saved)
