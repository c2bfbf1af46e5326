"""The transformer against PyTorch's own encoder, and its positions against their formula."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

from sizewise.data import DataSpec
from sizewise.models import Architecture, build
from sizewise.models.transformer import (
    Block,
    SelfAttention,
    Transformer,
    depth_of,
    rotated,
    rotations,
)
from sizewise.sizing import count_parameters, solve_width
from tests.builders import make_spec

TEXT = DataSpec("text", (12,), (), task="next_byte", num_tokens=256, per_step=True)
NAMES = {
    "attention_norm": "norm1",
    "attention.project": "self_attn.in_proj_",
    "attention.merge": "self_attn.out_proj",
    "dense_norm": "norm2",
    "dense.0": "linear1",
    "merge": "linear2",
}


def torchs(block: Block, width: int) -> nn.TransformerEncoderLayer:
    """Return PyTorch's layer with the weights of a block."""
    layer = nn.TransformerEncoderLayer(
        width, block.attention.heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
    )
    for ours, theirs in NAMES.items():
        for kind in ("weight", "bias"):
            separator = "" if theirs.endswith("_") else "."
            theirs_name = f"{theirs}{separator}{kind}"
            layer.get_parameter(theirs_name).data.copy_(block.get_parameter(f"{ours}.{kind}"))
    return layer


@pytest.mark.parametrize("causal", [True, False])
def test_a_block_equals_torchs_where_all_steps_are_at_position_0(causal: bool) -> None:
    width, steps = 64, 9
    block, states = Block(width, causal), torch.randn(3, steps, width)
    assert block.attention.heads == 2
    still = rotations(1, 32, states)
    mask = nn.Transformer.generate_square_subsequent_mask(steps) if causal else None
    torch.testing.assert_close(
        block(states, still), torchs(block, width)(states, mask), atol=1e-5, rtol=1e-5
    )


def test_a_pair_of_numbers_is_turned_by_its_steps_angle() -> None:
    vectors = torch.randn(2, 5, 6, dtype=torch.float64)
    turned = rotated(vectors, rotations(5, 6, vectors))
    for step in range(5):
        for pair in range(3):
            angle = step / 10_000 ** (2 * pair / 6)
            x, y = vectors[:, step, pair], vectors[:, step, pair + 3]
            expected = x * math.cos(angle) - y * math.sin(angle)
            torch.testing.assert_close(turned[:, step, pair], expected, atol=1e-6, rtol=0)
            expected = x * math.sin(angle) + y * math.cos(angle)
            torch.testing.assert_close(turned[:, step, pair + 3], expected, atol=1e-6, rtol=0)


def test_attention_knows_distances_and_not_places() -> None:
    layer, states = SelfAttention(24, causal=False), torch.randn(1, 7, 24)
    later = rotations(20, layer.head, states)[:, 13:]
    torch.testing.assert_close(
        layer(states, later), layer(states, rotations(7, layer.head, states)), atol=1e-5, rtol=1e-5
    )
    backwards = layer(states, rotations(7, layer.head, states).flip(1))
    assert not torch.allclose(layer(states, later), backwards, atol=1e-3)


@pytest.mark.parametrize("width", [33, 47])
def test_heads_that_the_width_does_not_fill_are_filled_up_with_0(width: int) -> None:
    layer, states = SelfAttention(width, causal=False), torch.randn(2, 5, width)
    rotation = rotations(5, layer.head, states)
    queries, keys, values = (
        nn.functional.pad(each, (0, 2 * layer.head - width)).unflatten(2, (2, -1)).transpose(1, 2)
        for each in layer.project(states).chunk(3, dim=2)
    )
    scores = rotated(queries, rotation) @ rotated(keys, rotation).mT / math.sqrt(layer.head)
    attended = (scores.softmax(dim=-1) @ values).transpose(1, 2).flatten(2)[..., :width]
    torch.testing.assert_close(layer(states, rotation), layer.merge(attended))


@pytest.mark.parametrize(
    ("size", "off"), [(1000, 0.07), (2000, 0.14), *((5000 * 2**n, 0.054) for n in range(9))]
)
def test_sizes_are_met(size: int, off: float) -> None:
    width = solve_width(size, TEXT, Architecture("transformer"))
    counted = count_parameters(build(TEXT, Architecture("transformer", width)))
    assert counted == pytest.approx(size, rel=off)


def test_the_count_grows_with_the_width_and_its_jumps_are_a_quarter_at_most() -> None:
    with torch.device("meta"):
        counts = [
            count_parameters(build(TEXT, Architecture("transformer", width)))
            for width in range(30, 300)
        ]
    assert all(1 < after / before < 1.26 for before, after in pairwise(counts))


@pytest.mark.parametrize(("width", "depth"), [(1, 4), (128, 4), (159, 4), (160, 5), (768, 24)])
def test_depth_follows_width(width: int, depth: int) -> None:
    assert depth_of(width) == depth
    with torch.device("meta"):
        assert len(Transformer(TEXT, width).blocks) == depth
        assert len(Transformer(TEXT, width, 2).blocks) == 2


@pytest.mark.parametrize("width", [1, 2, 3, 31, 32, 33, 65])
@pytest.mark.parametrize("spec", [TEXT, make_spec(), make_spec((3, 8, 8))], ids=str)
def test_any_width_builds(spec: DataSpec, width: int) -> None:
    answers = Transformer(spec, width)(spec.random_batch(2))
    assert answers.shape == (2, *spec.output_shape)
    assert answers.isfinite().all()


@pytest.mark.parametrize("init", [None, "pytorch"])
def test_the_last_layer_of_a_text_is_its_embedding(init: str | None) -> None:
    model = build(TEXT, Architecture("transformer", 16, init=init))
    embedding = model.get_parameter("steps.weight")
    assert model.get_parameter("head.weight") is embedding
    assert 0 < embedding.abs().max() <= 1 / math.sqrt(16)


def test_what_blocks_add_begins_the_smaller_the_more_there_are() -> None:
    shallow, deep = (Transformer(TEXT, 64, depth) for depth in (2, 32))
    for name in ("attention.merge", "merge"):
        weights = [model.get_parameter(f"blocks.0.{name}.weight") for model in (shallow, deep)]
        assert (weights[0].std() / weights[1].std()).item() == pytest.approx(4, rel=0.05)


def test_answers_after_each_step_ignore_what_lengths_cut_off() -> None:
    spec = replace(TEXT, unequal=True)
    model, text = build(spec, Architecture("transformer", 8)), TEXT.random_batch(2)
    lengths = torch.tensor([5, 12])
    torch.testing.assert_close(model(text, lengths)[0, :5], model(text[:1, :5])[0])
