"""Greedy decoding: a network goes on from its own likeliest symbols.

Shapes: B batch, S symbols that were read, T symbols of the answer, V symbols to choose from.
"""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

State = TypeVar("State")


def decode(
    answer: Callable[[Tensor, State], tuple[Tensor, Tensor, State]],
    begin: State,
    inputs: Tensor,
    steps: int,
) -> tuple[Tensor, Tensor]:
    """Return logits (B, T, V) and weights (B, T, S) of as many steps, from symbol 0 on.

    Args:
        answer: returns logits and weights after symbols (B, 1), and the state after them.
        begin: the state before the first.
        inputs: what was read, (B, S).
        steps: T.
    """
    symbol, state, found = inputs.new_zeros(len(inputs), 1), begin, []
    for _ in range(steps):
        logits, weights, state = answer(symbol, state)
        symbol = logits.argmax(dim=2)
        found.append((logits, weights))
    logits, weights = (torch.cat(each, dim=1) for each in zip(*found, strict=True))
    return logits, weights
