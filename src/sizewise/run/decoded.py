"""What a run of task `transduce` keeps of its network's answers, beside its measure."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sizewise.config import DataConfig
from sizewise.cost import device_of
from sizewise.data.pairs import Pairs
from sizewise.data.published.reverse import by_length
from sizewise.tasks import find_task
from sizewise.training.evaluate import evaluate, slices


@torch.no_grad()
def symbol_error(model: nn.Module, test: Pairs) -> float:
    """Return the edits that make a network's answers right, over the symbols of the right answers.

    Each answer, its likeliest symbol at each step, is held against that of the accepted ones which
    is nearest: fewest symbols to add, drop or change (Levenshtein's distance). As a phoneme error
    rate is defined, sums are divided, not means taken of shares.
    """
    model.eval()
    edits = symbols = 0
    for chosen in slices(len(test)):
        batch = test.batch(chosen)
        said = model(batch.inputs, batch.lengths).argmax(dim=2).tolist()
        for answer, accepted in zip(said, batch.targets.tolist(), strict=True):
            right = [_until_end(each) for each in accepted if each[0] >= 0]
            found = min((distance(_until_end(answer), each), len(each)) for each in right)
            edits, symbols = edits + found[0], symbols + found[1]
    return edits / symbols


def exact_by_length(
    model: nn.Module, test: Pairs, errors: NDArray[np.float64], data: DataConfig
) -> dict[str, float]:
    """Return the share of right answers by how many symbols were given.

    Args:
        model: that answers.
        test: the test split.
        errors: of its samples, (N,): 0 where the answer is right.
        data: the set's config; where it asks for lengths, samples of these are tested, and else the
            test split's own are told apart.
    """
    task, asked = find_task("transduce"), by_length(data)
    device = device_of(model)
    if asked:
        scores = {length: evaluate(model, each.to(device), task) for length, each in asked.items()}
        return {str(length): 1 - each.error for length, each in scores.items()}
    lengths = test.lengths.cpu().numpy()
    return {str(each): 1 - float(errors[lengths == each].mean()) for each in np.unique(lengths)}


def distance(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many symbols are to be added, dropped or changed to make one of the other."""
    if first == second:
        return 0
    row = list(range(len(second) + 1))  # from the first's symbols so far to each start of second
    for count, symbol in enumerate(first, start=1):
        above, row = row, [count]
        for place, other in enumerate(second):
            row.append(min(above[place] + (symbol != other), above[place + 1] + 1, row[-1] + 1))
    return row[-1]


def _until_end(answer: list[int]) -> list[int]:
    return answer[: answer.index(0)] if 0 in answer else answer
