"""The article's recurrent networks (section 3.2): LSTM, and the plain RNN and GRU beside it.

Shapes: B batch, T time steps, F features per step, K classes or tokens, w width. An image is read
row by row, so T is its height.
"""

import torch
from torch import Tensor, nn

from sizewise.data.spec import DataSpec
from sizewise.models.initialise import initialise_as_keras


def as_sequence(inputs: Tensor) -> Tensor:
    """Turn samples into steps: (B, C, L) -> (B, L, C); (B, C, H, W) -> (B, H, C·W)."""
    return inputs.transpose(1, 2).flatten(2)


class Rows(nn.Module):
    """A layer of `as_sequence`."""

    def forward(self, inputs: Tensor) -> Tensor:
        return as_sequence(inputs)


def steps_of(spec: DataSpec, width: int) -> tuple[nn.Module, int]:
    """Return what turns samples into steps (B, T, F), and F; tokens get a vector of `width`."""
    if spec.kind == "tokens":
        return nn.Embedding(spec.num_tokens, width), width
    return Rows(), spec.sequence_shape[1]


def read_out(states: Tensor, spec: DataSpec, lengths: Tensor | None = None) -> Tensor:
    """Return the states to answer from, of (B, T, w): the last, (B, w), or all of them.

    Where sequences have `lengths` (B,), it is the state after each's own last step: no state
    depends on later steps, so what these hold changes nothing.
    """
    if spec.per_step:
        return states
    if lengths is None:
        return states[:, -1]
    rows = torch.arange(states.shape[0], device=states.device)  # len would fix the batch in ONNX
    return states[rows, lengths - 1]


class RNN(nn.Module):
    """The article's plain recurrence, read out after the last step.

    h_t = tanh(W_hh h_{t-1} + W_xh x_t + b_h) and y_T = W_hy h_T + b_y.
    """

    reads_tokens = True
    reads_lengths = True
    base_width = 16
    capturable = True

    def __init__(self, spec: DataSpec, width: int, depth: int) -> None:
        super().__init__()
        self.spec = spec
        self.steps, features = steps_of(spec, width)
        self.recurrent = nn.RNN(features, width, depth, batch_first=True)
        self.head = nn.Linear(width, spec.num_outputs)
        initialise_as_keras(self)

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map inputs (B, C, *S) or tokens (B, T) to logits (B, K), or (B, T, K) per step.

        Args:
            inputs: padded at the end where `lengths` says so.
            lengths: steps of each sequence, (B,); None where all are of one length.
        """
        states, _ = self.recurrent(self.steps(inputs))  # B T F -> B T w
        logits: Tensor = self.head(read_out(states, self.spec, lengths))
        return logits


class _Gated(nn.Module):
    """`depth` gated layers of width w - Dense w/2 with ReLU - Dense K."""

    reads_tokens = True
    reads_lengths = True
    base_width = 16
    capturable = True
    cell: type[nn.LSTM | nn.GRU]

    def __init__(self, spec: DataSpec, width: int, depth: int) -> None:
        super().__init__()
        dense_width = max(1, width // 2)
        self.spec = spec
        self.steps, features = steps_of(spec, width)
        self.recurrent = self.cell(features, width, depth, batch_first=True)
        self.dense = nn.Sequential(nn.Linear(width, dense_width), nn.ReLU())
        self.head = nn.Linear(dense_width, spec.num_outputs)
        initialise_as_keras(self)

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map inputs (B, C, *S) or tokens (B, T) to logits (B, K), or (B, T, K) per step.

        Args:
            inputs: padded at the end where `lengths` says so.
            lengths: steps of each sequence, (B,); None where all are of one length.
        """
        states, _ = self.recurrent(self.steps(inputs))  # B T F -> B T w
        logits: Tensor = self.head(self.dense(read_out(states, self.spec, lengths)))
        return logits


class LSTM(_Gated):
    """The article's network is `width=128, depth=2` on 28x28 images: 220,874 parameters."""

    cell = nn.LSTM


class GRU(_Gated):
    """The LSTM's network with gated recurrent units in its place."""

    cell = nn.GRU
