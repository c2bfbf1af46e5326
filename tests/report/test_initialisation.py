"""Keras's initialisation against PyTorch's, on runs with a known answer."""

from pathlib import Path

import numpy as np
import pytest

from sizewise.records import RunRecord
from sizewise.report import write_report
from sizewise.report.studies.initialisation import WAYS, section
from tests.report.synthetic import CHANCE, attempt

SIZES, SEEDS = (1000, 16_000), 5


def sweep(costs: float, noise: float = 0.01) -> list[RunRecord]:
    """Return runs of which those that begin as PyTorch's err by so much more."""
    rng = np.random.default_rng(0)
    return [
        attempt(
            0.2 + costs * (way is not None) + noise * float(rng.standard_normal()),
            seed,
            family=family,
            size=size,
            model__init=way,
        )
        for family in ("cnn", "lstm")
        for size in SIZES
        for way in (None, "pytorch")
        for seed in range(SEEDS)
    ]


def test_a_known_difference_is_told(tmp_path: Path) -> None:
    runs = sweep(0.05)
    runs[5] = attempt(CHANCE, 0, family="cnn", size=1000, model__init="pytorch")
    study = section(runs)
    assert study is not None
    assert study.title.startswith("PyTorch's initialisation is worse than Keras's by 5.")
    assert study.title.endswith("of test error over 4 networks.")
    assert study.sentences[1] == (
        "0 of 20 runs begun as Keras's failed to train, 1 of 20 begun as PyTorch's."
    )
    assert study.tables[0].rows[0]["failed"] == "0 and 1 of 5"
    values = [row["value"] for row in study.charts[0].data["initialisation"]]
    assert values == pytest.approx([5] * 4, abs=1.5)  # points
    write_report(runs, tmp_path, name="initialisation")
    assert (tmp_path / "figures" / "initialisation.svg").exists()


def test_what_fails_is_told_where_no_seed_trained_every_network() -> None:
    runs = sweep(0.05)
    for place, run in enumerate(runs):
        if run.config["model.init"] and run.seed % 2 == (run.family == "cnn"):
            size = run.size_asked
            assert size is not None
            runs[place] = attempt(
                CHANCE, run.seed, family=run.family, size=size, model__init="pytorch"
            )
    study = section(runs)
    assert study is not None
    assert study.title.startswith(
        "PyTorch's initialisation fails to train more often than Keras's by 50.0 points ["
    )
    assert study.title.endswith(
        "over 4 networks; can't tell whether its test error differs: no seed trained all both ways."
    )
    assert "nan" not in " ".join(study.sentences)


def test_no_difference_is_not_told() -> None:
    study = section(sweep(0.0))
    assert study is not None
    assert study.title.startswith(
        "Can't tell PyTorch's initialisation from Keras's over 4 networks"
    )


def test_only_rates_that_both_were_run_at_are_compared() -> None:
    only_keras = [
        attempt(0.01, seed, family="cnn", size=1000, rate=0.1, model__init=None)
        for seed in range(SEEDS)
    ]
    keras, _ = WAYS.compared([*sweep(0.05), *only_keras])["cnn"][0]
    assert keras.error == pytest.approx(0.2, abs=0.01)


def test_one_way_alone_is_no_study() -> None:
    assert section([run for run in sweep(0.05) if run.config["model.init"]]) is None
