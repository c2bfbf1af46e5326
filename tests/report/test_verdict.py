from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sizewise import sample_errors
from sizewise.records import RunRecord
from sizewise.report.analysis import Analysis, analyse
from sizewise.report.cells import PARAMETERS, Cell
from sizewise.report.contents import contents
from sizewise.report.goal import Goal
from sizewise.report.growth import growth
from sizewise.report.markdown import write_markdown
from sizewise.report.proposal import Proposal, propose
from sizewise.report.selection import select
from sizewise.report.verdict import Answer, Kind, answer, compared
from sizewise.report.wording import paragraphs
from tests.report.synthetic import record, sweep

GOAL = Goal(0.01)
SIZES = (1000, 4000, 16_000, 64_000)


def judged(
    error: Callable[[float], float],
    noise: float = 0.004,
    seeds: int = 5,
    sizes: tuple[int, ...] = SIZES,
    rng_seed: int = 0,
    **config: Any,
) -> Answer:
    rng = np.random.default_rng(rng_seed)
    return answer(select(sweep("lstm", sizes, seeds, error, noise, rng, **config)).cells, GOAL)


def verdict_of(analysis: Analysis) -> str:
    return " ".join(
        each for words in paragraphs(analysis) for each in [words.headline, *words.sentences]
    )


def told(found: Answer, command: str | None = None) -> str:
    """Return the command to run next, where no other key was swept."""
    (proposal,) = propose(found, {found.best.family: {}})
    return proposal.command(command)


def saturating(size: float) -> float:
    return {1000: 0.4, 4000: 0.2, 16_000: 0.1, 64_000: 0.1}[round(size)]


def test_error_that_stops_falling_has_an_answer() -> None:
    found = judged(saturating)
    assert found.kind is Kind.ANSWER
    assert found.as_good.parameters == 16_000
    assert not found.undecided
    assert propose(found, {}) == []


def test_error_that_still_falls_asks_for_larger_sizes() -> None:
    found = judged(lambda size: 0.4 * (size / 1000) ** -0.3)
    assert found.kind is Kind.LARGER_SIZES
    assert told(found) == (
        "python train.py -m model=lstm size=128k,256k seed=0,1,2,3,4 data=mnist1d "
        "data.num_samples=5000 training.epochs=5 training.learning_rate=0.01"
    )


def test_seeds_that_differ_too_much_ask_for_seeds() -> None:
    found = judged(saturating, noise=0.012, seeds=3)
    assert found.kind is Kind.MORE_SEEDS
    assert found.undecided[0].parameters < found.as_good.parameters
    assert found.best in found.undecided  # another may be better by more than the tolerance
    assert not found.is_shown
    assert found.wanted is not None
    assert found.wanted.seeds > 3
    command = told(found, "python train.py experiment=mine")
    assert command.startswith("python train.py -m model=lstm size=")
    assert "seed=3,4,5," in command
    assert command.endswith("experiment=mine")


def shared_luck(parameters: int, samples: int | None) -> list[RunRecord]:
    """Return runs that differ from larger ones by less than so few test samples tell."""
    rng = np.random.default_rng(parameters)
    wrong = rng.random(1000) < (0.2 if parameters == 4000 else 0.205)
    config: dict[str, Any] = {"data__test_samples": samples} if samples != 0 else {}
    runs = []
    for seed in range(4):
        errors = np.where(rng.random(1000) < 0.01, ~wrong, wrong)
        made = record("lstm", parameters, seed, test_error=float(errors.mean()), **config)
        metrics = made.metrics | {"cost/throughput": 10_000.0}
        packed = sample_errors.pack(errors.astype(float))
        runs.append(replace(made, metrics=metrics, sample_errors=packed))
    return runs


def test_a_generated_set_is_made_larger_before_seeds_are_added() -> None:
    runs = [*shared_luck(1000, None), *shared_luck(4000, None)[:3]]
    analysis = analyse(runs, name="sweep-1")
    commands = [each.command("python train.py x=1") for each in analysis.families[0].proposals]
    assert commands == [
        "python train.py -m model=lstm size=1k seed=0,1,2,3 x=1 data.test_samples=20000",
        "python train.py -m model=lstm size=4k seed=0,1,2 x=1 data.test_samples=20000",
    ]
    assert [each.seconds for each in analysis.families[0].proposals] == [8.0, 6.0]


