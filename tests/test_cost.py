"""Parameters by group, FLOPs against PyTorch's counter, speed and memory."""

import statistics
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from sizewise import cost
from sizewise.cost import flops_per_sample, measure_speed, parameters_by_group
from sizewise.models import FAMILIES
from sizewise.models.recurrent import as_sequence
from sizewise.sizing import count_parameters
from tests.builders import SHAPES, make_model, make_spec, recurrent_layer

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


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("family", FAMILIES)
def test_groups_sum_to_the_size(family: str, shape: tuple[int, ...]) -> None:
    model = make_model(family, 5, shape)
    groups = parameters_by_group(model)
    assert sum(groups.values()) == count_parameters(model)
    assert groups["head"] == sum(p.numel() for p in model.get_submodule("head").parameters())
    assert set(groups) <= {name for name, _ in model.named_children()}


def test_groups_leave_out_frozen_parameters() -> None:
    groups = parameters_by_group(make_model("lstm", 6))
    assert groups == {
        "recurrent": 4 * 6 * (1 + 6 + 1) + 4 * 6 * (6 + 6 + 1),
        "dense": (6 + 1) * 3,
        "head": (3 + 1) * 10,
    }


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("family", ["cnn", "mlp", "logistic"])
def test_flops_are_those_that_pytorch_counts(family: str, shape: tuple[int, ...]) -> None:
    model = make_model(family, 7, shape)
    assert flops_per_sample(model, make_spec(shape)) == count_flops(model, torch.randn(1, *shape))


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


def test_flops_of_a_perceptron_by_hand() -> None:
    flops = flops_per_sample(make_model("mlp", 7, (1, 5)), make_spec((1, 5)))
    first, rest = 2 * 5 * 7, 2 * 7 * 7 + 2 * 7 * 10
    assert flops == (first + rest, 2 * first + 3 * rest)


class OwnLayer(nn.Module):
    """A layer with a parameter that no formula knows."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(40))

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs * self.scale


@pytest.mark.parametrize("layer", [OwnLayer(), nn.Bilinear(2, 2, 2)])
def test_a_layer_without_a_formula_gives_none(layer: nn.Module) -> None:
    model = nn.Sequential(layer, nn.Flatten(), nn.Linear(40, 10))
    assert flops_per_sample(model, make_spec()) is None


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


def test_counting_flops_leaves_no_hook_behind() -> None:
    model = make_model("lstm", 5)
    flops_per_sample(model, make_spec())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("training", [True, False])
def test_speed_is_measured_without_changing_the_network(training: bool) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(40, 10), nn.BatchNorm1d(10)).train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    speed = measure_speed(model, make_spec())
    assert speed.latency_ms_p95 >= speed.latency_ms_p50 > 0
    assert speed.throughput > 0
    assert model.training is training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_speeds_are_milliseconds_and_samples_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    def scripted(_: nn.Module, inputs: Tensor) -> list[float]:
        assert inputs.shape[1:] == (1, 40)
        return [index / 1000 for index in range(1, 101)] if len(inputs) == 1 else [0.1, 0.5, 0.2]

    monkeypatch.setattr(cost, "_time_calls", scripted)
    speed = measure_speed(make_model("mlp", 5), make_spec())
    assert speed.latency_ms_p50 == pytest.approx(50.5)
    assert speed.latency_ms_p95 == pytest.approx(95.5, abs=1)
    assert speed.throughput == pytest.approx(256 / statistics.median([0.1, 0.5, 0.2]))


def test_peak_memory_since_the_reset_is_measured() -> None:
    clear = Path("/proc/self/clear_refs")
    try:
        clear.write_text("5")
    except OSError:
        pytest.skip("this system does not let a process reset its peak memory")
    device = torch.device("cpu")
    earlier = torch.ones(100_000_000)  # 400 MB, gone before the reset
    del earlier
    cost.reset_peak_memory(device)
    before = cost.peak_memory_mb(device)
    tensor = torch.ones(50_000_000)
    del tensor
    assert cost.peak_memory_mb(device) - before == pytest.approx(200, abs=10)
