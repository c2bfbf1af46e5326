"""What the studies say of sweeps whose answer is known."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sizewise.errors import UserError
from sizewise.records import RunRecord
from sizewise.report.analysis import analyse
from sizewise.report.section import Section
from sizewise.report.studies import data_amount, double_descent, label_noise, shuffled
from sizewise.report.studies.levels import Level
from tests.report.synthetic import record, with_samples

SIZES = (1000, 4000, 16_000)
SHARES = (None, 0.1, 0.2, 0.4)
SEEDS = range(4)


def section_of(study: object, records: list[RunRecord]) -> Section:
    found = study.section(analyse(records, name="study").usable)  # type: ignore[attr-defined]
    assert found is not None
    return found  # type: ignore[no-any-return]


def noisy(
    slope: float, kind: str | None = None, spread: float = 0.004, seeds: range = SEEDS
) -> list[RunRecord]:
    """Return runs of which the largest is best without noise, and loses `slope` of the share.

    The smallest is worse by 10 points and loses nothing: it is ahead from 0.1 / slope on.
    """
    rng, records = np.random.default_rng(0), []
    for share in SHARES:
        for seed in seeds:
            for size, error in zip(SIZES, (0.2, 0.22, 0.1), strict=True):
                lost = slope * (share or 0) * (size - 1000) / 15_000
                made = error + lost + float(rng.normal(scale=spread))
                run = record("cnn", size, seed, test_error=made, data__label_noise=share)
                keys = {"data.label_noise_kind": kind if share else None}
                records.append(replace(run, config=run.config | keys))
    return records


class TestLabelNoise:
    def test_the_share_from_which_on_small_beats_large_is_found(self) -> None:
        found = section_of(label_noise, noisy(slope=0.4))
        words, _, rest = found.title.partition(" wrong labels on [")
        assert words.startswith("From ")
        place = float(words.removeprefix("From ").rstrip("%"))
        low, high = (float(each.rstrip("%")) for each in rest.split("]")[0].split(", "))
        assert low < 25 < high
        assert place == pytest.approx(25, abs=2)
        assert high - low < 5
        assert found.title.endswith("] cnn 1k beats cnn 16k.")

    def test_a_large_one_that_loses_little_stays_ahead(self) -> None:
        found = section_of(label_noise, noisy(slope=0.1))
        assert found.title == "Up to 40% wrong labels cnn 1k does not beat cnn 16k."

    def test_seeds_that_differ_by_more_leave_it_open(self) -> None:
        found = section_of(label_noise, noisy(slope=0.26, spread=0.05))
        assert found.title.startswith("Can't tell")

    def test_one_seed_says_nothing(self) -> None:
        assert "One seed" in section_of(label_noise, noisy(slope=0.4, seeds=range(1))).title

    def test_kinds_of_noise_are_told_apart_and_share_the_clean_runs(self) -> None:
        pairs = [each for each in noisy(0.8, "pairs") if each.config["data.label_noise"]]
        found = section_of(label_noise, noisy(0.1) + pairs)
        assert len(found.charts) == 2
        either, next_class = found.sentences[:2]
        assert either.startswith("Wrong labels are any other class")
        assert "does not beat" in either
        assert next_class.startswith("Wrong labels are always the next class: From 1")

    def test_sizes_are_compared_on_right_labels(self) -> None:
        found = analyse(noisy(0.4), name="study")
        assert {each.config["data.label_noise"] for each in found.selection.cells[0].records} == {
            None
        }
        assert any("with data.label_noise=null" in note for note in found.notes)

    def test_without_noise_there_is_no_such_study(self) -> None:
        clean = [each for each in noisy(0.4) if not each.config["data.label_noise"]]
        assert label_noise.section(analyse(clean, name="study").usable) is None


class TestDataAmount:
    def test_enough_is_told_at_each_amount(self) -> None:
        records = []
        for amount, errors in ((100, (0.5, 0.5, 0.5)), (4000, (0.3, 0.2, 0.1))):
            runs = [
                record("lstm", size, seed, test_error=error + 0.001 * seed)
                for size, error in zip(SIZES, errors, strict=True)
                for seed in SEEDS
            ]
            records += with_samples(runs, amount, all_there_are=4000)
        found = section_of(data_amount, records)
        assert found.title == "Enough on 100 and on 4,000 samples: lstm 1k or less → 16k or more."
        assert [row["training samples"] for row in found.tables[0].rows] == ["100", "4,000"]

    def test_a_family_may_lack_at_an_amount(self) -> None:
        lstm, cnn, mlp = (
            [record(family, size, seed) for size in SIZES for seed in SEEDS]
            for family in ("lstm", "cnn", "mlp")
        )
        few, many = (with_samples(lstm, n, all_there_are=4000) for n in (100, 4000))
        few_cnn, many_mlp = (
            with_samples(runs, n, all_there_are=4000) for runs, n in ((cnn, 100), (mlp, 4000))
        )
        found = section_of(data_amount, [*few, *many, *few_cnn, *many_mlp])
        assert found.title.startswith("Enough on 100 and on 4,000 samples: lstm ")
        assert [(row["family"], row["training samples"]) for row in found.tables[0].rows] == [
            ("cnn", "100"),
            ("lstm", "100"),
            ("lstm", "4,000"),
            ("mlp", "4,000"),
        ]
        assert data_amount.section(analyse([*few_cnn, *many_mlp], name="study").usable) is None

    def test_one_amount_is_no_study(self) -> None:
        runs = [record("lstm", size, seed) for size in SIZES for seed in SEEDS]
        assert data_amount.section(analyse(runs, name="study").usable) is None


def curve(errors: tuple[float, ...], noise: float | None = None) -> list[RunRecord]:
    rng = np.random.default_rng(1)
    return [
        record(
            "mlp",
            1000 * 2**index,
            seed,
            test_error=error + float(rng.normal(scale=0.003)),
            data__label_noise=noise,
        )
        for index, error in enumerate(errors)
        for seed in SEEDS
    ]


class TestDoubleDescent:
    def test_a_peak_is_told_with_what_comes_before_and_after(self) -> None:
        found = section_of(double_descent, curve((0.5, 0.47, 0.54, 0.5, 0.45), 0.15))
        assert found.title.startswith(
            "mlp with 15% wrong labels: growing hurts, from 47.1% at 2k to 54.1% at 4k (7."
        )
        assert "then helps again, to 44.9% at 16k" in found.title
        assert "the large one wins by 2." in found.title
        (row,) = found.tables[0].rows
        assert row["training error below 1% from"] == "–"

    def test_the_small_one_may_stay_ahead(self) -> None:
        found = section_of(double_descent, curve((0.3, 0.2, 0.34, 0.3, 0.28)))
        assert "the small one stays ahead by 7." in found.title

    def test_what_only_rises_is_no_double_descent(self) -> None:
        found = section_of(double_descent, curve((0.3, 0.2, 0.22, 0.26, 0.3)))
        assert found.title.endswith("and does not help again.")

    @pytest.mark.parametrize("errors", [(0.5, 0.4, 0.3, 0.2, 0.1), (0.3, 0.2, 0.201, 0.2, 0.2)])
    def test_a_curve_that_falls_or_levels_off_has_no_peak(self, errors: tuple[float, ...]) -> None:
        assert double_descent.section(analyse(curve(errors), name="study").usable) is None

    def test_the_size_that_fits_the_training_set_is_told(self) -> None:
        runs = []
        for each in curve((0.5, 0.47, 0.54, 0.5, 0.45)):
            fits = 0.0 if (each.parameters or 0) >= 8000 else 0.3
            history = [epoch | {"train/error": fits} for epoch in each.history]
            runs.append(replace(each, history=history))
        assert section_of(double_descent, runs).tables[0].rows[0][
            "training error below 1% from"
        ] == ("8k")


class TestShuffled:
    def runs(self, seeds: range = SEEDS) -> list[RunRecord]:
        errors = {"cnn": (0.06, 0.44), "mlp": (0.32, 0.321), "lstm": (0.3, 0.305)}
        return [
            replace(
                record(
                    family,
                    5000,
                    seed,
                    test_error=error + 0.002 * ((seed * 7 + is_shuffled) % 4),
                    data__shuffle_seq=bool(is_shuffled),
                ),
                fingerprint=f"{is_shuffled}{seed}",
                test_fingerprint=f"test{is_shuffled}",
            )
            for family, both in errors.items()
            for is_shuffled, error in enumerate(both)
            for seed in seeds
        ]

    def test_what_order_is_worth_to_each_network(self) -> None:
        found = section_of(shuffled, self.runs())
        assert found.title.startswith("Shuffling the steps costs cnn 38.")
        assert found.title.endswith("] and mlp at most 1 point; of lstm it can't be told.")
        assert [row["family"] for row in found.tables[0].rows] == ["cnn 5k", "lstm 5k", "mlp 5k"]

    def test_one_seed_tells_of_no_network(self) -> None:
        found = section_of(shuffled, self.runs(seeds=range(1)))
        assert found.title == "Can't tell what shuffling the steps costs cnn, lstm and mlp."

    def test_in_one_order_other_test_samples_are_still_refused(self) -> None:
        one, *rest = self.runs()
        with pytest.raises(UserError, match="different test sets"):
            analyse([replace(one, test_fingerprint="other"), *rest], name="study")


def test_a_duel_that_is_never_lost_has_no_place() -> None:
    records = analyse(noisy(0.1), name="study").usable
    runs = [
        Level(str(share), share or 0.0, [each for each in records
        if each.config["data.label_noise"] == share])
        for share in SHARES
    ]  # fmt: skip
    duel = label_noise.fight(runs, "cnn")
    assert duel is not None
    assert duel.place == math.inf
    assert duel.never == 1.0
