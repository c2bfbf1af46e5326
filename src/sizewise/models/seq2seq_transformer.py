"""Encoder and decoder of attention alone (Vaswani et al., 2017, https://arxiv.org/abs/1706.03762).

The encoder's blocks attend to all that is read, the decoder's to what is answered so far and, by
cross-attention, to the encoder's states. Positions are added to the embeddings, and not rotary as
in `transformer`: cross-attention looks for a place in what was read, and that of a symbol of the
answer may tell it (S-1-t, where an answer is the reverse), while their distance tells nothing.

Shapes: B batch, S symbols that are read, T symbols of the answer, t those said before, V to choose
from, w width, H heads, d numbers in a head.
"""

import math
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from sizewise.data.spec import DataSpec
from sizewise.models.decoding import decode
from sizewise.models.initialise import initialise_as_keras
from sizewise.models.masks import after_end
from sizewise.models.transformer import HEAD, Block, depth_of, heads_of, rotations


def positions(steps: int, like: Tensor) -> Tensor:
    """Return numbers that say where each step is, (T, w): Vaswani et al. (2017), section 3.5.

    Step t has the cosines and the sines of t / 10000^(2i/w), side by side instead of in turn. They
    are of the width, dtype and device of `like`, (..., w).
    """
    width = like.shape[-1]
    return torch.cat([*rotations(steps, width + width % 2, like)], dim=-1)[:, :width]


class Attention(nn.Module):
    """Softmax attention in H heads of d numbers, which are those of `heads_of`, with its weights.

    Keys and values are apart from it, so that what was read or said is projected once.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads, self.head = heads_of(width)
        self.ask = nn.Linear(width, width)
        # A bias of keys falls out of the softmax, and one of values adds to that of `merge`.
        self.offer = nn.Linear(width, 2 * width, bias=False)
        self.merge = nn.Linear(width, width)

    def _by_head(self, numbers: Tensor) -> Tensor:
        """Part (..., T, w) into heads (..., H, T, d), filled up with 0."""
        filled = functional.pad(numbers, (0, self.heads * self.head - numbers.shape[-1]))
        by_head: Tensor = filled.unflatten(-1, (self.heads, self.head)).transpose(-3, -2)
        return by_head

    def offered(self, read: Tensor) -> Tensor:
        """Return keys and values (2, B, H, S, d) of states (B, S, w)."""
        return torch.stack([self._by_head(each) for each in self.offer(read).chunk(2, dim=2)])

    def forward(
        self, states: Tensor, offered: Tensor, hidden: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Map states (B, T, w) to what they find, (B, T, w), and the heads' mean weights (B, T, S).

        Args:
            states: that ask.
            offered: keys and values, (2, B, H, S, d).
            hidden: what is not attended to; spreads to (B, H, T, S). None where all is.
        """
        keys, values = offered
        scores = self._by_head(self.ask(states)) @ keys.mT / math.sqrt(self.head)  # B H T S
        if hidden is not None:
            scores = scores.masked_fill(hidden, -torch.inf)
        weights = scores.softmax(dim=3)
        found = (weights @ values).transpose(1, 2).flatten(2)  # B H T d -> B T H·d
        return self.merge(found[..., : states.shape[2]]), weights.mean(dim=1)


class DecoderBlock(nn.Module):
    """Causal self-attention, cross-attention and a dense layer of 4w, pre-norm as `Block`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width)
        self.reading_norm = nn.LayerNorm(width)
        self.reading = Attention(width)
        self.dense_norm = nn.LayerNorm(width)
        self.dense = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU())
        self.merge = nn.Linear(4 * width, width)

    def forward(
        self, states: Tensor, said: Tensor, read: Tensor, absent: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Map states (B, T, w) to states, weights (B, T, S) and `said` with theirs, for the next.

        Args:
            states: of symbols that follow those said before.
            said: keys and values of those, (2, B, H, t, d).
            read: keys and values of the encoder's states, (2, B, H, S, d).
            absent: which of these are not there, (B, 1, 1, S); None where all are.
        """
        asking = self.attention_norm(states)
        before = said.shape[3]
        said = torch.cat([said, self.attention.offered(asking)], dim=3)
        later = torch.ones(said.shape[3], said.shape[3], dtype=torch.bool, device=said.device)
        found, _ = self.attention(asking, said, later.triu(1)[before:])
        states = states + found
        found, weights = self.reading(self.reading_norm(states), read, absent)
        states = states + found
        return states + self.merge(self.dense(self.dense_norm(states))), weights, said


