"""Recurrent networks against explicit loops over the steps with copied weights."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from sizewise.models.recurrent import RNN, as_sequence
from tests.builders import SHAPES, make_model, make_spec, recurrent_layer

WIDTH = 6
CELLS: dict[str, Callable[[int, int], nn.Module]] = {
    "LSTM": nn.LSTMCell,
    "GRU": nn.GRUCell,
    "RNN_TANH": nn.RNNCell,
}


def randomise(model: nn.Module) -> None:
    """Give every parameter, biases too, a value that would show if it were left out."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.4)


def unroll(layer: nn.RNNBase, sequence: Tensor) -> Tensor:
    """Run `layer` over sequence (B, T, F) cell by cell; return the top layer's states (B, T, w)."""
    for index in range(layer.num_layers):
        cell = CELLS[layer.mode](sequence.shape[2], layer.hidden_size)
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(cell, name).data.copy_(getattr(layer, f"{name}_l{index}"))
        state, states = None, []
        for step in range(sequence.shape[1]):
            state = cell(sequence[:, step], state)
            states.append(state[0] if layer.mode == "LSTM" else state)
        sequence = torch.stack(states, dim=1)
    return sequence


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("family", ["lstm", "gru", "rnn"])
def test_the_network_equals_a_loop_of_cells(family: str, shape: tuple[int, ...]) -> None:
    model, inputs = make_model(family, WIDTH, shape), torch.randn(3, *shape)
    randomise(model)
    last = unroll(recurrent_layer(model), as_sequence(inputs))[:, -1]
    if family != "rnn":
        last = model.get_submodule("dense")(last)
    torch.testing.assert_close(model(inputs), model.get_submodule("head")(last))


def test_the_attention_networks_states_equal_a_loop_of_cells() -> None:
    model, inputs = make_model("attention", WIDTH), torch.randn(3, 1, 40)
    randomise(model)
    layer, sequence = recurrent_layer(model), as_sequence(inputs)
    torch.testing.assert_close(layer(sequence)[0], unroll(layer, sequence))


def test_the_plain_recurrence_is_the_articles_formula() -> None:
    torch.manual_seed(0)
    model, inputs = RNN(make_spec((2, 7)), WIDTH, depth=1), torch.randn(4, 2, 7)
    with torch.no_grad():
        model.recurrent.get_parameter("bias_ih_l0").normal_()
        model.head.bias.normal_()
    w_xh, w_hh, b_h = (
        getattr(model.recurrent, name) for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0")
    )
    hidden = torch.zeros(4, WIDTH)
    for step in range(7):
        hidden = torch.tanh(hidden @ w_hh.T + inputs[:, :, step] @ w_xh.T + b_h)
    torch.testing.assert_close(model(inputs), hidden @ model.head.weight.T + model.head.bias)


def test_an_image_is_read_row_by_row() -> None:
    images = torch.arange(2 * 3 * 4 * 5).view(2, 3, 4, 5)  # B C H W
    steps = as_sequence(images)
    assert steps.shape == (2, 4, 15)
    for row in range(4):
        expected = torch.cat([images[1, channel, row] for channel in range(3)])
        assert torch.equal(steps[1, row], expected)


def test_a_sequence_is_read_step_by_step() -> None:
    steps = as_sequence(torch.tensor([[[1, 2, 3], [10, 20, 30]]]))  # one sample of two channels
    assert steps.tolist() == [[[1, 10], [2, 20], [3, 30]]]
