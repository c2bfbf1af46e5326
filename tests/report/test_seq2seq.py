"""What attention is worth, of curves whose ratio of sizes is known."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sizewise.errors import UserError
from sizewise.records import Measure, RunRecord
from sizewise.report.analysis import analyse
from sizewise.report.conditions import levels
from sizewise.report.studies.levels import Level
from sizewise.report.studies.seq2seq import section
from sizewise.report.studies.seq2seq.worth import ratio_of_sizes, size_at, worths
from tests.report.synthetic import record

MEASURE = Measure("sequence error", "%", 0.01)
SIZES = (1000, 4000, 16_000)
# Errors by length learnt and family: at 8 attention needs a quarter; at 16 its least is better.
Errors = dict[int, dict[str, tuple[float, ...]]]
ERRORS: Errors = {
    8: {"seq2seq": (0.8, 0.4, 0.2), "seq2seq_dot": (0.4, 0.2, 0.1)},
    16: {"seq2seq": (0.9, 0.9, 0.8), "seq2seq_dot": (0.5, 0.3, 0.05)},
}


def runs(seeds: int = 3, errors: Errors = ERRORS) -> list[RunRecord]:
    return [
        replace(
            record(
                family,
                size,
                seed,
                test_error=error + 0.002 * (seed - 1),
                data__name="reverse",
                data__length=length,
            ),
            data=f"reverse{length}",
            fingerprint=f"of {length}, {seed}",
            test_fingerprint=f"of {length}",
            measure=MEASURE,
            extras={"exact": {"4": 1.0, str(length): 1 - error, "32": 0.1 * (1 - error)}},
        )
        for length, by_family in errors.items()
        for family, each in by_family.items()
        for size, error in zip(SIZES, each, strict=True)
        for seed in range(seeds)
    ]


def test_a_size_is_where_errors_are_first_as_low() -> None:
    """Half way between 10 and 1,000 on a logarithmic axis is 100."""
    errors = np.array([[0.4, 0.2, 0.3], [0.1, 0.2, 0.3], [0.5, 0.4, 0.3]])
    found = size_at(np.array([10.0, 1000, 5000]), errors, np.array([0.3, 0.3, 0.1]))
    assert found.tolist() == [pytest.approx(math.log(100)), -math.inf, math.inf]


def test_sizes_are_compared_at_an_error_that_both_reach_or_at_which_they_hold() -> None:
    sizes = np.array([1000.0, 4000, 16_000])
    error, ratio = ratio_of_sizes(
        (sizes, np.array([[0.8, 0.4, 0.2], [0.5, 0.01, 0.001]])),
        (sizes, np.array([[0.4, 0.2, 0.1], [0.01, 0.0, 0.0]])),
    )
    assert error.tolist() == [0.2, 0.01]
    assert ratio[0] == pytest.approx(4)
    assert math.isinf(ratio[1])


def test_what_attention_is_worth_is_said_at_each_length() -> None:
    found = [
        worth
        for group in levels(runs(), "data.length")
        for worth in worths(Level("", group[0].config["data.length"], group))
    ]
    near, far = found
    assert near.ratio == pytest.approx(4, rel=1e-3)
    assert near.interval is not None
    assert near.interval.low < 4 < near.interval.high < 6
    assert "is worth × 4 parameters at length 8" in near.sentence()
    assert "errs in less than the" in far.sentence()
    assert "more than × 16 parameters at length 16" in far.sentence()


def test_the_families_errors_are_drawn_apart() -> None:
    """Both are off by their own seeds' luck, though their seeds differ by just as much."""
    same: Errors = {8: dict.fromkeys(("seq2seq", "seq2seq_dot"), (0.8, 0.4, 0.2))}
    (found,) = worths(Level("", 8, runs(errors=same)))
    assert found.interval is not None
    assert found.interval.low < 0.999 < 1.001 < found.interval.high