@pytest.mark.parametrize("samples", [0, 20_000])
def test_where_the_test_set_leaves_in_doubt_what_seeds_would_not_tell_none_are_asked_for(
    samples: int,
) -> None:
    runs = [*shared_luck(1000, samples), *shared_luck(4000, samples)]
    analysis = analyse(runs, name="sweep-1")
    assert analysis.families[0].proposals == []
    assert "No 50 seeds would tell: accept a larger difference." in verdict_of(analysis)


def test_runs_scored_on_the_most_test_samples_count() -> None:
    few, many = ([*shared_luck(1000, n), *shared_luck(4000, n)] for n in (None, 20_000))
    analysis = analyse([*few, *many], name="sweep-1")
    assert {run.config["data.test_samples"] for run in analysis.usable} == {20_000}
    assert "8 runs left out: scored on fewer test samples." in analysis.notes


def test_what_lies_at_the_tolerances_end_is_told_to_be_so() -> None:
    def error(size: float) -> float:
        return {1000: 0.4, 4000: 0.11, 16_000: 0.1, 64_000: 0.1}[round(size)]

    found = judged(error, noise=0.001, seeds=10)
    assert found.kind is Kind.ANSWER
    assert [cell.parameters for cell in found.at_edge] == [4000]
    assert found.as_good.parameters == 16_000
    # and where that is not known yet, so many seeds would tell
    open_ = judged(error, noise=0.004, seeds=4)
    assert [cell.parameters for cell in open_.undecided] == [4000]
    assert open_.wanted is not None
    (difference,) = (open_.comparisons[cell] for cell in open_.undecided)
    assert difference.half_width(open_.wanted.seeds) < 0.0025 or (
        difference.half_width(open_.wanted.seeds) < abs(difference.mean - 0.01)
    )


def test_error_that_never_falls_asks_for_smaller_sizes() -> None:
    found = judged(lambda _: 0.3, noise=0.002)
    assert found.kind is Kind.SMALLER_SIZES
    assert found.as_good.parameters == 1000
    assert "size=250,500 " in told(found)


def test_one_seed_cannot_tell() -> None:
    found = judged(saturating, seeds=1)
    assert found.kind is Kind.ONE_SEED
    assert "size=1k,4k,16k,64k seed=1,2,3,4" in told(found)


def test_one_size_cannot_tell() -> None:
    assert judged(saturating, sizes=(4000,)).kind is Kind.ONE_SIZE


def test_swept_keys_go_into_the_next_command() -> None:
    rng = np.random.default_rng(0)
    runs = []
    for rate in (0.003, 0.01):

        def error(size: float, penalty: float = 0.1 * (rate == 0.003)) -> float:
            return penalty + 0.4 * float((size / 1000) ** -0.3)

        runs += sweep("lstm", SIZES, 3, error, 0.004, rng, training__learning_rate=rate)
    selection = select(runs)
    (proposal,) = propose(answer(selection.cells, GOAL), selection.swept)
    assert proposal.command().endswith("training.learning_rate=0.003,0.01")
    rated = "python train.py model=lstm,cnn size=1k,4k training.learning_rate=0.003,0.01"
    assert proposal.command(rated) == (
        "python train.py -m model=lstm size=128k,256k seed=0,1,2 training.learning_rate=0.003,0.01"
    )


def test_new_runs_are_scored_on_as_many_test_samples_as_those_there_are() -> None:
    like = record(data__test_samples=20_000)
    proposal = Proposal(like, [1000], None, [3], {}, 1)
    assert proposal.overrides(["x=1"]) == [
        *("model=lstm", "size=1k", "seed=3", "x=1", "data.test_samples=20000"),
    ]


def test_what_was_typed_of_another_network_is_not_asked_of_this_one() -> None:
    like = record(model__depth=2)
    proposal = Proposal(like, [1000], None, [3], {}, 1)
    typed = ["model._target_=mine.Net", "model.depth=null"]
    assert proposal.overrides(typed) == ["model=lstm", "size=1k", "seed=3", "model.depth=2"]


def test_all_settings_that_are_tried_have_their_price() -> None:
    rng = np.random.default_rng(0)
    runs = [
        each
        for rate in (0.003, 0.01)
        for each in sweep(
            "lstm", (1000,), 3, lambda _: 0.2, 0.004, rng, training__learning_rate=rate
        )
    ]
    selection = select(runs)
    found = answer(selection.cells, GOAL)
    (both,), (one,) = propose(found, selection.swept), propose(found, {"lstm": {}})
    assert both.seconds == pytest.approx(2 * one.seconds)


