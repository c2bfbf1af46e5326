"""Networks against compressors, over sweeps whose crossing is known."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from sizewise.records import Measure, RunRecord
from sizewise.report.studies.text import races, section
from tests.report.synthetic import sweep

SIZES = (5000, 20_000, 80_000, 320_000)
BITS = Measure("bits per byte", "bits", 0.02)
RATES = {"gzip": 2.4, "xz": 1.8}


def runs(
    bits: Callable[[float], float],
    *,
    family: str = "lstm",
    seeds: int = 4,
    sizes: Sequence[int] = SIZES,
    noise: float = 0.01,
) -> list[RunRecord]:
    """Return runs whose bits are a tenth over `bits(size)`, against compressors a tenth over too.

    Synthetic errors are shares, hence the tenths.
    """
    made = sweep(family, sizes, seeds, lambda n: bits(n) / 10, noise / 10, np.random.default_rng(0))
    rates = {name: rate / 10 for name, rate in RATES.items()}
    return [
        replace(
            each,
            extras={"compressors": {k: v + 1e-4 * each.seed for k, v in rates.items()}},
            measure=BITS,
            config=each.config | {"data.window": 128},
        )
        for each in made
    ]


def falling(size: float) -> float:
    """Take 0.4 bits less for each fourfold size, 2.6 at 5k: 1.8 at 80k, and 2.4 at 10k."""
    return 2.6 - 0.4 * math.log(size / 5000, 4)


def test_the_size_is_found_from_which_on_a_network_knows_more() -> None:
    found = {race.compressor: race for race in races(runs(falling))}
    for name, truth in (("gzip", 10_000), ("xz", 80_000)):
        race = found[name]
        assert math.exp(race.place) == pytest.approx(truth, rel=0.05)
        assert race.drawn is not None
        low, high = np.exp(race.drawn.place)
        assert low < truth < high < 1.2 * low
    made = section(runs(falling))
    assert made is not None
    assert made.title.startswith("From ")
    assert made.title.endswith("] parameters on lstm knows more than xz.")
    assert any("lstm knows more than gzip" in each for each in made.sentences)


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        (
            lambda n: falling(n) - 1.2,
            "lstm knows more than xz at all sizes run, from 5k parameters on.",
        ),
        (lambda n: falling(n) + 1.2, "lstm knows more than xz at no size run, up to "),
        (lambda n: 1.8, "Can't tell: lstm knows more than xz at none of the sizes run for sure."),
    ],
)
def test_without_a_crossing_it_is_said_why(bits: Callable[[float], float], words: str) -> None:
    made = section(runs(bits))
    assert made is not None
    assert made.title.startswith(words)


def test_one_seed_says_so() -> None:
    made = section(runs(falling, seeds=1))
    assert made is not None
    assert made.title == "One seed of each size can't say from which on lstm knows more than xz."


def test_the_networks_own_bytes_are_told_beside_what_it_saves() -> None:
    records = runs(falling)
    (race,) = (each for each in races(records) if each.compressor == "xz")
    largest = race.cells[-1]
    saved = 0.18015 - largest.error
    assert race.pays_after(largest) == pytest.approx(8 * (4 * 320_000 + 2000) / saved)
    assert math.isnan(race.pays_after(race.cells[0]))
    made = section(records)
    assert made is not None
    assert any("lstm 320k takes 1.28 MB" in each for each in made.sentences)
    assert [row["pays after"] == "–" for row in made.tables[0].rows] == [True, True, False, False]


def test_families_stand_side_by_side_with_compressors_in_one_chart() -> None:
    made = section(runs(falling) + runs(lambda n: falling(n) + 0.1, family="transformer", seeds=3))
    assert made is not None
    (chart,) = made.charts
    assert {row["family"] for row in chart.data["text_by_size"]} == {"lstm", "transformer"}
    assert [row["compressor"] for row in chart.data["compressors"]] == ["gzip", "xz"]
    assert len(made.tables[0].rows) == 8
    assert "lstm" in made.title


def test_runs_of_other_data_or_of_one_size_are_not_asked() -> None:
    bare = [replace(each, extras={}) for each in runs(falling)]
    assert section(bare) is None
    assert section(runs(falling, sizes=SIZES[:1])) is None
