"""Which byte comes next, after each byte of a text.

Shapes: B windows of T bytes; outputs are logits (B, T, 256), targets bytes (B, T), int64.
"""

import math

from torch import Tensor
from torch.nn import functional

from sizewise.records import Measure


class NextByte:
    """Cross-entropy in nats is trained on; in bits it is what the text takes when compressed."""

    measure = Measure("bits per byte", "bits", 0.02)

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        logits = outputs.flatten(0, 1)  # B T 256 -> B*T 256
        by_byte = functional.cross_entropy(logits, targets.flatten(), reduction="none")
        return by_byte.view(targets.shape).mean(dim=1)

    def errors(self, outputs: Tensor, targets: Tensor, losses: Tensor) -> Tensor:
        return losses / math.log(2)

    def tally(self, num_outputs: int) -> None:
        return None


TASK = NextByte()
