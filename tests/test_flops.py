"""FLOPs of sizewise's own networks and of a user's, by hand and against unrolled networks."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence
from torch.utils.flop_counter import FlopCounterMode

from sizewise.flops import flops_per_sample
from sizewise.models import Architecture, build
from sizewise.models.recurrent import as_sequence
from tests.builders import CLASSIFIERS, SHAPES, make_model, make_spec, recurrent_layer

GATES = {"RNN_TANH": 1, "GRU": 3, "LSTM": 4}
RECURRENT = ["lstm", "gru", "rnn"]


def count_flops(forward: Callable[[Tensor], Tensor], inputs: Tensor) -> tuple[int, int]:
    """Return what PyTorch's counter sees of one forward pass, and of one with its backward."""
    with FlopCounterMode(display=False) as inference, torch.no_grad():
        forward(inputs)
    with FlopCounterMode(display=False) as training:
        forward(inputs).sum().backward()
    return inference.get_total_flops(), training.get_total_flops()


def unrolled(layer: nn.RNNBase) -> Callable[[Tensor], Tensor]:
    """Return a function with the matrix products of `layer`, step by step, for the counter to see.

    The first state asks for a gradient, as every later one has it: PyTorch's fused kernels
    treat all steps alike.
    """

    def forward(sequence: Tensor) -> Tensor:
        for index in range(layer.num_layers):
            w_ih, w_hh = (getattr(layer, f"{name}_l{index}") for name in ("weight_ih", "weight_hh"))
            gates = GATES[layer.mode]
            state = torch.zeros(len(sequence), layer.hidden_size, requires_grad=True)
            states = []
            for step in range(sequence.shape[1]):
                products = sequence[:, step] @ w_ih.T + state @ w_hh.T
                state = torch.stack(products.chunk(gates, dim=1)).sum(dim=0).tanh()
                states.append(state)
            sequence = torch.stack(states, dim=1)
        return sequence

    return forward


# Products by hand: those that read the network's input, and the others.
IMAGE = (1, 28, 28)
BY_HAND: dict[str, tuple[str, int | None, int | None, tuple[int, ...], int, int]] = {
    "the article's cnn": (
        *("cnn", 32, None, IMAGE, 2 * 26 * 26 * 32 * 9),
        2 * 11 * 11 * 64 * 32 * 9 + 2 * 3 * 3 * 64 * 64 * 9 + 2 * 576 * 64 + 2 * 64 * 10,
    ),
    "a cnn on sequences": (
        *("cnn", 7, None, (1, 40), 2 * 38 * 7 * 3),
        2 * 17 * 14 * 7 * 3 + 2 * 6 * 14 * 14 * 3 + 2 * 6 * 14 * 14 + 2 * 14 * 10,
    ),
    "the article's lstm": (
        *("lstm", 128, 2, IMAGE, 2 * 28 * 512 * 28),
        2 * 28 * 512 * (128 + 128 + 128) + 2 * 128 * 64 + 2 * 64 * 10,
    ),
    "the article's attention": (
        *("attention", 64, None, IMAGE, 2 * 28 * 256 * 28),
        2 * 28 * 256 * 64 + 2 * (2 * 28 * 28 * 64) + 2 * 64 * 10,
    ),
    "a gru": ("gru", 8, 1, (1, 40), 2 * 40 * 24, 2 * 40 * 24 * 8 + 2 * 8 * 4 + 2 * 4 * 10),
    "an rnn": ("rnn", 8, 1, (1, 40), 2 * 40 * 8, 2 * 40 * 8 * 8 + 2 * 8 * 10),
    "a perceptron": ("mlp", 7, 2, (1, 5), 2 * 5 * 7, 2 * 7 * 7 + 2 * 7 * 10),
    "a residual perceptron": (
        *("residual_mlp", 7, None, (1, 5), 2 * 5 * 7),
        2 * 7 * 7 + 2 * 7 * 10,
    ),
    "a strided cnn": (
        *("strided_cnn", 7, None, (1, 40), 2 * 19 * 7 * 5),
        2 * 10 * 7 * 7 * 3 + 2 * 5 * 7 * 7 * 3 + 2 * 35 * 10,
    ),
    "a gru in both directions": (
        *("bigru", 6, None, (1, 40), 2 * 2 * 40 * 18),
        2 * 2 * 40 * 18 * 6 + 2 * 480 * 10,
    ),
    "a transformer": (  # 2 heads of 18 numbers, which 33 don't fill
        *("transformer", 33, 2, (1, 40), 2 * 40 * 33),
        2 * (2 * 40 * 12 * 33 * 33 + 2 * (2 * 40 * 40 * 2 * 18)) + 2 * 33 * 10,
    ),
    "logistic": ("logistic", None, None, (3, 8, 8), 2 * 192 * 10, 0),
}


