"""Weights start as Keras starts them, or as PyTorch does."""

import math

import pytest
import torch
from torch import nn

from sizewise.models import Architecture, build
from sizewise.models.initialise import initialise_as_keras
from sizewise.sizing import parameters_of
from tests.builders import CLASSIFIERS, DEPTHS, make_model, make_spec, recurrent_layer

AS_KERAS = sorted(set(CLASSIFIERS) - {"residual_mlp", "strided_cnn", "bigru", "transformer"})
RECURRENT = ["lstm", "gru", "rnn", "attention"]


@pytest.mark.parametrize("family", AS_KERAS)
@pytest.mark.parametrize("shape", [(1, 40), (1, 28, 28)], ids=str)
def test_kernels_are_glorot_uniform(family: str, shape: tuple[int, ...]) -> None:
    seen = 0
    for module in make_model(family, 24, shape).modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
            weight = module.weight
            taps = math.prod(weight.shape[2:])
            bound = math.sqrt(6 / (weight.shape[1] * taps + weight.shape[0] * taps))
            assert weight.abs().max() <= bound
            assert weight.abs().max() > 0.9 * bound
            if weight.numel() > 500:
                assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1)
            seen += 1
    assert seen >= 1


@pytest.mark.parametrize("family", RECURRENT)
def test_input_kernels_are_glorot_uniform_over_all_gates(family: str) -> None:
    weight = recurrent_layer(make_model(family, 24, (1, 28, 28))).get_parameter("weight_ih_l0")
    bound = math.sqrt(6 / (28 + weight.shape[0]))  # Keras draws the gates as one kernel
    assert 0.9 * bound < weight.abs().max() <= bound


@pytest.mark.parametrize("family", RECURRENT)
def test_recurrent_kernels_are_orthogonal(family: str) -> None:
    layer = recurrent_layer(make_model(family, 24))
    for index in range(layer.num_layers):
        weight = getattr(layer, f"weight_hh_l{index}")
        torch.testing.assert_close(weight.T @ weight, torch.eye(24), atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", AS_KERAS)
def test_biases_are_zero_but_for_the_forget_gates(family: str) -> None:
    for name, parameter in make_model(family, 6).named_parameters():
        if "bias" not in name:
            continue
        expected = torch.zeros_like(parameter)
        if family in ("lstm", "attention") and "bias_ih" in name:
            expected[6:12] = 1
        assert torch.equal(parameter, expected), name


@pytest.mark.parametrize(
    ("family", "frozen"), [("lstm", True), ("attention", True), ("rnn", True), ("gru", False)]
)
def test_the_second_bias_is_frozen_where_keras_has_one(family: str, frozen: bool) -> None:
    layer = recurrent_layer(make_model(family, 6))
    for index in range(layer.num_layers):
        assert getattr(layer, f"bias_hh_l{index}").requires_grad is not frozen
        assert getattr(layer, f"bias_ih_l{index}").requires_grad


@pytest.mark.parametrize(
    ("family", "stays"), [("lstm", True), ("attention", True), ("rnn", True), ("gru", False)]
)
def test_a_frozen_bias_stays_zero_in_training(family: str, stays: bool) -> None:
    model = make_model(family, 6)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    model(torch.randn(4, 1, 40)).square().sum().backward()
    optimizer.step()
    bias = recurrent_layer(model).get_parameter("bias_hh_l0")
    assert torch.equal(bias, torch.zeros_like(bias)) is stays


def test_a_layer_without_bias_is_initialised_too() -> None:
    layer = nn.Linear(5, 3, bias=False)
    before = layer.weight.clone()
    initialise_as_keras(layer)
    assert not torch.equal(layer.weight, before)


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_on_request_kernels_and_biases_are_as_pytorch_draws_them(family: str) -> None:
    asked = Architecture(family, 24, DEPTHS.get(family), init="pytorch")
    seen = 0
    for module in build(make_spec(), asked).modules():
        if isinstance(module, nn.Linear | nn.Conv1d):
            bound = 1 / math.sqrt(module.weight[0].numel())
        elif isinstance(module, nn.RNNBase):
            bound = 1 / math.sqrt(module.hidden_size)
        else:
            continue
        for name, parameter in module.named_parameters():
            if not parameter.requires_grad:
                assert not parameter.any(), name
            elif parameter.numel() > 100:
                assert 0.9 * bound < parameter.abs().max() <= bound, name
                seen += 1
    assert seen >= 1


def test_the_size_is_the_same_however_weights_begin() -> None:
    keras, pytorch = (
        build(make_spec(), Architecture("lstm", 8, 2, init=i)) for i in (None, "pytorch")
    )
    assert parameters_of(keras) == parameters_of(pytorch)