def test_the_section_tells_the_longest_first_and_what_each_length_takes() -> None:
    found = section(runs())
    assert found is not None
    assert "at length 16" in found.title
    assert "at length 8" in found.sentences[0]
    assert found.sentences[1] == (
        "Of sequences longer than any learnt the best network gets right 9.0% of length 32 after "
        "up to 8 and 9.5% of length 32 after up to 16."
    )
    holds = found.tables[1].rows
    assert holds[0]["tested 4"] == "1k: 100.0%"
    assert holds[0]["tested 8"] == "none run: 80.0% at best"
    assert holds[0]["tested 16"].startswith("none run")
    assert {chart.name for chart in found.charts} == {"error_by_size_and_length", "exact_by_length"}


def test_runs_on_several_lengths_have_one_report_though_each_has_a_test_set_of_its_own() -> None:
    found = analyse(runs(), name="study")
    assert [cell.records[0].data for cell in found.selection.cells] == ["reverse16"] * 6
    assert "data.length=16" in found.notes[0]
    assert section(found.usable) is not None


def test_other_data_or_another_test_set_of_a_length_is_refused() -> None:
    few = runs(seeds=1)
    with pytest.raises(UserError, match=r"different data sets, mnist1d .*, reverse"):
        analyse([*few, replace(record("seq2seq"), measure=MEASURE)], name="study")
    with pytest.raises(UserError, match="different test sets"):
        analyse([*few, replace(few[0], seed=1, test_fingerprint="new")], name="study")


def test_one_seed_says_nothing_and_no_attention_asks_nothing() -> None:
    found = section(runs(seeds=1))
    assert found is not None
    assert found.title.startswith("One seed can't say what attention")
    assert section([run for run in runs() if run.family == "seq2seq"]) is None
    assert section([record("lstm", size) for size in SIZES]) is None


def words(seeds: int = 3, saved: float = 0.04) -> list[RunRecord]:
    """Runs of one size on data without a length; attention errs less by `saved`, nearly so in each.

    Seeds differ by more than attention brings.
    """
    return [
        replace(
            record(
                family,
                700_000,
                seed,
                test_error=0.3 + 0.1 * seed - less * (1 + 0.05 * (seed - 1)),
                data__name="cmudict",
            ),
            data="cmudict",
            parameters=parameters,
            measure=MEASURE,
        )
        for family, parameters, less in (
            ("seq2seq", 703_240, 0),
            ("seq2seq_additive", 701_860, saved),
        )
        for seed in range(seeds)
    ]


def test_at_one_size_it_is_said_how_much_less_a_network_errs_with_attention() -> None:
    """In pairs: 3.8, 4.0 and 4.2 points, though seeds are ten points apart."""
    found = section(analyse(words(), name="study").usable)
    assert found is not None
    assert found.title == (
        "Attention (seq2seq_additive) lowers test sequence error by 4.0 points [3.6, 4.4] at 702k "
        "parameters: 40.0% without, 36.0% with."
    )
    assert [row["parameters"] for row in found.tables[0].rows] == ["703,240", "701,860"]
    worse = section(words(saved=-0.04))
    assert worse is not None
    assert "raises test sequence error by 4.0 points" in worse.title


def test_at_one_size_the_difference_may_be_open() -> None:
    same, one = section(words(saved=0.0)), section(words(seeds=1))
    assert same is not None
    assert one is not None
    assert same.title.startswith("Can't tell whether attention (seq2seq_additive) changes")
    assert one.title.startswith("One seed can't say what attention (seq2seq_additive) brings")


def test_other_sizes_are_not_compared_as_if_they_were_one() -> None:
    larger = [
        replace(each, size_asked=900_000) if each.family == "seq2seq" else each for each in words()
    ]
    assert section(larger) is None


def test_equal_curves_leave_it_open() -> None:
    same: Errors = {8: dict.fromkeys(("seq2seq", "seq2seq_dot"), (0.8, 0.4, 0.2))}
    found = section(runs(errors=same))
    assert found is not None
    assert found.title.startswith("Can't tell whether attention")
