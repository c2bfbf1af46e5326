"""What a record keeps of maps, on a network of which it is known what it looks at."""

import base64
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sizewise import sample_errors
from sizewise.data.splits import Batch
from sizewise.errors import UserError
from sizewise.explain.measure import check_measurable, choose, measure
from sizewise.models import Architecture, build
from tests.builders import make_spec, make_split

STEPS, SAMPLES = 40, 25
PLACES = np.tile(np.isin(np.arange(STEPS), range(10, 14)), (SAMPLES, 1))


def reader(seed: int, places: range) -> nn.Module:
    """Return a linear network that reads these steps alone."""
    torch.manual_seed(seed)
    model = build(make_spec(num_classes=3), Architecture("logistic"))
    unread = [step for step in range(STEPS) if step not in places]
    model.get_parameter("head.weight").data[:, unread] = 0
    return model.eval()


def measured(model: nn.Module, untrained: nn.Module) -> dict[str, Any]:
    inputs = 3 * torch.randn(SAMPLES, 1, STEPS, generator=torch.Generator().manual_seed(0))
    return measure(model, untrained, Batch(inputs, torch.zeros(0)), make_spec(), PLACES)


def scores(found: dict[str, Any]) -> dict[str, np.ndarray]:
    packed = found["methods"]["integrated_gradients"]
    return {name: sample_errors.unpack(each) for name, each in packed.items()}


def test_a_network_that_looks_at_the_truth_is_found_out() -> None:
    found = measured(reader(0, range(10, 14)), reader(1, range(STEPS)))
    got = scores(found)
    assert got["truth"] == pytest.approx(10)  # 40 steps, 4 of them true
    assert got["pointing"] == pytest.approx(1)
    assert got["half"].max() <= 0.1
    assert got["deletion"].mean() > 0.05
    assert got["insertion"].mean() > 0.05
    assert (found["samples"], found["places"], found["chance"]) == (SAMPLES, STEPS, 0.1)
    levels = np.frombuffer(base64.b64decode(found["shares"]), np.uint8).reshape(SAMPLES, STEPS)
    assert (levels.max(axis=1) == 255).all()
    assert not levels[:, 14:].any()


def test_one_that_looks_elsewhere_too() -> None:
    got = scores(measured(reader(0, range(20, 24)), reader(1, range(STEPS))))
    assert not got["truth"].any()
    assert not got["pointing"].any()


def test_maps_that_stay_when_weights_are_randomised_fail_the_control() -> None:
    model = reader(0, range(STEPS))
    assert scores(measured(model, model))["likeness"] == pytest.approx(1)
    others = scores(measured(model, reader(1, range(STEPS))))["likeness"]
    assert others.mean() < 0.6
    assert others.max() < 0.9


def test_the_same_samples_are_chosen_each_time_and_no_more_than_there_are() -> None:
    split = make_split(50, make_spec(), seed=0)
    few = choose(split, 10)
    assert np.array_equal(few, choose(split, 10))
    assert (np.diff(few) > 0).all()
    assert len(few) == 10
    assert choose(split, 500).tolist() == list(range(50))


def test_a_network_of_numbers_has_no_curves() -> None:
    spec = replace(make_spec(), class_names=(), task="regress", outputs=1)
    with pytest.raises(UserError, match="explain=… measures maps of classes, and made-up has none"):
        check_measurable(build(spec, Architecture("mlp", 4, 1)), spec)
