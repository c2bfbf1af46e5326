"""The multilayer perceptron of the MNIST-1D paper.

Shapes: B batch, D numbers in a flattened sample, K classes, w width.
"""

from torch import Tensor, nn

from sizewise.data.spec import DataSpec


class ResidualMLP(nn.Module):
    """Dense w - Dense w, added to what it reads - Dense K, with ReLU; weights begin as PyTorch's.

    With `width=100`, on 40 steps, it is that of Greydanus & Kobak, "Scaling down deep learning with
    MNIST-1D" (ICML 2024): 15,210 parameters.
    """

    base_width = 16
    capturable = True

    def __init__(self, spec: DataSpec, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(spec.num_features, width)
        self.second = nn.Linear(width, width)
        self.head = nn.Linear(width, spec.num_outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (B, C, *S) to logits (B, K)."""
        hidden = self.first(inputs.flatten(1)).relu()  # B D -> B w
        logits: Tensor = self.head(hidden + self.second(hidden).relu())
        return logits
