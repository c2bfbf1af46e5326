"""The optimiser: PyTorch's own, to the bit, without what it brings along."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from sizewise.training.adam import Adam


def parameters() -> list[nn.Parameter]:
    torch.manual_seed(0)
    values = (torch.randn(3, 4), torch.randn(4), torch.randn(2, 3, 5, 5))
    return [nn.Parameter(v.to(memory_format=torch.preserve_format)) for v in values]


def give_gradients(*models: list[nn.Parameter], seed: int) -> None:
    for model in models:
        torch.manual_seed(seed)
        for parameter in model:
            parameter.grad = torch.randn_like(parameter)


def test_it_takes_the_steps_of_pytorchs_own_to_the_bit() -> None:
    own, other = parameters(), parameters()
    adam, reference = Adam(own), torch.optim.Adam(other, eps=1e-7, fused=True)
    for step, rate in enumerate((0.1, 0.02, 0.3)):
        give_gradients(own, other, seed=step)
        adam.step(rate)
        reference.param_groups[0]["lr"] = rate
        reference.step()
    assert all(torch.equal(*pair) for pair in zip(own, other, strict=True))
    assert not torch.equal(own[0], parameters()[0])


def test_a_parameter_without_a_gradient_stays_and_counts_no_step() -> None:
    own, other = parameters(), parameters()
    adam, reference = Adam(own), torch.optim.Adam(other, eps=1e-7, fused=True)
    for step, left_out in enumerate((1, 0, 2)):
        give_gradients(own, other, seed=step)
        own[left_out].grad = other[left_out].grad = None
        before = own[left_out].clone()
        adam.step(0.001)
        reference.step()
        assert torch.equal(own[left_out], before)
    assert all(torch.equal(*pair) for pair in zip(own, other, strict=True))


def test_a_step_without_any_gradient_changes_nothing() -> None:
    own = parameters()
    Adam(own).step(0.1)
    assert all(torch.equal(*pair) for pair in zip(own, parameters(), strict=True))


def test_frozen_parameters_are_not_its_affair() -> None:
    own = parameters()
    own[1].requires_grad_(False)
    adam = Adam(own)
    give_gradients(own, seed=0)
    adam.step(0.1)
    assert torch.equal(own[1], parameters()[1])
    assert len(adam.gradients()) == 2
    adam.zero_grad()
    assert adam.gradients() == []


def test_it_goes_on_from_what_was_saved_to_the_bit() -> None:
    whole, halves = parameters(), parameters()
    first, adam = Adam(whole), Adam(halves)
    for step in range(4):
        if step == 2:
            saved = {
                name: [v.clone() for v in values] for name, values in adam.state_dict().items()
            }
            adam = Adam(halves)
            adam.load_state_dict(saved)
        give_gradients(whole, halves, seed=step)
        first.step(0.1)
        adam.step(0.1)
    assert all(torch.equal(*pair) for pair in zip(whole, halves, strict=True))


def test_what_was_saved_of_other_parameters_does_not_fit() -> None:
    with pytest.raises(ValueError, match="zip"):
        Adam(parameters()).load_state_dict(Adam(parameters()[:1]).state_dict())


def test_a_step_does_without_pytorchs_compiler() -> None:
    code = """
import sys, torch
from sizewise.training.adam import Adam
parameter = torch.nn.Parameter(torch.ones(3))
parameter.grad = torch.ones(3)
Adam([parameter]).step(0.1)
assert parameter[0] < 1
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
