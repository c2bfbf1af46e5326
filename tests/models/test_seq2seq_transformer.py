"""The encoder and decoder of attention alone: its parts against formulas and PyTorch's own."""

import math

import pytest
import torch
from torch import Tensor, nn

from sizewise.flops import flops_per_sample
from sizewise.models import Architecture, build
from sizewise.models.seq2seq_transformer import (
    Attention,
    DecoderBlock,
    Seq2SeqTransformer,
    positions,
)
from sizewise.sizing import count_parameters
from tests.models.test_seq2seq import SPEC

NAMES = {
    "attention_norm": "norm1",
    "reading_norm": "norm2",
    "dense_norm": "norm3",
    "attention.merge": "self_attn.out_proj",
    "reading.merge": "multihead_attn.out_proj",
    "dense.0": "linear1",
    "merge": "linear2",
}


def torchs(block: DecoderBlock, width: int) -> nn.TransformerDecoderLayer:
    """Return PyTorch's layer with the weights of a block; it has biases where ours has none."""
    layer = nn.TransformerDecoderLayer(
        width, block.attention.heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
    )
    for ours, theirs in NAMES.items():
        for kind in ("weight", "bias"):
            copied = block.get_parameter(f"{ours}.{kind}")
            layer.get_parameter(f"{theirs}.{kind}").data.copy_(copied)
    for own, other in ((block.attention, layer.self_attn), (block.reading, layer.multihead_attn)):
        nn.init.normal_(own.ask.bias)
        other.in_proj_weight.data.copy_(torch.cat([own.ask.weight, own.offer.weight]))
        other.in_proj_bias.data.zero_()[:width].copy_(own.ask.bias)
    return layer


def test_a_block_equals_torchs_and_so_it_does_symbol_by_symbol() -> None:
    width, steps = 64, 5
    block, states, encoded = (
        DecoderBlock(width),
        torch.randn(3, steps, width),
        torch.randn(3, 7, 64),
    )
    assert block.attention.heads == 2
    absent = torch.arange(7) >= torch.tensor([7, 2, 4])[:, None]
    causal = nn.Transformer.generate_square_subsequent_mask(steps) < 0
    expected = torchs(block, width)(
        states, encoded, tgt_mask=causal, memory_key_padding_mask=absent
    )

    read, said = block.reading.offered(encoded), torch.empty(2, 3, 2, 0, 32)
    hidden = absent[:, None, None]
    torch.testing.assert_close(block(states, said, read, hidden)[0], expected, atol=1e-5, rtol=1e-5)
    for step in range(steps):
        found, _, said = block(states[:, step : step + 1], said, read, hidden)
        torch.testing.assert_close(found[:, 0], expected[:, step], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("width", [6, 7])
def test_positions_are_cosines_and_sines_of_a_steps_angles(width: int) -> None:
    found, pairs = positions(5, torch.empty(1, width, dtype=torch.float64)), -(-width // 2)
    assert found.shape == (5, width)
    for step in range(5):
        for number, value in enumerate(found[step].tolist()):
            turn = math.cos if number < pairs else math.sin
            angle = step / 10_000 ** (2 * (number % pairs) / (2 * pairs))
            assert value == pytest.approx(turn(angle), abs=1e-6)


def test_heads_that_the_width_does_not_fill_are_filled_up_with_0() -> None:
    layer, states, read = Attention(33), torch.randn(2, 3, 33), torch.randn(2, 5, 33)

    def parted(numbers: Tensor) -> Tensor:
        by_head: Tensor = nn.functional.pad(numbers, (0, 3)).unflatten(2, (2, 18))
        return by_head.transpose(1, 2)

    keys, values = (parted(each) for each in layer.offer(read).chunk(2, dim=2))
    by_head = (parted(layer.ask(states)) @ keys.mT / math.sqrt(18)).softmax(dim=3)
    expected = layer.merge((by_head @ values).transpose(1, 2).flatten(2)[..., :33])

    found, weights = layer(states, layer.offered(read), None)

    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(weights, by_head.mean(dim=1))


@pytest.mark.parametrize("w", [1, 6, 33])
def test_parameters_by_hand(w: int) -> None:
    """Of 5 blocks 2 read; of attention's layers, keys and values of a decoder have no bias."""
    dense, norm = (w + 1) * 4 * w + (4 * w + 1) * w, 2 * w
    reads = 4 * (w + 1) * w + dense + 2 * norm
    answers = 2 * (4 * w * w + 2 * w) + dense + 3 * norm
    expected = (5 + 4) * w + 2 * reads + 3 * answers + 2 * norm + 4
    assert count_parameters(build(SPEC, Architecture("seq2seq_transformer", w, 5))) == expected


def test_flops_are_those_of_the_longest_answer_by_hand() -> None:
    """7 symbols are read and 6 written, each of which attends to itself and those before."""
    w, both = 8, 2  # numbers in a symbol; blocks that read, and as many that write
    reads = 7 * 2 * 12 * w * w + 2 * (2 * 7 * 7 * w)
    offers = 7 * 2 * 2 * w * w
    writes = (
        6 * 2 * (4 + 2 + 8) * w * w + 2 * (2 * (1 + 2 + 3 + 4 + 5 + 6) * w) + 2 * (2 * 6 * 7 * w)
    )
    forward = both * (reads + offers + writes) + 6 * 2 * w * 4
    model = build(SPEC, Architecture("seq2seq_transformer", w))
    assert flops_per_sample(model, SPEC) == (forward, 3 * forward)


@pytest.mark.parametrize(("width", "reading", "writing"), [(1, 2, 2), (159, 2, 2), (160, 2, 3)])
def test_half_of_the_blocks_read(width: int, reading: int, writing: int) -> None:
    with torch.device("meta"):
        model = Seq2SeqTransformer(SPEC, width)
    assert (len(model.encoder), len(model.decoder)) == (reading, writing)


@pytest.mark.parametrize(("init", "bound"), [(None, math.sqrt(6 / (4 + 16))), ("pytorch", 1 / 4)])
def test_the_last_layer_is_the_embedding_of_answers(init: str | None, bound: float) -> None:
    model = build(SPEC, Architecture("seq2seq_transformer", 16, init=init))
    embedding = model.get_parameter("answer.weight")
    assert model.get_parameter("head.weight") is embedding
    assert 0 < embedding.abs().max() <= bound
