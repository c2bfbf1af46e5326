"""The article's recurrent networks (section 3.2): LSTM, and the plain RNN and GRU beside it.

Shapes: B batch, T time steps, F features per step, K classes, w width. An image is read row by
row, so T is its height.
"""

from torch import Tensor, nn

from sizewise.data.spec import DataSpec
from sizewise.models.initialise import initialise_as_keras


def as_sequence(inputs: Tensor) -> Tensor:
    """Turn samples into steps: (B, C, L) -> (B, L, C); (B, C, H, W) -> (B, H, C·W)."""
    return inputs.transpose(1, 2).flatten(2)


class RNN(nn.Module):
    """The article's plain recurrence, read out after the last step.

    h_t = tanh(W_hh h_{t-1} + W_xh x_t + b_h) and y_T = W_hy h_T + b_y.
    """

    def __init__(self, spec: DataSpec, width: int, depth: int) -> None:
        super().__init__()
        self.recurrent = nn.RNN(spec.sequence_shape[1], width, depth, batch_first=True)
        self.head = nn.Linear(width, spec.num_classes)
        initialise_as_keras(self)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (B, C, *S) to logits (B, K)."""
        states, _ = self.recurrent(as_sequence(inputs))  # B T F -> B T w
        logits: Tensor = self.head(states[:, -1])
        return logits


class _Gated(nn.Module):
    """`depth` gated layers of width w - Dense w/2 with ReLU - Dense K."""

    cell: type[nn.LSTM | nn.GRU]

    def __init__(self, spec: DataSpec, width: int, depth: int) -> None:
        super().__init__()
        dense_width = max(1, width // 2)
        self.recurrent = self.cell(spec.sequence_shape[1], width, depth, batch_first=True)
        self.dense = nn.Sequential(nn.Linear(width, dense_width), nn.ReLU())
        self.head = nn.Linear(dense_width, spec.num_classes)
        initialise_as_keras(self)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (B, C, *S) to logits (B, K)."""
        states, _ = self.recurrent(as_sequence(inputs))  # B T F -> B T w
        logits: Tensor = self.head(self.dense(states[:, -1]))
        return logits


class LSTM(_Gated):
    """The article's network is `width=128, depth=2` on 28x28 images: 220,874 parameters."""

    cell = nn.LSTM


class GRU(_Gated):
    """The LSTM's network with gated recurrent units in its place."""

    cell = nn.GRU
