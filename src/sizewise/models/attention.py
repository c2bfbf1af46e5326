"""The article's attention network (section 3.3).

Shapes: B batch, T time steps, F features per step, K classes or tokens, w width.
"""

import torch
from torch import Tensor, nn

from sizewise.data.spec import DataSpec
from sizewise.models.initialise import initialise_as_keras
from sizewise.models.masks import after_end, mean_of_steps
from sizewise.models.recurrent import steps_of


class DotProductAttention(nn.Module):
    """Self-attention without parameters: a_ij = softmax_j(s_i · s_j), y_i = Σ_j a_ij s_j.

    The scores are not divided by √w, as in Keras's `Attention` layer, but for `score_scale`, which
    is 1 without muP. Where it is causal, a step attends to itself and those before.
    """

    def __init__(self, causal: bool = False) -> None:
        super().__init__()
        self.causal = causal
        self.score_scale = 1.0

    def forward(self, states: Tensor, absent: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Map states (B, T, w) to attended states (B, T, w) and attention weights (B, T, T).

        To steps that are `absent`, (B, T), nothing attends.
        """
        scores = states @ states.transpose(1, 2)  # B T w, B w T -> B T T
        if self.score_scale != 1.0:
            scores = self.score_scale * scores
        if self.causal:
            later = torch.ones_like(scores[0], dtype=torch.bool).triu(1)
            scores = scores.masked_fill(later, -torch.inf)
        if absent is not None:
            scores = scores.masked_fill(absent[:, None], -torch.inf)
        weights = scores.softmax(dim=-1)
        return weights @ states, weights


class Attention(nn.Module):
    """LSTM w, its whole sequence - self-attention - average over time - Dense K.

    Where an answer is asked for after each step, attention is causal and nothing is averaged. Where
    sequences have lengths, steps after the end are neither attended to nor averaged.
    The article's network is `width=64` on 28x28 images: 24,458 parameters.
    """

    reads_tokens = True
    reads_lengths = True
    base_width = 16
    capturable = True

    def __init__(self, spec: DataSpec, width: int) -> None:
        super().__init__()
        self.spec = spec
        self.steps, features = steps_of(spec, width)
        self.recurrent = nn.LSTM(features, width, batch_first=True)
        self.attention = DotProductAttention(causal=spec.per_step)
        self.head = nn.Linear(width, spec.num_outputs)
        initialise_as_keras(self)

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map inputs (B, C, *S) or tokens (B, T) to logits (B, K), or (B, T, K) per step.

        Args:
            inputs: padded at the end where `lengths` says so.
            lengths: steps of each sequence, (B,); None where all are of one length.
        """
        return self.forward_with_weights(inputs, lengths)[0]

    def forward_with_weights(
        self, inputs: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map inputs to logits, as `forward`, and attention weights (B, T, T)."""
        states, _ = self.recurrent(self.steps(inputs))  # B T F -> B T w
        absent = None if lengths is None else after_end(lengths, states.shape[1])
        attended, weights = self.attention(states, absent)
        answered = attended if self.spec.per_step else mean_of_steps(attended, lengths)
        return self.head(answered), weights
