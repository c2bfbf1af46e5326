"""Training steps as one CUDA graph, which a GPU is given at once.

A small network's kernels are over sooner than Python can launch the next ones.
"""

from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor, nn

from sizewise.data.splits import Batch
from sizewise.training.optimizer import Stepper

Answer = tuple[Tensor, Tensor, Tensor]  # a step's losses (B,), errors (B,) and norm ()
# Of a batch, the step's number and its learning rate; that a graph's is a tensor, ().
TakeStep = Callable[[Batch, int, float], Answer]
TakeEither = Callable[[Batch, int, float | Tensor], Answer]
WARM_UP = 3  # steps in which libraries and the optimiser make what they keep


def graphed(take_step: TakeEither, model: nn.Module, stepper: Stepper) -> TakeStep:
    """Return `take_step` as a CUDA graph, or as it is where it can't be one.

    It can on a GPU, for a network that says `capturable = True`: what its step does depends on the
    shapes of the batch alone. Python sees the step once, when the graph is captured.
    """
    on_gpu = next(model.parameters()).is_cuda
    can_be = on_gpu and getattr(model, "capturable", False) and stepper.capturable
    return _GraphedStep(take_step) if can_be else take_step


class _GraphedStep:
    """Takes steps as `take_step` does, which takes the first few, and those of other shapes."""

    def __init__(self, take_step: TakeEither) -> None:
        self._take_step = take_step
        self._seen: Counter[tuple[torch.Size, ...]] = Counter()  # shapes of the batches so far
        self._shapes: tuple[torch.Size, ...] = ()  # of the graph's batches
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, batch: Batch, number: int, learning_rate: float) -> Answer:
        given = [each for each in batch if each is not None]
        shapes = tuple(each.shape for each in given)
        rate = torch.full((), learning_rate, device=given[0].device)
        if self._graph is None:
            self._seen[shapes] += 1
            if self._seen[shapes] > WARM_UP:
                self._shapes = shapes
                self._capture(batch, number, rate)
        if self._graph is None or shapes != self._shapes:
            return self._take_step(batch, number, rate)
        for held, new in zip(self._given, [*given, rate], strict=True):
            held.copy_(new)
        self._graph.replay()
        losses, errors, norm = (each.clone() for each in self._answer)
        return losses, errors, norm

    def _capture(self, batch: Batch, number: int, rate: Tensor) -> None:
        """Write down what a step does, without doing it."""
        copies = (each if each is None else each.clone() for each in batch)
        batch = type(batch)(*copies)  # type: ignore[arg-type]
        self._given = [*(each for each in batch if each is not None), rate.clone()]
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=torch.cuda.Stream(rate.device)):
            self._answer = self._take_step(batch, number, self._given[-1])
        self._graph = graph
