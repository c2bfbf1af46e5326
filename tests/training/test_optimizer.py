"""The optimisers: their groups, their steps, and Keras's Adam."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sizewise.errors import UserError
from sizewise.models import Architecture, build
from sizewise.training.flat import unflatten
from sizewise.training.optimizer import (
    MAKERS,
    Stepper,
    check_groups,
    keras_epsilon_at,
    parameter_groups,
    set_step,
)
from tests.builders import make_spec, make_training

RATES = (0.1, 0.02, 0.3)
Arrays = list[np.ndarray[Any, np.dtype[np.float64]]]


class Mixed(nn.Module):
    """Parameters of several shapes."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.kernel = nn.Parameter(torch.randn(2, 3, 5))
        self.scalar = nn.Parameter(torch.randn(()))


def give_gradients(*models: nn.Module, seed: int) -> None:
    for model in models:
        torch.manual_seed(seed)
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.grad = torch.randn_like(parameter)


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


class TestGroups:
    def test_each_trainable_parameter_is_in_one_group(self) -> None:
        model = Mixed()
        model.layer.weight.requires_grad_(False)
        groups = parameter_groups(model, 0.1)
        held = [id(each) for group in groups for each in group["params"]]
        assert len(held) == 5
        assert set(held) == {id(each) for each in model.parameters() if each.requires_grad}

    def test_what_has_one_dimension_does_not_decay(self) -> None:
        model = Mixed()
        groups = parameter_groups(model, 0.1)
        decay = {id(each): group["weight_decay"] for group in groups for each in group["params"]}
        assert {name for name, each in model.named_parameters() if decay[id(each)] == 0.1} == {
            *("layer.weight", "kernel")
        }
        assert sorted(set(decay.values())) == [0, 0.1]

    @pytest.mark.parametrize("wrong", ["missing", "twice", "foreign", "frozen"])
    def test_groups_that_do_not_hold_each_once_are_refused(self, wrong: str) -> None:
        model = Mixed()
        groups = parameter_groups(model, 0.1)
        if wrong == "missing":
            groups[0]["params"].pop()
        elif wrong == "twice":
            groups[1]["params"].append(model.kernel)
        elif wrong == "foreign":
            groups[1]["params"].append(nn.Parameter(torch.ones(1)))
        else:
            model.kernel.requires_grad_(False)
        with pytest.raises(ValueError, match="exactly once"):
            check_groups(model, groups)

    def test_a_groups_rate_is_the_schedules_times_its_scale(self) -> None:
        config = make_training(optimizer="adamw", weight_decay=0.1)  # biases have none
        optimizer = Stepper(Mixed(), config).optimizer
        optimizer.param_groups[1]["scale"] = 0.25
        set_step(optimizer, 7, 0.4)
        assert [group["lr"] for group in optimizer.param_groups] == [0.4, 0.1]


