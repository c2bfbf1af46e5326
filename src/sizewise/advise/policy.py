"""What to train next, and why: a function of what is known, so that it can be repeated.

The order in which questions are asked:

1. the two smallest sizes of each family, the larger at two learning rates;
2. sizes four times as large, while that pays, each at the rate that was best so far and at a third
   of it, unless that was far worse; families that are clearly behind at equal cost are left;
3. twice the steps: where they pay, what is compared is trained so long again, so that no large
   network loses by being trained too short;
4. the sizes between, around the smallest that is as good as the best;
5. more seeds where they decide, at most five looks at the answer, its error divided over them;
6. the next larger size with as many seeds as a first look has: what would it bring?

What does not fit into the time left is skipped, and the next question asked. Rates and sizes are
chosen by the errors on the inner test split, which holds more samples than validation does.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from sizewise.advise.known import LOWER, Known, Place, Trial
from sizewise.records import readable_count
from sizewise.report.verdict import LOOKS, Kind
from sizewise.report.words import duration, listed

GROWTH = 4  # from one size to the next
MISSES = 2  # sizes in a row that bring nothing, after which a family is not grown further
MOST_DOUBLINGS = 3  # of the steps
TWICE = 1.5  # a size at least so much larger shows what twice the size brings
APART = 2.5  # two sizes further apart have one between them
SEARCH_SHARE = 0.6  # of the time left, that looking for larger sizes and more steps may take
TRIED_STEPS = 10  # on noise, of a network larger than any seen
TRIED_SHARE = 0.05  # of the time left, that this may take
SEEDS = (3, 5, 8, 12, 18)  # of what is compared, at each look at the answer
assert len(SEEDS) == LOOKS


class Decision(NamedTuple):
    """What is trained next, and why; without trials the search is over."""

    why: str
    trials: tuple[Trial, ...] = ()


def decide(known: Known) -> Decision:
    """Return what to train next, of what fits into the time left."""
    skipped: list[tuple[str, float]] = []
    for question in QUESTIONS:
        why, wanted = question(known)
        new = [trial for trial in wanted if trial not in known.runs]
        if chosen := known.affordable(new, SEARCH_SHARE if question in SEARCH else 1.0):
            return Decision(why, chosen)
        if new:
            networks = [trial for trial in new if trial.size is not None]
            skipped.append((why, sum(map(known.seconds, networks)) / known.jobs))
    if not skipped:
        return Decision("nothing more would change the answer")
    seconds = max(1.0, sum(each for _, each in skipped))
    return Decision(f"no time is left for: {skipped[0][0]} (about {duration(seconds)} more)")


def to_try_out(known: Known) -> list[Place]:
    """Return the networks of which a step is to be timed before it is decided what to train.

    They are larger than any seen, wanted next, and take a small share of the time left.
    """
    for question in QUESTIONS:
        _, wanted = question(known)
        new = [trial for trial in wanted if trial not in known.runs]
        larger = dict.fromkeys(
            (trial.family, trial.size)
            for trial in new
            if trial.size is not None
            and known.is_larger_than_any((trial.family, trial.size))
            and known.seconds(trial._replace(steps=TRIED_STEPS)) <= TRIED_SHARE * known.left
        )
        if larger:
            return list(larger)
        if known.affordable(new, SEARCH_SHARE if question in SEARCH else 1.0):
            return []
    return []


Asked = tuple[str, list[Trial]]


def _begin(known: Known) -> Asked:
    trials = [Trial(family, None) for family in known.references]
    steps, rate = known.first_steps, known.rate
    for family, (smallest, *larger) in known.work.items():
        trials.append(Trial(family, smallest, 0, steps, rate))
        for size in larger[:1]:
            trials += [Trial(family, size, 0, steps, each) for each in (rate, rate / LOWER)]
    return "the smallest sizes of each family, and classical families to compare with", trials


def _again(known: Known) -> Asked:
    """Train for the new steps what had a chance at the old ones."""
    wanted, trials = known.wanted_steps, []
    before = wanted // 2
    if wanted == known.first_steps:
        return "", []
    errors = known.errors(before)
    for family in known.contenders:
        own = {size: error for (name, size), error in errors.items() if name == family}
        if not own:
            continue
        best = min(own, key=lambda size: (own[size], size))
        for size in sorted(own):
            if best / GROWTH <= size <= best * GROWTH:
                rate = known.rate_of(family, size, before)
                trials.append(Trial(family, size, 0, wanted, rate))
    return f"all that competes for {wanted:,} steps, since longer training paid", trials


def _grow(known: Known) -> Asked:
    trials, grown = [], []
    for family in known.contenders:
        if size := _next_size(known, family):
            largest = max(s for name, s in known.errors(known.steps) if name == family)
            trials += [
                Trial(family, size, 0, known.steps, rate)
                for rate in known.rates_after(family, largest)
            ]
            grown.append(f"{family} {readable_count(size)}")
    left = [f"{family} is behind at equal cost" for family in known.work if known.behind(family)]
    why = f"larger sizes, as growing still paid: {listed(grown)}"
    return "; ".join([why, *left]), trials


def _next_size(known: Known, family: str) -> int | None:
    """Return the next size that a family grows to; None where growing has ceased to pay."""
    errors = known.errors(known.steps)
    own = sorted((size, error) for (name, size), error in errors.items() if name == family)
    if not own:
        return None
    largest = own[-1][0]
    at_largest = [r for t, r in known.runs.items() if (t.family, t.size) == (family, largest)]
    beyond = [size for size in sorted(known.work[family]) if size > largest]
    tried = {t.size for t in known.runs if (t.family, t.steps) == (family, known.steps)}
    if not beyond or beyond[0] in tried or not any(at_largest):  # it failed, or is over a limit
        return None
    lowest = min(error for _, error in own)
    if known.goal.target is not None and lowest <= known.goal.target:
        return None
    if len(own) > MISSES:
        before = min(error for _, error in own[:-MISSES])
        if before - min(error for _, error in own[-MISSES:]) <= known.margin(before) / 2:
            return None
    return beyond[0]


def _lengthen(known: Known) -> Asked:
    longer = 2 * known.steps
    tried = any(trial.steps == longer for trial in known.runs)
    if known.best is None or tried or longer > known.first_steps * 2**MOST_DOUBLINGS:
        return "", []
    family, size = known.best
    larger = sorted(s for name, s in known.errors(known.steps) if name == family and s > size)
    trials = [
        Trial(family, each, 0, longer, known.rate_of(family, each, known.steps))
        for each in (size, *larger[:1])
    ]
    return f"the best for twice the steps, {longer:,}: are these too few?", trials


def _refine(known: Known) -> Asked:
    if known.enough is None:
        return "", []
    family, enough = known.enough
    sizes = sorted(size for name, size in known.errors(known.steps) if name == family)
    at = sizes.index(enough)
    wanted = []
    if at > 0 and enough > APART * sizes[at - 1]:
        wanted.append(_between(sizes[at - 1], enough))
    above = sizes[at + 1] if at + 1 < len(sizes) else enough * GROWTH
    if above > APART * enough:
        wanted.append(_between(enough, above))
    rate = known.rate_of(family, enough, known.steps)
    trials = [Trial(family, size, 0, known.steps, rate) for size in wanted]
    return f"sizes around {family} {readable_count(enough)}, the smallest that may do", trials


def _between(smaller: int, larger: int) -> int:
    return int(float(f"{math.sqrt(smaller * larger):.1e}"))


def _add_seeds(known: Known) -> Asked:
    if known.best is None or known.enough is None:
        return "", []
    family, enough = known.enough
    sizes = sorted(size for name, size in known.errors(known.steps) if name == family)
    at = sizes.index(enough)
    near = [(family, size) for size in sizes[max(0, at - 1) : at + 2]]
    first = _seeded(known, dict.fromkeys([*near, known.best]), SEEDS[0])
    if any(trial not in known.runs for trial in first):
        return f"{SEEDS[0]} seeds of those between which the answer lies", first
    found = known.analysis
    if found is None or found.answer is None or found.answer.kind is not Kind.MORE_SEEDS:
        return "", []
    answer = found.answer
    cells = dict.fromkeys([*answer.undecided, answer.best, answer.as_good])
    most = max(len(cell.seeds) for cell in cells)
    places = {(cell.family, cell.size_asked or 0) for cell in cells}
    labels = listed([cell.label for cell in answer.undecided])
    # Those that have come in catch up first; some seeds may be over a limit, and count as run.
    for seeds in (most, *(each for each in SEEDS if each > most)):
        trials = _seeded(known, places, seeds)
        if any(trial not in known.runs for trial in trials):
            return f"{seeds} seeds: can't tell yet whether {labels} will do", trials
    return "", []


def _compare_with_larger(known: Known) -> Asked:
    place = known.advised
    if place is None:
        return "", []
    family, size = place
    sizes = sorted(each for name, each in known.errors(known.steps) if name == family)
    larger = next((each for each in sizes if each >= TWICE * size), 2 * size)
    rate = known.rate_of(family, size, known.steps)
    if larger in sizes:
        rate = known.rate_of(family, larger, known.steps)
    trials = [Trial(family, larger, seed, known.steps, rate) for seed in range(SEEDS[0])]
    return f"the next larger size, {family} {readable_count(larger)}: what would it bring?", trials


def _seeded(known: Known, places: Iterable[Place], seeds: int) -> list[Trial]:
    return [
        Trial(family, size, seed, known.steps, known.rate_of(family, size, known.steps))
        for seed in range(seeds)
        for family, size in sorted(places, key=lambda place: place[1])
    ]


SEARCH = (_again, _grow, _lengthen)
QUESTIONS = (_begin, *SEARCH, _refine, _add_seeds, _compare_with_larger)
