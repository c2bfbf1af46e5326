"""Encoder and decoder: a network reads a sequence, and another writes the answer (section 3.3).

The encoder's last state begins the decoder (Sutskever et al., 2014, arXiv 1409.3215), through one
layer, as in Bahdanau et al. (2015, arXiv 1409.0473, appendix A.2.2). Without attention that state
is all that the decoder has of what was read; with it, each of its steps looks back at all states of
the encoder.

The order is that of Luong et al. (2015, arXiv 1508.04025, section 3): the decoder's state at a step
asks, and what it finds goes into the answer, not into the next state as with Bahdanau et al. So no
state depends on what was found, and training's whole pass over an answer is one call of PyTorch's
recurrent layer, as without attention.

The encoder reads forward only: reading backward too, as Bahdanau et al. do, would hand the start of
a sequence to the decoder without attention, whose lack of it is what is compared.

Shapes: B batch, S symbols that are read, T symbols of the answer, V to choose from, w width.
"""

from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sizewise.data.spec import DataSpec
from sizewise.models.decoding import decode
from sizewise.models.initialise import initialise_as_keras
from sizewise.models.masks import after_end

State = Any  # of a decoder: what PyTorch's cell takes and returns


class DotProduct(nn.Module):
    """Scores s_t · e_s; the answer is made of tanh(W [c_t; s_t]), c_t the mean of e_s so weighted.

    Luong et al. (2015), section 3.1, `dot`.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.joined = nn.Linear(2 * width, width)
        self.score_scale = 1.0  # another one under muP

    def scores(self, states: Tensor, read: Tensor) -> Tensor:
        """Map states of decoder (B, T, w) and encoder (B, S, w) to (B, T, S)."""
        scores = states @ read.transpose(1, 2)
        return scores if self.score_scale == 1.0 else self.score_scale * scores

    def forward(self, states: Tensor, read: Tensor, absent: Tensor | None) -> tuple[Tensor, Tensor]:
        """Map states of decoder and encoder to what is answered from, (B, T, w), and weights.

        Weights are (B, T, S); to steps of the encoder that are `absent`, (B, S), nothing attends.
        """
        scores = self.scores(states, read)
        if absent is not None:
            scores = scores.masked_fill(absent[:, None], -torch.inf)
        weights = scores.softmax(dim=2)
        found = weights @ read  # B T S, B S w -> B T w
        return self.joined(torch.cat([found, states], dim=2)).tanh(), weights


class Additive(DotProduct):
    """Scores v · tanh(W s_t + U e_s): Bahdanau et al. (2015), appendix A.1.2."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.asked = nn.Linear(width, width, bias=False)
        self.offered = nn.Linear(width, width)
        self.score = nn.Linear(width, 1, bias=False)

    def scores(self, states: Tensor, read: Tensor) -> Tensor:
        asked, offered = self.asked(states)[:, :, None], self.offered(read)[:, None]
        scores: Tensor = self.score((asked + offered).tanh()).squeeze(3)  # B T S w -> B T S
        return scores


class Seq2Seq(nn.Module):
    """Embedding w, LSTM w - embedding w, LSTM w, attention if it has any - Dense V."""

    reads_pairs = True
    base_width = 16
    capturable = True
    cell: ClassVar[type[nn.LSTM | nn.GRU]] = nn.LSTM
    attends: ClassVar[type[DotProduct] | None] = None

    def __init__(self, spec: DataSpec, width: int) -> None:
        super().__init__()
        self.longest = spec.longest_answer
        self.source = nn.Embedding(len(spec.source_names), width)
        self.encoder = self.cell(width, width, batch_first=True)
        self.bridge = nn.Linear(width, width)
        self.answer = nn.Embedding(spec.num_outputs, width)
        self.decoder = self.cell(width, width, batch_first=True)
        self.attention = None if self.attends is None else self.attends(width)
        self.head = nn.Linear(width, spec.num_outputs)
        initialise_as_keras(self)

    def forward(
        self, inputs: Tensor, lengths: Tensor | None = None, prompts: Tensor | None = None
    ) -> Tensor:
        """Map symbols (B, S) to logits (B, T, V) of the symbols that answer them.

        Args:
            inputs: padded at the end where `lengths` says so.
            lengths: of each sequence, (B,); None where all are of one length.
            prompts: what comes before each symbol of the answers, (B, T), 0 first. Without them the
                network goes on from its own likeliest symbols, for as many steps as the longest
                answer has.
        """
        return self.forward_with_weights(inputs, lengths, prompts)[0]

    def forward_with_weights(
        self, inputs: Tensor, lengths: Tensor | None = None, prompts: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map symbols to logits, as `forward`, and attention weights (B, T, S).

        Without attention these are (B, T, 0).
        """
        read, _ = self.encoder(self.source(inputs))  # B S w -> B S w
        absent, last = None, read[:, -1]
        if lengths is not None:  # no state depends on later steps: the padding changes nothing
            absent = after_end(lengths, read.shape[1])
            last = read[torch.arange(len(read), device=read.device), lengths - 1]
        memory = self.bridge(last)[None]  # 1 B w
        begin = (memory.tanh(), memory) if self.cell is nn.LSTM else memory.tanh()
        if prompts is not None:
            return self._answer(prompts, begin, read, absent)[:2]
        answer = partial(self._answer, read=read, absent=absent)
        return decode(answer, begin, inputs, self.longest)

    def _answer(
        self, before: Tensor, state: State, read: Tensor, absent: Tensor | None
    ) -> tuple[Tensor, Tensor, State]:
        """Return logits and weights after symbols (B, T), and the decoder's state after all."""
        states, state = self.decoder(self.answer(before), state)  # B T w -> B T w
        weights = states.new_empty(*before.shape, 0)
        if self.attention is not None:
            states, weights = self.attention(states, read, absent)
        return self.head(states), weights, state


class Seq2SeqDot(Seq2Seq):
    """With attention by dot product."""

    attends = DotProduct


class Seq2SeqAdditive(Seq2Seq):
    """With additive attention."""

    attends = Additive


class Seq2SeqGRU(Seq2Seq):
    """With gated recurrent units in the LSTM's place."""

    cell = nn.GRU


class Seq2SeqGRUDot(Seq2SeqDot):
    """With gated recurrent units in the LSTM's place."""

    cell = nn.GRU


class Seq2SeqGRUAdditive(Seq2SeqAdditive):
    """With gated recurrent units in the LSTM's place."""

    cell = nn.GRU
