"""Whether maps of two sizes differ by more than those of two seeds."""

import numpy as np
import pytest

from sizewise.report.stats.overlap import apart, overlaps

RANDOM = np.random.default_rng(0)


def maps(seeds: int, samples: int, shift: int = 0) -> np.ndarray:
    """Return noisy maps whose mass is about one place of ten, the same in all seeds."""
    mass = RANDOM.gamma(1.0, 1.0, (seeds, samples, 10))
    mass[..., 3 + shift] += 10
    return np.asarray(mass / mass.sum(axis=2, keepdims=True))


def test_maps_overlap_by_what_they_share() -> None:
    first = np.array([[[0.5, 0.5, 0, 0]], [[0, 0, 1, 0]]])
    second = np.array([[[0.25, 0.75, 0, 0]]])
    assert overlaps(first, second)[:, 0, 0].tolist() == [0.75, 0]
    assert overlaps(first, first)[range(2), range(2), 0].tolist() == [1, 1]


def test_it_is_the_jackknife_of_all_pairs_of_seeds() -> None:
    first, second = maps(4, 3), maps(4, 3, shift=1)

    def over_pairs(seeds: list[int]) -> np.ndarray:
        pairs = [(a, b) for a in seeds for b in seeds if a != b]
        within = [overlaps(each[[a]], each[[b]]) for each in (first, second) for a, b in pairs]
        across = [overlaps(first[[a]], second[[b]]) for a, b in pairs]
        found: np.ndarray = np.mean(within, axis=0) - np.mean(across, axis=0)
        return np.asarray(found[0, 0])

    found = apart(first, second)
    assert found.mean(axis=0) == pytest.approx(over_pairs([0, 1, 2, 3]))
    assert found[2] == pytest.approx(4 * over_pairs([0, 1, 2, 3]) - 3 * over_pairs([0, 1, 3]))


def test_sizes_that_look_alike_are_not_apart_and_others_are() -> None:
    alike = [apart(maps(3, 20), maps(3, 20)).mean() for _ in range(200)]
    assert abs(np.mean(alike)) < 3 * np.std(alike) / np.sqrt(200)
    assert apart(maps(3, 20), maps(3, 20, shift=2)).mean() > 0.2