@pytest.mark.parametrize("case", BY_HAND.values(), ids=BY_HAND)
def test_flops_of_each_family_by_hand(
    case: tuple[str, int | None, int | None, tuple[int, ...], int, int],
) -> None:
    family, width, depth, shape, first, rest = case
    flops = flops_per_sample(
        build(make_spec(shape), Architecture(family, width, depth)), make_spec(shape)
    )
    assert flops == (first + rest, 2 * first + 3 * rest)


def test_each_family_is_counted_by_hand() -> None:
    assert {case[0] for case in BY_HAND.values()} == set(CLASSIFIERS)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("family", RECURRENT)
def test_recurrent_flops_are_those_of_the_unrolled_network(
    family: str, shape: tuple[int, ...]
) -> None:
    model = make_model(family, 7, shape)
    layer = unrolled(recurrent_layer(model))

    def forward(inputs: Tensor) -> Tensor:
        last = layer(as_sequence(inputs))[:, -1]
        if family != "rnn":
            last = model.get_submodule("dense")(last)
        logits: Tensor = model.get_submodule("head")(last)
        return logits

    assert flops_per_sample(model, make_spec(shape)) == count_flops(forward, torch.randn(1, *shape))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_attention_flops_are_those_of_the_unrolled_network(shape: tuple[int, ...]) -> None:
    model = make_model("attention", 7, shape)
    layer = unrolled(recurrent_layer(model))

    def forward(inputs: Tensor) -> Tensor:
        states = layer(as_sequence(inputs))
        weights = (states @ states.transpose(1, 2)).softmax(dim=-1)
        logits: Tensor = model.get_submodule("head")((weights @ states).mean(dim=1))
        return logits

    assert flops_per_sample(model, make_spec(shape)) == count_flops(forward, torch.randn(1, *shape))


@pytest.mark.parametrize("training", [True, False])
def test_counting_flops_works_and_changes_nothing_with_batch_norm(training: bool) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(40, 6), nn.BatchNorm1d(6), nn.Linear(6, 10))
    model.train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    flops = flops_per_sample(model, make_spec())
    assert flops is not None
    assert flops.inference == 2 * 40 * 6 + 2 * 6 * 10
    assert model.training is training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


