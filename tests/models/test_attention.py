"""Attention against PyTorch's own and against the article's formula in loops."""

import math

import torch
from torch.nn import functional

from sizewise.models.attention import Attention, DotProductAttention
from sizewise.models.recurrent import as_sequence
from tests.builders import make_spec


def test_attention_equals_torchs_without_scaling() -> None:
    states = torch.randn(3, 9, 5)
    attended, _ = DotProductAttention()(states)
    expected = functional.scaled_dot_product_attention(states, states, states, scale=1.0)
    torch.testing.assert_close(attended, expected)


def test_attention_is_the_articles_formula() -> None:
    states = torch.randn(2, 4, 3, dtype=torch.float64)
    attended, weights = DotProductAttention()(states)
    for sample in range(2):
        for i in range(4):
            s = states[sample].tolist()
            scores = [sum(a * b for a, b in zip(s[i], s[j], strict=True)) for j in range(4)]
            total = sum(math.exp(score) for score in scores)
            a = [math.exp(score) / total for score in scores]
            y = [sum(a[j] * s[j][k] for j in range(4)) for k in range(3)]
            torch.testing.assert_close(weights[sample, i].tolist(), a)
            torch.testing.assert_close(attended[sample, i].tolist(), y)


def test_the_weights_of_each_step_sum_to_1() -> None:
    _, weights = DotProductAttention()(3 * torch.randn(3, 9, 5))
    assert weights.min() >= 0
    torch.testing.assert_close(weights.sum(dim=2), torch.ones(3, 9))
    assert not torch.allclose(weights.sum(dim=1), torch.ones(3, 9))


def test_the_network_averages_what_was_attended_over_time() -> None:
    model, images = Attention(make_spec((3, 8, 8)), 5), torch.randn(4, 3, 8, 8)
    logits, weights = model.forward_with_weights(images)
    states, _ = model.recurrent(as_sequence(images))
    attended = torch.einsum("bij,bjw->biw", weights, states)
    assert weights.shape == (4, 8, 8)
    torch.testing.assert_close(logits, model.head(attended.sum(dim=1) / 8))
    assert torch.equal(model(images), logits)
