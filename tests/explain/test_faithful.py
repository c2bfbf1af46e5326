"""The tests of maps, on networks whose true maps are known."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sizewise.data.splits import Batch
from sizewise.explain import faithful
from sizewise.explain.methods import Maps

PLACES = 20


class Reader(nn.Module):
    """Says class 1 by the sum of the steps 3 to 6, and looks at no others."""

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        told = 2 * inputs[:, 0, 3:7].sum(dim=1, keepdim=True)
        return torch.cat([torch.zeros_like(told), told - 4], dim=1)


def maps_of(values: np.ndarray) -> Maps:
    return Maps("made-up", values.astype(np.float32), np.zeros(len(values), np.float32))


@pytest.fixture
def samples() -> Batch:
    """Return sequences that are 1 throughout, which the reader holds to be of class 1."""
    return Batch(torch.ones(30, 1, PLACES), torch.ones(30, dtype=torch.int64))


@pytest.fixture
def truth() -> np.ndarray:
    return np.isin(np.arange(PLACES), range(3, 7)) * np.ones((30, 1))


def test_a_true_map_beats_random_orders_and_its_opposite_loses(
    samples: Batch, truth: np.ndarray
) -> None:
    good = faithful.areas(Reader(), samples, maps_of(truth))
    bad = faithful.areas(Reader(), samples, maps_of(-truth))
    assert good.deletion.min() > 0.1
    assert good.insertion.min() > 0.1
    assert bad.deletion.max() < -0.1
    assert bad.insertion.max() < -0.1


def test_the_areas_are_those_of_the_curves_by_hand(samples: Batch, truth: np.ndarray) -> None:
    found = faithful.areas(Reader(), samples, maps_of(truth))
    told = [1 / (1 + np.exp(4 - 2 * max(0, 4 - gone))) for gone in range(PLACES + 1)]
    deletion = np.trapezoid(told, dx=1 / PLACES)
    told = [1 / (1 + np.exp(4 - 2 * min(4, there))) for there in range(PLACES + 1)]
    insertion = np.trapezoid(told, dx=1 / PLACES)
    assert found.deletion + found.insertion == pytest.approx(insertion - deletion, abs=1e-6)


def test_a_random_map_is_as_good_as_random_orders(samples: Batch) -> None:
    noise = np.random.default_rng(0).random((30, PLACES))
    found = faithful.areas(Reader(), samples, maps_of(noise))
    assert abs(found.deletion.mean()) < 0.05
    assert abs(found.insertion.mean()) < 0.05


def test_what_lies_after_a_sequences_end_is_not_in_the_curves(truth: np.ndarray) -> None:
    inputs, lengths = torch.ones(30, 1, PLACES), torch.full((30,), 10)
    inputs[..., 10:] = 0
    classes = torch.ones(30, dtype=torch.int64)
    short = faithful.areas(Reader(), Batch(inputs, classes, lengths), maps_of(truth))
    alone = faithful.areas(Reader(), Batch(inputs[..., :10], classes), maps_of(truth[:, :10]))
    both = [each.deletion + each.insertion for each in (short, alone)]
    assert both[0] == pytest.approx(both[1], abs=1e-6)


def test_a_tables_columns_go_one_by_one() -> None:
    class Column(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return torch.stack([torch.zeros(len(inputs)), 5 * inputs[:, 2, 0]], dim=1)

    rows = Batch(torch.ones(8, 5, 1), torch.ones(8, dtype=torch.int64))
    truth = maps_of(np.eye(5)[[2] * 8])
    assert faithful.areas(Column(), rows, truth).deletion.min() > 0.1


def test_likeness_is_spearmans() -> None:
    first = maps_of(np.array([[1, -2, 3, 4], [1, 2, 3, 4], [0, 0, 0, 0], [4, 1, 3, 2]]))
    second = maps_of(np.array([[1, 2, -3, 4], [8, 6, 4, 2], [1, 2, 3, 4], [1, 4, 3, 2]]))
    assert faithful.likeness(first, second) == pytest.approx([1, -1, 0, -0.8])


def test_where_the_mass_is() -> None:
    mass = faithful.shares(
        maps_of(np.array([[8, 0, 0, 0], [1, -1, 1, 1], [0, 0, 0, 0], [0, 1, 2, -3]]))
    )
    assert mass.sum(axis=1) == pytest.approx(1)
    assert faithful.half_mass(mass) == pytest.approx([0.25, 0.5, 0.5, 0.25])
    places = np.array([[True, False, False, False]] * 3 + [[False, False, True, True]])
    assert faithful.on_truth(mass, places) == pytest.approx([4, 1, 1, 5 / 3])
    assert faithful.pointing(mass, places)[[0, 3]] == pytest.approx([1, 1])
    assert faithful.pointing(mass, ~places)[[0, 3]] == pytest.approx([0, 0])
