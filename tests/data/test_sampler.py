import pytest
import torch

from sizewise.data.sampler import epoch_order


@pytest.mark.parametrize("num_samples", [1, 2, 97])
def test_an_epoch_visits_every_sample_once(num_samples: int) -> None:
    order = epoch_order(num_samples, seed=3, epoch=5)
    assert order.dtype == torch.int64
    assert torch.equal(order.sort().values, torch.arange(num_samples))


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    assert torch.equal(epoch_order(100, 3, 5), epoch_order(100, 3, 5))
    assert not torch.equal(epoch_order(100, 3, 5), epoch_order(100, 3, 6))
    assert not torch.equal(epoch_order(100, 3, 5), epoch_order(100, 4, 5))
    assert not torch.equal(epoch_order(100, 3, 5), epoch_order(100, 5, 3))


def test_the_order_neither_reads_nor_moves_the_global_generator() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = epoch_order(100, 0, 0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    assert torch.equal(epoch_order(100, 0, 0), first)
