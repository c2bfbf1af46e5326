"""What is trained next: sizes, rates, steps and seeds, within the time, and the same again."""

import dataclasses
from pathlib import Path

import pytest

from sizewise.advise.history import differing
from sizewise.advise.known import Known, Trial
from sizewise.advise.log import unfinished
from sizewise.advise.policy import SEEDS, TRIED_STEPS, Decision, decide
from sizewise.advise.words import Advice
from sizewise.report.goal import Goal
from sizewise.report.verdict import Kind
from tests.advise.world import CHANCE, RATE, SIZES, STEPS, World, falls_until


def searched(tmp_path: Path, world: World) -> Known:
    assert world.folder == tmp_path
    world.begin()
    return world.search()


def test_the_knee_is_found_and_a_larger_size_compared_with(tmp_path: Path) -> None:
    known = searched(tmp_path, World(tmp_path, falls_until(4000)))
    assert known.advised is not None
    family, size = known.advised
    assert (family, 3000 < size < 9000) == ("cnn", True)
    assert known.analysis is not None
    assert known.analysis.answer is not None
    assert known.analysis.answer.kind is Kind.ANSWER
    larger = [s for (_, s) in known.errors(known.steps) if s >= 1.5 * size]
    assert len(known.chosen("cnn", min(larger), known.steps)) >= SEEDS[0]
    assert max(t.size or 0 for t in known.runs) < 250_000  # two sizes that bring nothing are enough


def test_the_rate_follows_what_suits_larger_sizes(tmp_path: Path) -> None:
    def rule(trial: Trial) -> float:
        assert trial.size is not None
        suits = RATE if trial.size <= 1000 else RATE / 3
        return falls_until(16_000)(trial._replace(rate=RATE)) + 0.05 * (trial.rate != suits)

    known = searched(tmp_path, World(tmp_path, rule))
    assert known.advised is not None
    assert known.rate_of(*known.advised, known.steps) == pytest.approx(RATE / 3)