def test_what_was_typed_is_kept_as_it_was_but_for_what_is_proposed() -> None:
    proposal = Proposal(record(), [1000, 2500], None, [3, 4], {"training.batch_size": [50, 100]}, 1)
    typed = ["model=cnn,lstm", "seed=0,1", "+tracking.note='a b ${c}'", "data.test_samples=9"]
    again = ["model=lstm", "size=1k,2.5k", "seed=3,4", typed[2]]
    assert proposal.overrides(typed) == [*again, typed[3], "training.batch_size=50,100"]
    scored = replace(proposal, test_samples=20_000).overrides(typed)
    assert scored == [*again, "training.batch_size=50,100", "data.test_samples=20000"]


@pytest.mark.parametrize("rng_seed", range(10))
def test_verdicts_do_not_hang_on_one_draw(rng_seed: int) -> None:
    found = judged(saturating, rng_seed=rng_seed)
    assert found.as_good.parameters == 16_000
    assert found.kind is Kind.ANSWER


def test_a_size_is_worse_only_if_it_is_so_than_each_that_may_be_the_best() -> None:
    runs = []
    for seed, luck in enumerate([0.018, -0.016, 0.012, -0.014, 0.0]):
        for size, error in ((4000, 0.183), (16_000, 0.165 + luck), (64_000, 0.16)):
            error += 0.001 * (seed + size // 4000) % 0.003
            runs.append(record(parameters=size, seed=seed, test_error=error))
    small, rival, best = select(runs).cells
    found = answer([small, rival, best], GOAL)
    assert found.best is best
    assert found.comparisons[small].low > 0.01
    assert found.undecided == [small, rival]
    assert found.open_rivals == [rival]
    text = write_markdown(contents(analyse(runs, name="rivals")))
    assert "but not shown to be so than each that may be the best." in text
    assert answer([small, best], GOAL).comparisons[small].is_worse(0.01)


def test_pairs_of_seeds_see_what_their_spread_hides() -> None:
    shared = [0.00, 0.05, -0.05, 0.03, -0.03]
    own = [0.001, -0.001, 0.0, 0.001, -0.001]
    runs = []
    for seed in range(5):
        runs.append(record(parameters=4000, seed=seed, test_error=0.2 + shared[seed]))
        runs.append(record(seed=seed, test_error=0.22 + shared[seed] + own[seed]))
    small, large = select(runs).cells
    comparison = compared([small], large)[small]
    assert comparison.seeds == 5
    assert comparison.mean == pytest.approx(0.02)
    assert comparison.is_worse(0.01)
    assert comparison.interval is not None
    assert comparison.interval.high - comparison.interval.low < 0.01


def test_cells_without_common_seeds_are_compared_unpaired() -> None:
    runs = [record(seed=seed, test_error=0.3 + 0.001 * seed) for seed in range(3)]
    runs += [
        record(parameters=4000, seed=seed, test_error=0.2 + 0.001 * seed) for seed in range(5, 8)
    ]
    small, large = select(runs).cells
    comparison = compared([small], large)[small]
    assert comparison.mean == pytest.approx(0.095)
    assert comparison.is_worse(0.01)


def test_growth_states_what_it_bought_and_cost() -> None:
    rng = np.random.default_rng(0)
    cells = select(sweep("lstm", SIZES, 5, saturating, 0.004, rng)).cells
    grown = growth(cells)
    assert grown is not None
    assert grown.bought == pytest.approx(0.3, abs=0.01)
    assert grown.interval is not None
    assert pytest.approx(grown.interval.low, abs=0.02) == 0.3
    factors = {cost.metric: factor for cost, factor in grown.factors.items()}
    assert factors["cost/parameters"] == 64
    assert factors["cost/train_seconds"] == pytest.approx(66 / 3)
    assert factors["cost/latency_ms_p50"] == pytest.approx(0.84 / 0.21)


def test_the_best_is_named_by_validation_not_by_a_lucky_test_set() -> None:
    runs = []
    for seed in range(3):
        jitter = 0.001 * seed
        runs.append(record(seed=seed, test_error=0.10 + jitter, validation_error=0.20))
        runs.append(
            record(parameters=4000, seed=seed, test_error=0.12 - jitter, validation_error=0.11)
        )
    assert answer(select(runs).cells, GOAL).best.parameters == 4000


def sizes_with(errors: dict[int, float], validation: dict[int, float]) -> list[Cell]:
    """Return sizes whose five seeds differ by next to nothing."""
    runs = []
    for size, error in errors.items():
        for seed in range(5):
            noisy = error + 1e-4 * (seed * size % 7)
            made = record(
                parameters=size,
                seed=seed,
                test_error=noisy,
                validation_error=validation[size],
            )
            runs.append(made)
    return list(select(runs).cells)


def test_a_size_is_as_good_only_if_it_is_so_as_each_that_may_be_the_best() -> None:
    errors = {4000: 0.122, 8000: 0.120, 64_000: 0.100}
    lucky = {4000: 0.13, 8000: 0.11, 64_000: 0.12}
    small, best, rival = cells = sizes_with(errors, lucky)
    found = answer(cells, GOAL)
    assert found.best is best
    assert found.rivals == [rival]
    assert not found.comparisons[small].is_as_good(0.01)
    assert found.as_good is rival
    # the lucky one itself can be told to be worse
    assert found.comparisons[best].is_worse(0.01)
    assert found.comparisons[best].mean == pytest.approx(0.02, abs=1e-3)
    assert best not in found.undecided


def test_where_another_size_may_be_better_it_gets_seeds_too() -> None:
    rng = np.random.default_rng(1)
    runs = []
    for seed in range(3):
        for size, error, validation in ((4000, 0.108, 0.10), (16_000, 0.10, 0.11)):
            noisy = error + 0.004 * rng.normal()
            made = record(parameters=size, seed=seed, test_error=noisy, validation_error=validation)
            runs.append(made)
    found = answer(select(runs).cells, GOAL)
    assert found.kind is Kind.MORE_SEEDS
    (proposal,) = propose(found, {"lstm": {}})
    assert list(proposal.sizes) == [4000, 16_000]


def within(limit: float, errors: dict[int, float], **goal: Any) -> Answer:
    """Return the answer where no model may be larger than so many parameters."""
    cells = sizes_with(errors, errors)
    return answer(cells, Goal(0.01, limits={PARAMETERS: limit}, **goal))


def test_limits_leave_nothing_larger_to_be_tried() -> None:
    falling = {1000: 0.4, 4000: 0.2, 16_000: 0.15, 64_000: 0.10}
    found = within(16_000, falling)
    assert (found.kind, found.as_good.parameters) == (Kind.ANSWER, 16_000)
    assert propose(found, {"lstm": {}}) == []
    alone = within(1000, falling)
    assert alone.kind is Kind.SMALLER_SIZES
    (proposal,) = propose(alone, {"lstm": {}})
    assert max(proposal.sizes) < 1000
    missed = within(4000, falling, target=0.12)
    assert missed.kind is Kind.NOT_REACHED
    assert propose(missed, {"lstm": {}}) == []


def test_one_size_that_reaches_the_target_is_enough() -> None:
    (cell,) = sizes_with({1000: 0.1}, {1000: 0.1})
    assert answer([cell], Goal(0.01, target=0.2)).kind is Kind.SMALLER_SIZES
    assert answer([cell], Goal(0.01)).kind is Kind.ONE_SIZE


def test_whether_a_family_still_gains_is_its_own_sizes_matter() -> None:
    small, best = sizes_with({4000: 0.1, 16_000: 0.1}, {4000: 0.11, 16_000: 0.1})
    other = replace(sizes_with({1000: 0.3}, {1000: 0.3})[0], family="cnn")
    assert answer([small, best, other], GOAL).kind is not Kind.LARGER_SIZES


@pytest.mark.parametrize(
    ("seeds", "before", "after"),
    [(3, 0.11, 0.11), (1, 0.1, 0.085)],  # of the three in pairs; of one pair no spread is known
)
def test_growth_is_told_of_the_seeds_that_are_compared(
    seeds: int, before: float, after: float
) -> None:
    """What it says of before and after is what lies between them."""
    runs = [record(parameters=1000, seed=s, test_error=0.1 + 0.01 * s) for s in range(seeds)]
    runs += [record(parameters=4000, seed=s, test_error=0.12 - 0.01 * s) for s in range(8)]
    grown = growth(select(runs).cells)
    assert grown is not None
    assert [grown.before, grown.after] == pytest.approx([before, after])
    assert grown.bought == pytest.approx(before - after)


def test_a_best_that_is_far_better_needs_few_seeds_to_be_told() -> None:
    """How far the luckiest of the others lies behind counts, not only how far it may be ahead."""
    runs = [
        record(parameters=size, seed=seed, test_error=error + luck * (-1) ** seed)
        for size, error, luck in ((1000, 0.3, 0.03), (4000, 0.1, 0.001))
        for seed in range(2)
    ]
    found = answer(select(runs).cells, GOAL)
    assert found.best in found.undecided
    assert found.wanted is not None
    assert found.wanted.seeds < 10
