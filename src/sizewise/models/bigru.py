"""The gated recurrent network of the MNIST-1D paper.

Shapes: B batch, T time steps, F features per step, K classes, w width.
"""

from torch import Tensor, nn

from sizewise.data.spec import DataSpec
from sizewise.models.recurrent import as_sequence


class BiGRU(nn.Module):
    """A GRU of width w in both directions - Dense K over all steps; weights begin as PyTorch's.

    With `width=6`, on 40 steps, it is that of Greydanus & Kobak, "Scaling down deep learning with
    MNIST-1D" (ICML 2024): 5,134 parameters, of which the read-out over all steps has 4,810.
    """

    base_width = 16
    capturable = True

    def __init__(self, spec: DataSpec, width: int) -> None:
        super().__init__()
        steps, features = spec.sequence_shape
        self.recurrent = nn.GRU(features, width, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * width * steps, spec.num_outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (B, C, *S) to logits (B, K)."""
        states, _ = self.recurrent(as_sequence(inputs))  # B T F -> B T 2w
        logits: Tensor = self.head(states.flatten(1))
        return logits
