"""Which sequence answers another.

Shapes: B samples with R accepted answers each, T symbols of the longest, V symbols to choose from;
outputs are logits (B·R, T, V), those of a sample's answers one after the other: what comes next,
each time after the symbols before. Targets (B, R, T), int64, are -1 after an answer's end and where
a sample has fewer answers; its first is always there. 0 ends an answer.

What a network answers by itself, its likeliest symbol each time, is one of these answers exactly
where the likeliest symbol is right at each step of that answer, each time after the answer's own
symbols: if it was right so far, those are what it has said. So nothing is decoded here.
"""

from torch import Tensor
from torch.nn import functional

from sizewise.records import Measure


class Transduce:
    """Cross-entropy in nats by symbol is trained on; the share of wrong answers is compared.

    The cross-entropy is that of a sample's first answer, its end included. A sample is wrong if the
    network's answer is none of those accepted.
    """

    measure = Measure("sequence error", "%", 0.01)

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        logits = outputs.unflatten(0, targets.shape[:2])[:, 0]  # B·R T V -> B T V
        wanted = targets[:, 0]
        by_symbol = functional.cross_entropy(
            logits.transpose(1, 2), wanted, ignore_index=-1, reduction="none"
        )
        return by_symbol.sum(dim=1) / (wanted >= 0).sum(dim=1)

    def errors(self, outputs: Tensor, targets: Tensor, losses: Tensor) -> Tensor:
        likeliest = outputs.argmax(dim=2).view_as(targets)
        right = ((likeliest == targets) | (targets < 0)).all(dim=2)  # B R
        there = targets[:, :, 0] >= 0
        return 1 - (right & there).any(dim=1).float()

    def tally(self, num_outputs: int) -> None:
        return None


TASK = Transduce()
