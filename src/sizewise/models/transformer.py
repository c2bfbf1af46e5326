"""The transformer: blocks of self-attention and dense layers, with rotary positions.

Shapes: B batch, T time steps, F features per step, K classes or tokens, w width, H heads, d numbers
in a head. An image is read row by row, so T is its height.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from sizewise.data.spec import DataSpec
from sizewise.models.initialise import initialise_as_keras
from sizewise.models.masks import after_end, mean_of_steps
from sizewise.models.recurrent import steps_of

HEAD = 32  # numbers in a head, at most
SHALLOWEST = 4
PER_LAYER = 32  # of the width
PERIOD = 10_000.0  # of the slowest rotation, in steps, over 2π


def depth_of(width: int) -> int:
    """Return the depth that goes with a width: w/32 rounded down, and at least 4.

    128 is thus 4 layers, as in nanoGPT's recipe for a CPU. A layer more is a jump in the parameter
    count, of a quarter at most, and the first is at 1.3M: below, the width alone decides.
    """
    return max(SHALLOWEST, width // PER_LAYER)


def heads_of(width: int) -> tuple[int, int]:
    """Return H, w/32 rounded up, and d, which is even, with H·d at least w."""
    heads = -(-width // HEAD)
    return heads, 2 * -(-width // (2 * heads))


def rotations(steps: int, head: int, like: Tensor) -> Tensor:
    """Return cosine and sine of each step's angles, (2, T, d/2), of the dtype and device of `like`.

    Step t turns pair i of a head's numbers by t / 10000^(2i/d): RoFormer (Su et al., 2021,
    https://arxiv.org/abs/2104.09864), section 3.2.2.
    """
    pairs = torch.arange(0, head, 2, device=like.device) / head
    angles = torch.arange(steps, device=like.device)[:, None] * PERIOD**-pairs
    return torch.stack([angles.cos(), angles.sin()]).to(like.dtype)


def rotated(vectors: Tensor, rotation: Tensor) -> Tensor:
    """Turn vectors (..., T, d) by their steps' angles; pair i is numbers i and i + d/2."""
    first, second = vectors.chunk(2, dim=-1)
    cosine, sine = rotation
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)


class SelfAttention(nn.Module):
    """Softmax attention in H heads of d numbers, its scores divided by √d.

    A product of a query and a key depends on the distance of their steps and not on where they are.
    Rotary positions have no parameters, so that all of a network's size computes. Where w numbers
    don't fill the heads the rest is 0, so that any width builds and none is rounded.
    """

    def __init__(self, width: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.head = heads_of(width)
        self.causal = causal
        self.project = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)

    def forward(self, states: Tensor, rotation: Tensor, present: Tensor | None = None) -> Tensor:
        """Map states (B, T, w) to attended states (B, T, w).

        Args:
            states: of each step.
            rotation: of `rotations`.
            present: which steps are attended to, (B, 1, 1, T); None where all are.
        """
        width = states.shape[-1]
        queries_keys_values = self.project(states).unflatten(-1, (3, width))  # B T w -> B T 3 w
        filled = functional.pad(queries_keys_values, (0, self.heads * self.head - width))
        by_head = filled.unflatten(-1, (self.heads, self.head)).permute(2, 0, 3, 1, 4)  # 3 B H T d
        queries, keys = rotated(by_head[:2], rotation)
        attended = functional.scaled_dot_product_attention(
            queries, keys, by_head[2], attn_mask=present, is_causal=self.causal
        )
        joined = attended.transpose(1, 2).flatten(2)  # B H T d -> B T H·d
        merged: Tensor = self.merge(joined[..., :width])
        return merged


class Block(nn.Module):
    """Attention and a dense layer of 4w with GELU, each behind a LayerNorm and added to its input.

    Pre-norm (Xiong et al., ICML 2020): it trains without a long warm-up.
    """

    def __init__(self, width: int, causal: bool) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = SelfAttention(width, causal)
        self.dense_norm = nn.LayerNorm(width)
        self.dense = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU())
        self.merge = nn.Linear(4 * width, width)

    def forward(self, states: Tensor, rotation: Tensor, present: Tensor | None = None) -> Tensor:
        """Map states (B, T, w) to states (B, T, w); `SelfAttention.forward` says from what."""
        states = states + self.attention(self.attention_norm(states), rotation, present)
        merged: Tensor = self.merge(self.dense(self.dense_norm(states)))
        return states + merged


class Transformer(nn.Module):
    """Embedding w - `depth` blocks of width w - LayerNorm - Dense K.

    Where an answer is asked for after each step, attention is causal; else each step attends to all
    and the mean over the steps is read out. The last layer of a network that reads tokens is its
    embedding, transposed (Press & Wolf, EACL 2017): a second table of 256 rows would be a quarter
    of a network of 10,000 parameters.

    A network of width w has w/32 layers, rounded down, and at least 4: see `depth_of`.
    """

    reads_tokens = True
    reads_lengths = True
    base_width = HEAD  # where heads are full, so that they grow in number alone
    capturable = True

    def __init__(self, spec: DataSpec, width: int, depth: int | None = None) -> None:
        super().__init__()
        depth = depth_of(width) if depth is None else depth
        self.spec, self.width = spec, width
        steps, features = steps_of(spec, width)
        if not isinstance(steps, nn.Embedding):
            steps = nn.Sequential(steps, nn.Linear(features, width))
        self.steps = steps
        self.blocks = nn.ModuleList(Block(width, spec.per_step) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, spec.num_outputs)
        if isinstance(steps, nn.Embedding):
            self.head.weight = steps.weight
        self._initialise(depth)

    def _initialise(self, depth: int) -> None:
        """Initialise as Keras does, with what blocks add scaled down by √(2·depth) as in GPT-2.

        So states keep their scale whatever the depth (Radford et al., 2019, section 2.3).
        """
        initialise_as_keras(self)
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, Block | SelfAttention):
                    module.merge.weight.mul_((2 * depth) ** -0.5)

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map inputs (B, C, *S) or tokens (B, T) to logits (B, K), or (B, T, K) per step.

        Args:
            inputs: padded at the end where `lengths` says so.
            lengths: steps of each sequence, (B,); None where all are of one length.
        """
        states = self.steps(inputs)  # B T F -> B T w
        rotation = rotations(states.shape[1], heads_of(self.width)[1], states)
        present = None
        if lengths is not None and not self.spec.per_step:  # causal: the end never sees beyond it
            present = ~after_end(lengths, states.shape[1])[:, None, None]
        for block in self.blocks:
            states = block(states, rotation, present)
        states = self.norm(states)
        logits: Tensor = self.head(states if self.spec.per_step else mean_of_steps(states, lengths))
        return logits