class Own(nn.Module):
    """A network of the user's own: a layer 1 -> W over 40 steps, then `body`, then the mean."""

    def __init__(
        self, body: Callable[[Tensor], Tensor], *layers: nn.Module, width: int = 8
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(1, width)
        self.head = nn.Linear(width, 10)
        self.layers = nn.ModuleList(layers)
        self.body = body

    def forward(self, inputs: Tensor) -> Tensor:
        states = self.body(self.embed(inputs.transpose(1, 2)))  # B 1 40 -> B 40 W
        logits: Tensor = self.head(states.mean(dim=1))
        return logits


T, W = 40, 8
FRAME = 2 * T * W, 2 * W * 10  # the first layer, whose input needs no gradient, and the head


def own_flops(*products: int) -> tuple[int, int]:
    """Return the FLOPs of `Own` with these products in its body, each reading what is trained."""
    first, head = FRAME
    inner = sum(products)
    return first + inner + head, 2 * first + 3 * (inner + head)


def scores_by_product(states: Tensor) -> Tensor:
    return (states @ states.transpose(1, 2)).softmax(dim=-1) @ states


def scores_by_einsum(states: Tensor) -> Tensor:
    weights = torch.einsum("btw,bsw->bts", states, states).softmax(dim=-1)
    return torch.einsum("bts,bsw->btw", weights, states)


def scores_by_heads(states: Tensor) -> Tensor:
    heads = states.unflatten(2, (2, W // 2)).transpose(1, 2)  # B T W -> B 2 T W/2
    weights = torch.matmul(heads, heads.transpose(2, 3)).softmax(dim=-1)
    return torch.matmul(weights, heads).transpose(1, 2).flatten(2)


def scores_by_function(states: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(states, states, states)


@pytest.mark.parametrize(
    "body", [scores_by_product, scores_by_einsum, scores_by_heads, scores_by_function]
)
def test_attention_written_out_in_forward_is_counted(body: Callable[[Tensor], Tensor]) -> None:
    assert flops_per_sample(Own(body), make_spec()) == own_flops(2 * T * T * W, 2 * T * T * W)


class Scaled(nn.Linear):
    """A layer of the user's own kind."""

    def forward(self, inputs: Tensor) -> Tensor:
        return 2 * super().forward(inputs)


class Square(torch.autograd.Function):
    """A product with a backward pass of the user's own."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, left: Tensor, right: Tensor) -> Tensor:
        ctx.save_for_backward(left, right)
        return left @ right

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, gradient: Tensor
    ) -> tuple[Tensor, Tensor]:
        left, right = ctx.saved_tensors  # type: ignore[attr-defined]
        return gradient @ right.T, (left.transpose(1, 2) @ gradient).sum(dim=0)


def test_layers_and_functions_of_all_kinds_are_counted() -> None:
    linear, kernel = nn.Parameter(torch.randn(W, W)), nn.Parameter(torch.randn(W, W // 4, 3))
    square = 2 * T * W * W
    scaled, mixing = Scaled(W, W), nn.MultiheadAttention(W, 2, batch_first=True)
    cell = nn.LSTMCell(W, W)
    grouped = 2 * T * W * (W // 4) * 3
    cases: list[tuple[Callable[[Tensor], Tensor], list[nn.Module], list[int]]] = [
        (lambda x: F.linear(x, linear), [], [square]),
        (scaled, [scaled], [square]),
        (lambda x: Square.apply(x, linear), [], [square]),
        (lambda x: mixing(x, x, x)[0], [mixing], [4 * square, 2 * 2 * T * T * W]),
        (lambda x: F.conv1d(x.mT, kernel, padding=1, groups=4).mT, [], [grouped]),
        (lambda x: x + cell(x[:, 0], (x[:, 1], x[:, 2]))[0][:, None], [cell], [2 * 2 * W * 4 * W]),
    ]
    for body, layers, products in cases:
        model = Own(body, *layers)
        model.weights = nn.ParameterList([linear, kernel])
        assert flops_per_sample(model, make_spec()) == own_flops(*products), layers


@pytest.mark.parametrize("kind", [nn.Conv1d, nn.ConvTranspose1d])
@pytest.mark.parametrize("groups", [1, 2, 8])
def test_convolutions_in_groups_take_each_product_three_times(
    kind: type[nn.Conv1d | nn.ConvTranspose1d], groups: int
) -> None:
    layer = kind(W, W, 3, groups=groups, padding=1)
    model = Own(lambda x: layer(x.mT).mT, layer)
    assert flops_per_sample(model, make_spec()) == own_flops(2 * T * W * (W // groups) * 3)


@pytest.mark.parametrize("family", ["lstm", "gru", "rnn", "attention"])
def test_a_recurrent_layer_among_others_is_counted_once(family: str) -> None:
    own = make_model(family, W, (W, T))
    layer = recurrent_layer(own)
    inside = flops_per_sample(own, make_spec((W, T)))
    assert inside is not None
    wrapped = Own(lambda x: own(x.mT)[:, None, :W], own)
    first, head = FRAME
    total = inside.inference + first + head
    read = 2 * T * layer.get_parameter("weight_ih_l0").numel()  # no longer the network's own input
    assert flops_per_sample(wrapped, make_spec()) == (
        total,
        inside.training + read + 2 * first + 3 * head,
    )


@pytest.mark.parametrize("packed", [True, False])
def test_a_recurrent_layer_that_reads_the_input_takes_no_gradient_for_it(packed: bool) -> None:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.recurrent = nn.LSTM(1, W, 2, batch_first=True, bidirectional=True)
            self.head = nn.Linear(W, 10)

        def forward(self, inputs: Tensor) -> Tensor:
            steps: Tensor | PackedSequence = inputs.transpose(1, 2)
            if packed:
                lengths = torch.full((len(inputs),), T)
                steps = pack_padded_sequence(inputs.transpose(1, 2), lengths, batch_first=True)
            _, (states, _) = self.recurrent(input=steps)
            logits: Tensor = self.head(states[-1])
            return logits

    first, state, deeper = 2 * T * 2 * 4 * W, 2 * 2 * T * 2 * 4 * W * W, 2 * T * 2 * 4 * W * 2 * W
    head = 2 * W * 10
    inference = first + state + deeper + head
    assert flops_per_sample(Reader(), make_spec()) == (inference, 3 * inference - first)


class TwoSteps(nn.LSTM):
    """A recurrent layer with a forward pass of its own."""

    def forward(self, inputs: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(super().forward(inputs)[0])[0]


def test_recurrent_layers_used_in_ways_of_ones_own_are_counted() -> None:
    layer, twice = nn.GRU(W, W, batch_first=True), TwoSteps(W, W, batch_first=True)
    state, weights = torch.zeros(1, 1, W), tuple(layer.parameters())
    cases: list[tuple[Callable[[Tensor], Tensor], nn.Module, int]] = [
        (twice, twice, 2 * (2 * T * 2 * 4 * W * W)),
        (
            lambda x: torch.gru(x, state, weights, True, 1, 0.0, True, False, True)[0],
            layer,
            2 * T * 2 * 3 * W * W,
        ),
    ]
    for body, used, product in cases:
        assert flops_per_sample(Own(body, used), make_spec()) == own_flops(product)


def test_a_layer_that_only_scales_is_free() -> None:
    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(40))

        def forward(self, inputs: Tensor) -> Tensor:
            return inputs * self.scale

    model = nn.Sequential(Scale(), nn.Flatten(), nn.Linear(40, 10))
    assert flops_per_sample(model, make_spec()) == (2 * 40 * 10, 3 * 2 * 40 * 10)


def test_what_is_frozen_takes_no_gradient() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(40, 6), nn.Linear(6, 10))
    model[1].requires_grad_(False)
    first, second = 2 * 40 * 6, 2 * 6 * 10
    assert flops_per_sample(model, make_spec()) == (first + second, first + 2 * second)


@torch.library.custom_op("sizewise_tests::product", mutates_args=())
def registered(left: Tensor, right: Tensor) -> Tensor:
    """Multiply where no counter looks."""
    return left @ right


bilinear = nn.Bilinear(W, W, W)
UNCOUNTABLE: dict[str, tuple[Callable[[Tensor], Tensor], list[nn.Module]]] = {
    "bilinear": (lambda x: bilinear(x, x), [bilinear]),
    "cdist": (lambda x: torch.cdist(x, x), []),
    "inverse": (lambda x: x + torch.linalg.inv(x.mT @ x + torch.eye(W)).sum(), []),
    "Fourier": (lambda x: torch.fft.rfft(x, dim=1).abs(), []),
    "registered": (lambda x: x + registered(x[0].detach(), x[0].mT.detach()).sum(), []),
    "vector": (lambda x: x * (x[0, :W] @ x[0, 0]), []),
    "one sample": (lambda x: x.squeeze(), []),
}


@pytest.mark.parametrize(("body", "layers"), UNCOUNTABLE.values(), ids=UNCOUNTABLE)
def test_what_can_not_be_counted_is_left_out(
    body: Callable[[Tensor], Tensor], layers: list[nn.Module]
) -> None:
    assert flops_per_sample(Own(body, *layers), make_spec()) is None


def test_counting_flops_draws_no_random_numbers_and_leaves_no_gradient() -> None:
    model = Own(lambda x: x + torch.randn(1))
    torch.manual_seed(3)
    expected = torch.randn(4)
    torch.manual_seed(3)
    assert flops_per_sample(model, make_spec()) == own_flops()
    assert torch.equal(torch.randn(4), expected)
    assert all(weight.grad is None for weight in model.parameters())
