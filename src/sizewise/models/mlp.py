"""Networks that know nothing of space or time: the multilayer perceptron and logistic regression.

Shapes: B batch, D numbers in a flattened sample, K classes, w width.
"""

from itertools import pairwise

from torch import Tensor, nn

from sizewise.data.spec import DataSpec
from sizewise.models.initialise import initialise_as_keras


class MLP(nn.Module):
    """`depth` dense layers of width w with ReLU - Dense K."""

    reads_rows = True
    base_width = 16
    capturable = True

    def __init__(self, spec: DataSpec, width: int, depth: int) -> None:
        super().__init__()
        self.hidden = nn.Sequential()
        for fan_in, fan_out in pairwise([spec.num_features] + [width] * depth):
            self.hidden.extend([nn.Linear(fan_in, fan_out), nn.ReLU()])
        self.head = nn.Linear(width, spec.num_outputs)
        initialise_as_keras(self)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (B, C, *S) to logits (B, K)."""
        logits: Tensor = self.head(self.hidden(inputs.flatten(1)))  # B D -> B w -> B K
        return logits


class Logistic(nn.Module):
    """Multinomial logistic regression, at any size: logits = V U x + b.

    Without a width it is the usual single matrix. With one, that matrix is factored through w
    dimensions: more parameters, yet the function stays linear. It is the control that shows what
    size alone buys.
    """

    reads_rows = True
    base_width = 16
    capturable = True

    def __init__(self, spec: DataSpec, width: int | None = None) -> None:
        super().__init__()
        self.factor = (
            nn.Identity() if width is None else nn.Linear(spec.num_features, width, bias=False)
        )
        self.head = nn.Linear(width or spec.num_features, spec.num_outputs)
        initialise_as_keras(self)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (B, C, *S) to logits (B, K)."""
        logits: Tensor = self.head(self.factor(inputs.flatten(1)))  # B D -> B w -> B K
        return logits
