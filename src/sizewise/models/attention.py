"""The article's attention network (section 3.3).

Shapes: B batch, T time steps, F features per step, K classes, w width.
"""

from torch import Tensor, nn

from sizewise.data.spec import DataSpec
from sizewise.models.initialise import initialise_as_keras
from sizewise.models.recurrent import as_sequence


class DotProductAttention(nn.Module):
    """Self-attention without parameters: a_ij = softmax_j(s_i · s_j), y_i = Σ_j a_ij s_j.

    The scores are not divided by √w, as in Keras's `Attention` layer.
    """

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Map states (B, T, w) to attended states (B, T, w) and attention weights (B, T, T)."""
        scores = states @ states.transpose(1, 2)  # B T w, B w T -> B T T
        weights = scores.softmax(dim=-1)
        return weights @ states, weights


class Attention(nn.Module):
    """LSTM w, its whole sequence - self-attention - average over time - Dense K.

    The article's network is `width=64` on 28x28 images: 24,458 parameters.
    """

    def __init__(self, spec: DataSpec, width: int) -> None:
        super().__init__()
        self.recurrent = nn.LSTM(spec.sequence_shape[1], width, batch_first=True)
        self.attention = DotProductAttention()
        self.head = nn.Linear(width, spec.num_classes)
        initialise_as_keras(self)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (B, C, *S) to logits (B, K)."""
        return self.forward_with_weights(inputs)[0]

    def forward_with_weights(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Map inputs (B, C, *S) to logits (B, K) and attention weights (B, T, T)."""
        states, _ = self.recurrent(as_sequence(inputs))  # B T F -> B T w
        attended, weights = self.attention(states)
        return self.head(attended.mean(dim=1)), weights
