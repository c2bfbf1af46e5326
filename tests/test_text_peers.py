"""nanoGPT's recipe, as it is described: what it is compared by has to be it."""

import pytest
import torch

from benchmarks.peers import nanogpt
from sizewise.sizing import count_parameters


def test_the_network_is_of_the_size_that_its_readme_tells() -> None:
    block = 12 * 128 * 128 + 2 * 128
    assert count_parameters(nanogpt.NanoGPT()) == 4 * block + (256 + 64 + 1) * 128
    assert count_parameters(nanogpt.NanoGPT()) == pytest.approx(0.8e6, rel=0.05)


def test_it_knows_what_stands_before_and_nothing_after() -> None:
    model, text = nanogpt.NanoGPT().eval(), torch.randint(256, (2, 64))
    other = text.clone()
    other[:, 40] = (other[:, 40] + 1) % 256
    before, after = model(text), model(other)
    assert torch.equal(before[:, :40], after[:, :40])
    assert not torch.allclose(before[:, 41:], after[:, 41:])


def test_its_rate_is_warmed_up_and_ends_at_a_tenth() -> None:
    rates = [nanogpt.rate_at(step, 2000) for step in range(2000)]
    assert rates.index(max(rates)) == 100
    assert max(rates) == pytest.approx(1e-3)
    assert rates[-1] == pytest.approx(1e-4, rel=0.01)
    assert rates[49] == pytest.approx(5e-4, rel=0.02)


def test_matrices_alone_decay() -> None:
    groups = nanogpt.optimizer_of(nanogpt.NanoGPT()).param_groups
    assert {(each.ndim > 1, group["weight_decay"]) for group in groups for each in group["params"]}\
        == {(True, 0.1), (False, 0.0)}  # fmt: skip