class TestSteps:
    @pytest.mark.parametrize(
        ("changes", "kind", "options", "decays"),
        [
            ({}, torch.optim.Adam, {"eps": 1e-7}, 0.0),
            ({"weight_decay": 0.1}, torch.optim.Adam, {"eps": 1e-7}, 0.1),
            ({"optimizer": "adamw"}, torch.optim.Adam, {"eps": 1e-7}, 0.0),
            ({"optimizer": "adamw", "weight_decay": 0.1}, torch.optim.AdamW, {"eps": 1e-7}, 0.1),
            ({"optimizer": "sgd"}, torch.optim.SGD, {}, 0.0),
            ({"optimizer": "sgd", "momentum": 0.9}, torch.optim.SGD, {"momentum": 0.9}, 0.0),
            ({"optimizer": "sgd", "weight_decay": 0.1}, torch.optim.SGD, {}, 0.1),
        ],
    )
    def test_steps_are_those_of_pytorchs_own(
        self,
        changes: dict[str, Any],
        kind: Callable[..., torch.optim.Optimizer],
        options: dict[str, Any],
        decays: float,
    ) -> None:
        model, other = Mixed(), Mixed()
        stepper = Stepper(model, make_training(**changes))
        flat = [each for each in other.parameters() if each.ndim <= 1]
        deep = [each for each in other.parameters() if each.ndim > 1]
        groups = [{"params": deep, "weight_decay": decays}, {"params": flat, "weight_decay": 0.0}]
        reference = kind(groups, lr=1.0, fused=False, **options)
        for step, rate in enumerate(RATES):
            give_gradients(model, other, seed=step)
            stepper.step(step, rate)
            for group in reference.param_groups:
                group["lr"] = rate
            reference.step()
        for mine, expected in zip(model.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(mine, expected)
        assert not torch.allclose(model.kernel, Mixed().kernel)

    def test_decay_and_momentum_change_what_they_are_for(self) -> None:
        finals = []
        for changes in ({}, {"weight_decay": 0.1}, {"momentum": 0.9}):
            model = Mixed()
            stepper = Stepper(model, make_training(optimizer="sgd", **changes))
            for step in range(2):
                give_gradients(model, seed=step)
                stepper.step(step, 0.01)
            finals.append(model)
        plain, decayed, heavy = finals
        assert not torch.equal(decayed.kernel, plain.kernel)
        assert torch.equal(decayed.scalar, plain.scalar)
        assert not torch.equal(heavy.scalar, plain.scalar)

    def test_a_parameter_without_a_gradient_stays(self) -> None:
        model = Mixed()
        stepper = Stepper(model, make_training())
        give_gradients(model, seed=0)
        model.kernel.grad = None
        stepper.step(0, 0.01)
        assert torch.equal(model.kernel, Mixed().kernel)
        assert not torch.equal(model.layer.weight, Mixed().layer.weight)

    def test_frozen_parameters_are_not_its_affair(self) -> None:
        model = Mixed()
        model.kernel.requires_grad_(False)
        stepper = Stepper(model, make_training())
        give_gradients(model, seed=0)
        stepper.step(0, 0.01)
        assert torch.equal(model.kernel, Mixed().kernel)

    @pytest.mark.parametrize("name", MAKERS)
    def test_it_goes_on_from_what_was_saved_to_the_bit(self, name: str) -> None:
        config = make_training(optimizer=name, momentum=0.9 if name == "sgd" else None)
        whole, halves = Mixed(), Mixed()
        first, second = Stepper(whole, config), Stepper(halves, config)
        for step in range(4):
            if step == 2:
                saved = copy.deepcopy(second.optimizer.state_dict())
                second = Stepper(halves, config)
                second.optimizer.load_state_dict(saved)
            give_gradients(whole, halves, seed=step)
            for stepper in (first, second):
                stepper.step(step, RATES[step % 3])
        assert same(whole, halves)


class KerasAdam:
    """Adam as keras/src/optimizers/adam.py writes it (Keras 3), in float64."""

    def __init__(self, variables: Arrays) -> None:
        self.variables = variables
        self._means = [np.zeros_like(each) for each in variables]
        self._squares = [np.zeros_like(each) for each in variables]
        self._iterations = 0

    def apply(self, gradients: Arrays, learning_rate: float) -> None:
        """Take one step, in place."""
        local_step = self._iterations + 1
        alpha = learning_rate * np.sqrt(1 - 0.999**local_step) / (1 - 0.9**local_step)
        for variable, gradient, m, v in zip(
            self.variables, gradients, self._means, self._squares, strict=True
        ):
            m += (gradient - m) * (1 - 0.9)
            v += (np.square(gradient) - v) * (1 - 0.999)
            variable -= (m * alpha) / (np.sqrt(v) + 1e-7)
        self._iterations += 1


def to_arrays(tensors: Iterable[Any]) -> Arrays:
    return [each.detach().double().numpy().copy() for each in tensors]


class TestKeras:
    @pytest.mark.parametrize(
        ("family", "width", "depth"), [("cnn", 32, None), ("lstm", 128, 2), ("attention", 64, None)]
    )
    def test_the_articles_networks_step_as_by_kerass_adam(
        self, family: str, width: int, depth: int | None
    ) -> None:
        """Both are given the same gradients: the network's own, where training has brought it."""
        spec = make_spec((1, 28, 28))
        inputs, targets = torch.rand(32, *spec.input_shape), torch.arange(32) % spec.num_classes
        furthest = {}
        for name in ("keras_adam", "adam"):
            torch.manual_seed(0)
            model = build(spec, Architecture(family, width, depth))
            parameters = [each for each in model.parameters() if each.requires_grad]
            stepper = Stepper(model, make_training(optimizer=name))
            keras = KerasAdam(to_arrays(parameters))
            differences = []
            for step in range(8):
                nn.functional.cross_entropy(model(inputs), targets).backward()
                keras.apply(to_arrays(each.grad for each in parameters), 0.001)
                stepper.step(step, 0.001)
                pairs = zip(to_arrays(parameters), keras.variables, strict=True)
                differences.append(max(np.abs(mine - theirs).max() for mine, theirs in pairs))
            furthest[name] = max(differences)
        assert furthest["keras_adam"] < 2e-6
        assert furthest["adam"] > 1e-5  # so the test can tell

    def test_the_epsilon_falls_to_kerass_own(self) -> None:
        assert keras_epsilon_at(0) == pytest.approx(1e-7 / np.sqrt(0.001))
        assert keras_epsilon_at(9) == pytest.approx(1e-7 / np.sqrt(1 - 0.999**10))
        assert keras_epsilon_at(10**6) == 1e-7


@pytest.mark.parametrize("name", ["adam", "adamw", "keras_adam"])
def test_momentum_is_for_sgd(name: str) -> None:
    plain = make_training(optimizer=name).model_dump()
    with pytest.raises(UserError, match=r"^training\.momentum=0\.9 does not go with training\.opt"):
        type(make_training())(**plain | {"momentum": 0.9})
    assert type(make_training())(**plain | {"momentum": 0.9, "optimizer": "sgd"}).momentum == 0.9


class TestFlat:
    def test_parameters_keep_values_and_memory_formats_and_lie_together(self) -> None:
        model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Linear(4, 5)).to(
            memory_format=torch.channels_last
        )
        before = copy.deepcopy(model)
        Stepper(model, make_training())
        assert same(model, before)
        pairs = list(zip(model.parameters(), before.parameters(), strict=True))
        assert all(each.stride() == other.stride() for each, other in pairs)
        assert len({each.untyped_storage().data_ptr() for each in model.parameters()}) == 1
        unflatten(model)
        assert same(model, before)
        assert len({each.untyped_storage().data_ptr() for each in model.parameters()}) == 4

    def test_a_view_with_gaps_is_laid_without_them(self) -> None:
        model = nn.Linear(3, 3)
        model.weight = nn.Parameter(torch.arange(18.0).reshape(3, 6)[:, ::2])
        model.bias.data.fill_(7)
        Stepper(model, make_training())
        assert model.weight.tolist() == [[0, 2, 4], [6, 8, 10], [12, 14, 16]]
        assert model.bias.tolist() == [7, 7, 7]

    def test_types_are_not_mixed(self) -> None:
        model = Mixed()
        model.kernel.data = model.kernel.data.double()
        give_gradients(model, seed=0)
        before = copy.deepcopy(model)
        Stepper(model, make_training()).step(0, 0.1)
        assert model.kernel.dtype == torch.float64
        assert not any(
            torch.equal(*pair) for pair in zip(model.parameters(), before.parameters(), strict=True)
        )

    def test_gradients_are_taken_once(self) -> None:
        model, other = Mixed(), Mixed()
        for each, clears in ((model, False), (other, True)):
            stepper = Stepper(each, make_training())
            for step in range(2):
                if clears:
                    each.zero_grad()
                each.norm(
                    each.layer(torch.ones(2, 3) * torch.tensor([[1.0], [2.0]]))
                ).sum().backward()
                each.scalar.square().backward()
                stepper.step(step, 0.1)
        assert same(model, other)
        assert all(each.grad is None for each in model.parameters())

    @pytest.mark.parametrize("max_norm", [None, 0.5, 100.0])
    def test_the_norm_is_of_all_gradients_and_they_are_clipped_to_it(
        self, max_norm: float | None
    ) -> None:
        model, other = Mixed(), Mixed()
        stepper = Stepper(model, make_training(optimizer="sgd"))
        give_gradients(model, other, seed=0)
        gradients = [each.grad for each in other.parameters() if each.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        assert stepper.step(0, 1.0, max_norm).item() == pytest.approx(norm.item())
        share = min(1.0, (max_norm or 1e9) / norm.item())
        for mine, its, gradient in zip(
            model.parameters(), other.parameters(), gradients, strict=True
        ):
            assert torch.allclose(mine, its - share * gradient, atol=1e-6)