class Seq2SeqTransformer(nn.Module):
    """Embedding w, blocks, norm - embedding w, blocks with cross-attention, norm, Dense V.

    Half of the `depth` blocks, rounded down, read, and the others answer; of a network of width w
    there are as many as `transformer` has: see `depth_of`. The last layer is the embedding of the
    answers' symbols, transposed, as there.
    """

    reads_pairs = True
    base_width = HEAD
    capturable = True

    def __init__(self, spec: DataSpec, width: int, depth: int | None = None) -> None:
        super().__init__()
        depth = depth_of(width) if depth is None else depth
        reading = depth // 2
        self.longest = spec.longest_answer
        self.source = nn.Embedding(len(spec.source_names), width)
        self.encoder = nn.ModuleList(Block(width, causal=False) for _ in range(reading))
        self.encoder_norm = nn.LayerNorm(width)
        self.answer = nn.Embedding(spec.num_outputs, width)
        self.decoder = nn.ModuleList(DecoderBlock(width) for _ in range(depth - reading))
        self.decoder_norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, spec.num_outputs)
        self.head.weight = self.answer.weight
        self._initialise()

    def _initialise(self) -> None:
        """Initialise as Keras does, with what blocks add scaled down as in `Transformer`."""
        initialise_as_keras(self)
        for blocks in (self.encoder, self.decoder):
            added = [each for name, each in blocks.named_parameters() if "merge.weight" in name]
            with torch.no_grad():
                for weight in added:
                    weight.mul_(len(added) ** -0.5)

    def forward(
        self, inputs: Tensor, lengths: Tensor | None = None, prompts: Tensor | None = None
    ) -> Tensor:
        """Map symbols (B, S) to logits (B, T, V): `Seq2Seq.forward` says from what."""
        return self.forward_with_weights(inputs, lengths, prompts)[0]

    def forward_with_weights(
        self, inputs: Tensor, lengths: Tensor | None = None, prompts: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map symbols to logits, as `forward`, and what the last block weighed, (B, T, S).

        Weights are those of cross-attention, the mean over heads.
        """
        absent = present = None
        if lengths is not None:
            absent = after_end(lengths, inputs.shape[1])[:, None, None]  # B 1 1 S
            present = ~absent
        states = self.source(inputs)  # B S -> B S w
        states = states + positions(states.shape[1], states)
        still = rotations(1, heads_of(states.shape[2])[1], states)  # positions are added instead
        for block in self.encoder:
            states = block(states, still, present)
        states = self.encoder_norm(states)
        read = [cast("Attention", block.reading).offered(states) for block in self.decoder]
        nothing = [each[:, :, :, :0] for each in read]
        if prompts is not None:
            return self._answer(prompts, nothing, read, absent)[:2]
        answer = partial(self._answer, read=read, absent=absent)
        return decode(answer, nothing, inputs, self.longest)

    def _answer(
        self, symbols: Tensor, said: list[Tensor], read: list[Tensor], absent: Tensor | None
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return logits and weights after symbols (B, T), and each block's `said` with these."""
        states = self.answer(symbols)  # B T -> B T w
        before = said[0].shape[3]
        states = states + positions(before + states.shape[1], states)[before:]
        kept = []
        for block, known, offered in zip(self.decoder, said, read, strict=True):
            states, weights, known = block(states, known, offered, absent)
            kept.append(known)
        return self.head(self.decoder_norm(states)), weights, kept
