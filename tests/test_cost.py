"""Parameters by group, speed and memory."""

import statistics
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sizewise import cost
from sizewise.cost import measure_speed
from sizewise.sizing import count_parameters, parameters_by_group
from tests.builders import CLASSIFIERS, SHAPES, make_model, make_spec


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("family", CLASSIFIERS)
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