def test_steps_double_while_it_pays_and_all_that_competes_is_trained_so_long(
    tmp_path: Path,
) -> None:
    def rule(trial: Trial) -> float:
        longer = 0.05 * max(0, 4 - trial.steps // STEPS)  # no more is gained after four times
        return falls_until(4000)(trial) + longer

    known = searched(tmp_path, World(tmp_path, rule))
    assert known.steps == 4 * STEPS
    assert len({size for _, size in known.errors(known.steps)}) >= 3
    assert all(t.steps <= 8 * STEPS for t in known.runs)


def test_a_family_that_is_behind_at_equal_cost_is_left(tmp_path: Path) -> None:
    def rule(trial: Trial) -> float:
        return falls_until(16_000)(trial) + (0.3 if trial.family == "lstm" else 0.0)

    known = searched(tmp_path, World(tmp_path, rule, families=("cnn", "lstm")))
    assert known.contenders == ["cnn"]
    assert known.behind("lstm") is not None
    assert max(t.size or 0 for t in known.runs if t.family == "lstm") < 16_000


def test_seeds_are_added_where_they_decide_and_looks_are_few(tmp_path: Path) -> None:
    def rule(trial: Trial) -> float:  # 4k is worse than 16k by about the tolerance
        assert trial.size is not None
        return falls_until(4000)(trial) + (0.009 if trial.size <= 4000 else 0.0)

    known = searched(tmp_path, World(tmp_path, rule, budget=3000.0, luck=0.01))
    seeds = {trial.seed for trial in known.runs}
    assert len(seeds) in SEEDS[1:]
    assert not any(trial.seed >= SEEDS[-1] for trial in known.runs)


@pytest.mark.parametrize("budget", [40.0, 60.0, 120.0])
def test_what_is_decided_fits_into_the_time(tmp_path: Path, budget: float) -> None:
    world = World(tmp_path, falls_until(64_000), budget=budget, step_seconds=2e-6)
    world.begin()
    world.search()
    assert world.elapsed <= budget


def test_no_time_for_larger_sizes_is_said(tmp_path: Path) -> None:
    world = World(tmp_path, falls_until(10**6), budget=60.0, step_seconds=3e-6)
    searched(tmp_path, world)
    ended = world.log.events()[-1]
    assert ended["why"].startswith("no time is left for: larger sizes")
    assert "more)" in ended["why"]


def test_a_target_ends_growth_and_a_limit_bounds_it(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    reached = World(tmp_path / "target", falls_until(64_000), asked={"target": "25%"})
    reached.begin()
    sizes = [trial.size or 0 for trial in reached.search().runs]
    assert 4000 < max(sizes) <= 64_000
    (tmp_path / "limit").mkdir()
    limited = World(tmp_path / "limit", falls_until(64_000), asked={"bytes": "20kB"})
    limited.begin()
    known = limited.search()  # a file of the synthetic runs has 2 kB and 4 bytes a parameter
    assert known.advised is not None
    assert known.advised[1] <= 4500


def test_one_seed_is_advised_only_where_it_is_better_by_more_than_the_tolerance(
    tmp_path: Path,
) -> None:
    """Time was for several seeds of the small sizes, and for one of the largest."""
    world = World(tmp_path, falls_until(64_000, slope=0.02), luck=0.0)
    world.begin()
    small = [Trial("cnn", size, seed, STEPS, RATE) for size in (250, 1000) for seed in range(3)]
    large = Trial("cnn", 16_000, 0, STEPS, RATE)
    world.log.write("decided", why="by hand", trials=[*small, large])
    world.train(Decision("by hand", (*small, large)))
    assert world.known().advised == ("cnn", 16_000)
    wide = dataclasses.replace(world.known(), goal=Goal(0.5))
    assert wide.advised == ("cnn", 1000)


def test_a_failed_run_counts_as_tried(tmp_path: Path) -> None:
    world = World(tmp_path, falls_until(4000))
    world.begin()
    known = world.known()
    lost = Trial("cnn", SIZES[1], 0, STEPS, RATE)
    found = dataclasses.replace(known, runs={lost: None})
    assert lost not in found.networks
    assert found.best is None


def test_the_same_records_give_the_same_decisions_also_after_a_stop(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    searched(whole, World(whole, falls_until(4000)))
    World(parts, falls_until(4000)).begin()
    for _ in range(30):
        world = World(parts, falls_until(4000))
        world.elapsed = [e["elapsed"] for e in world.log.events() if "elapsed" in e][-1]
        world.search(most=1)
        if not world.log.events()[-1].get("trials", True):
            break
    first, second = (World(each, falls_until(4000)).log for each in (whole, parts))
    assert first.events() == second.events()
    assert differing(first.events(), first.records()) == []


def test_other_records_give_other_decisions_and_explain_finds_them(tmp_path: Path) -> None:
    world = World(tmp_path, falls_until(64_000))
    world.begin()
    world.search()
    changed = {
        key: dataclasses.replace(record, metrics=record.metrics | {"test/accuracy": 0.95})
        for key, record in world.log.records().items()
    }
    assert differing(world.log.events(), changed)


def test_a_decision_whose_trials_have_not_all_ended_is_gone_on_with(tmp_path: Path) -> None:
    world = World(tmp_path, falls_until(4000))
    world.begin()
    assert unfinished(world.log.events()) is None
    decision = decide(world.known())
    world.log.write("decided", why=decision.why, trials=decision.trials)
    world.log.write("resumed", budget=world.budget, elapsed=20.0)
    assert unfinished(world.log.events()) == decision
    world.train(decision)
    assert unfinished(world.log.events()) is None


@pytest.mark.parametrize("references", [(), ("random_forest", "linear")], ids=len)
def test_where_there_was_no_time_to_search_the_smallest_size_is_trained(
    tmp_path: Path, references: tuple[str, ...]
) -> None:
    world = World(tmp_path, falls_until(4000), budget=12.0, references=references)
    world.begin()
    why = decide(world.known()).why
    assert why.startswith("no time is left for: the smallest sizes of each family")
    known = world.search()
    assert not known.runs
    assert known.final == Trial("cnn", SIZES[0], 0, STEPS, RATE)


def test_where_nothing_is_better_than_chance_the_smallest_is_advised_and_that_is_said(
    tmp_path: Path,
) -> None:
    known = searched(tmp_path, World(tmp_path, lambda _: CHANCE, luck=0.0))
    assert known.advised == ("cnn", SIZES[0])
    assert known.final is not None
    final = World(tmp_path, lambda _: CHANCE).run(known.final)
    said = Advice(known, known.final, final, {}, "nothing more to ask", 60.0, "chance").lines()
    assert said[0].startswith("No size tried within 1:00 is better than chance; cnn with 250")


def test_longer_training_pays_where_the_best_gets_better_not_another(tmp_path: Path) -> None:
    def rule(trial: Trial) -> float:
        best = trial.size == 1000
        if trial.steps == STEPS:
            return 0.01 if best else 0.11
        return 0.088 if best else 0.09

    world = World(tmp_path, rule, luck=0.0)
    known = searched(tmp_path, world)
    assert any(trial.steps == 2 * STEPS for trial in known.networks)
    assert known.wanted_steps == STEPS
    assert known.advised == ("cnn", 1000)


def test_where_time_is_short_for_all_the_final_training_alone_is_as_long_as_paid(
    tmp_path: Path,
) -> None:
    def rule(trial: Trial) -> float:
        return falls_until(64_000)(trial) + (0.05 if trial.steps == STEPS else 0.0)

    world = World(tmp_path, rule, budget=75.0, step_seconds=5e-7)
    world.begin()
    known = world.search()
    assert known.wanted_steps == 2 * STEPS
    assert known.steps == STEPS
    assert known.analysis is not None
    assert known.final is not None
    assert known.final.steps == 2 * STEPS


def test_a_family_that_no_limit_allows_is_named(tmp_path: Path) -> None:
    world = World(tmp_path, falls_until(1000), families=("cnn", "lstm"), asked={"bytes": "20kB"})
    world.begin()
    large = [Trial(family, 16_000, 0, STEPS, RATE) for family in ("cnn", "lstm")]
    small = [Trial("cnn", size, seed, STEPS, RATE) for size in (250, 1000) for seed in range(3)]
    world.train(Decision("by hand", (*large, *small)))
    known = world.known()
    assert known.final is not None
    said = Advice(known, known.final, world.run(known.final), {}, "over", 60.0, "limits").lines()
    assert "Over the limits at each size that was tried: lstm." in said


def test_a_step_is_timed_of_what_is_larger_than_any_seen_before_it_is_decided(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, falls_until(SIZES[6]), budget=600.0)
    searched(tmp_path, world)
    events = world.log.events()
    seen = 1000  # what was tried out at the start
    for event in events:
        for _, size, _ in event.get("tried", ()):
            seen = max(seen, size)
        if event["event"] == "decided":
            assert all(trial[1] <= seen for trial in event["trials"])
    assert [size for event in events for _, size, _ in event.get("tried", ())][:3] == [
        1000,
        4000,
        16_000,
    ]
    assert not differing(events, world.log.records())


def test_no_step_is_timed_that_would_take_much_of_the_time_left(tmp_path: Path) -> None:
    world = World(tmp_path, falls_until(SIZES[6]), budget=60.0, step_seconds=2e-5)
    known = searched(tmp_path, world)
    tried = [size for event in world.log.events() for _, size, _ in event.get("tried", ())]
    assert max(tried) * world.step_seconds * TRIED_STEPS <= 0.05 * 60
    assert known.runs
