"""What to train next, and why: a function of what is known, so that it can be repeated.

The order in which questions are asked:

1. the two smallest sizes of each family, at two learning rates;
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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import NamedTuple

import numpy as np

from sizewise.advise.forecast import Forecast
from sizewise.records import RunRecord, readable_count
from sizewise.report.analysis import Analysis, analyse
from sizewise.report.cells import Cell
from sizewise.report.goal import Goal
from sizewise.report.verdict import LOOKS, Kind, look_confidence
from sizewise.report.words import duration, listed

GROWTH = 4  # from one size to the next
MISSES = 2  # sizes in a row that bring nothing, after which a family is not grown further
LOWER = 3  # by which the rate is divided that is tried beside the best so far
MOST_DOUBLINGS = 3  # of the steps
TWICE = 1.5  # a size at least so much larger shows what twice the size brings
APART = 2.5  # two sizes further apart have one between them
SEARCH_SHARE = 0.6  # of the time left, that looking for larger sizes and more steps may take
SEEDS = (3, 5, 8, 12, 18)  # of what is compared, at each look at the answer
assert len(SEEDS) == LOOKS
FAR = 4  # tolerances by which a rate is worse that need not be tried at the next size
SURE = 2.0  # standard errors by which a family is behind


class Trial(NamedTuple):
    """A run that is asked for; `size` is None of a classical family, and with it steps and rate."""

    family: str
    size: int | None
    seed: int = 0
    steps: int = 0
    rate: float = 0.0

    def __str__(self) -> str:
        if self.size is None:
            return self.family
        return (
            f"{self.family} {readable_count(self.size)}, seed {self.seed}, {self.steps:,} steps at "
            f"{self.rate:.3g}"
        )


class Decision(NamedTuple):
    """What is trained next, and why; without trials the search is over."""

    why: str
    trials: tuple[Trial, ...] = ()


Place = tuple[str, int]  # a family and a size


@dataclass(frozen=True)
class Known:
    """What a decision follows from.

    Args:
        work: of each family, by the sizes that it grows through, the FLOPs of a training step.
        references: classical families, each run once.
        runs: that have ended, by what was asked for; None where one failed.
        forecast: of seconds.
        left, kept: seconds for the search, and for what comes after it.
        jobs: runs at once.
        steps, rate: to begin with.
        goal: what is good enough.
        asked: the same, by the keys of the config's `answer`.
    """

    work: Mapping[str, Mapping[int, float]]
    references: Sequence[str]
    runs: Mapping[Trial, RunRecord | None]
    forecast: Forecast
    left: float
    kept: float
    jobs: int
    first_steps: int
    rate: float
    goal: Goal
    asked: Mapping[str, object]

    @cached_property
    def networks(self) -> dict[Trial, RunRecord]:
        """Return the runs of networks that have a result within the limits."""
        return {
            trial: record
            for trial, record in self.runs.items()
            if record is not None and trial.size is not None and self._allows(record)
        }

    def _allows(self, record: RunRecord) -> bool:
        parameters = record.parameters or 0
        return self.goal.allows(Cell(record.family, parameters, record.size_asked, (), (record,)))

    def seconds(self, trial: Trial) -> float:
        """Return what a trial of a network takes, by the forecast."""
        assert trial.size is not None
        work = work_of(self.work[trial.family], trial.size)
        return self.forecast.seconds(trial.family, work, trial.steps)

    def makespan(self, trials: Iterable[Trial]) -> float:
        """Return what trials of networks take in all, `jobs` at once."""
        each = [self.seconds(trial) for trial in trials if trial.size is not None]
        return max([sum(each) / self.jobs, *each])

    def chosen(self, family: str, size: int, steps: int) -> list[RunRecord]:
        """Return the runs at a size, of the rate that is best with the first seed."""
        alike = {
            trial: record
            for trial, record in self.networks.items()
            if (trial.family, trial.size, trial.steps) == (family, size, steps)
        }
        firsts = {trial.rate: record for trial, record in alike.items() if trial.seed == 0}
        if not firsts:
            return []
        rate = min(firsts, key=lambda each: (firsts[each].error(), each))
        return [record for trial, record in alike.items() if trial.rate == rate]

    def rate_of(self, family: str, size: int, steps: int) -> float:
        """Return the rate of `chosen`."""
        return float(self.chosen(family, size, steps)[0].config["training.learning_rate"])

    def rates_after(self, family: str, size: int) -> list[float]:
        """Return the rates for a size larger than this: the best here, and a lower one beside it.

        Larger networks want lower rates; one that was far worse here is not tried again at once.
        """
        rate = self.rate_of(family, size, self.steps)
        lower = self.networks.get(Trial(family, size, 0, self.steps, rate / LOWER))
        best = self.networks[Trial(family, size, 0, self.steps, rate)]
        gap = 0.0 if lower is None else lower.error() - best.error()
        return [rate, rate / LOWER] if gap <= FAR * self.margin(best.error()) else [rate]

    def errors(self, steps: int) -> dict[Place, float]:
        """Return the mean error of each family and size that was trained for so many steps."""
        places = {(t.family, t.size) for t in self.networks if t.steps == steps and t.size}
        found = {place: self.chosen(*place, steps) for place in sorted(places)}
        return {place: fmean(r.error() for r in runs) for place, runs in found.items() if runs}

    @cached_property
    def steps(self) -> int:
        """Return for how many steps what is compared is trained: doubled while that has paid."""
        steps = self.first_steps
        while any(self._paid(trial) for trial in self.networks if trial.steps == 2 * steps):
            steps *= 2
        return steps

    def _paid(self, longer: Trial) -> bool:
        before = self.networks.get(longer._replace(steps=longer.steps // 2))
        if before is None:
            return False
        gain = before.error() - self.networks[longer].error()
        return gain > self.margin(before.error()) / 2

    @cached_property
    def best(self) -> Place | None:
        """Return the family and size with the lowest error at these steps."""
        errors = self.errors(self.steps)
        return min(errors, key=lambda place: (errors[place], place[1])) if errors else None

    @property
    def enough(self) -> Place | None:
        """Return the smallest that is as good as the best, as far as means tell."""
        errors = self.errors(self.steps)
        if self.best is None:
            return None
        most = self.goal.target or errors[self.best] + self.margin(errors[self.best])
        good = [place for place, error in errors.items() if error <= most] or [self.best]
        return min(good, key=lambda place: place[1])

    def margin(self, error: float) -> float:
        """Return how much worse than this error is as good."""
        return self.goal.tolerance * (error if self.goal.relative else 1.0)

    def behind(self, family: str) -> RunRecord | None:
        """Return the run that shows a family to be behind at equal cost, if one does.

        It took no longer to train than the family's longest run, and its error is lower than the
        family's lowest by more than the tolerance and two standard errors.
        """
        own = [record for trial, record in self.networks.items() if trial.family == family]
        if len({record.size_asked for record in own}) < 2:
            return None
        most = max(map(_train_seconds, own))
        others = [
            record
            for trial, record in self.networks.items()
            if trial.family != family and _train_seconds(record) <= most
        ]
        if not others:
            return None
        lowest, other = (min(each, key=RunRecord.error) for each in (own, others))
        sure = SURE * math.hypot(_standard_error(lowest), _standard_error(other))
        gap = lowest.error() - other.error()
        return other if gap > self.margin(other.error()) + sure else None

    @cached_property
    def contenders(self) -> list[str]:
        """Return the families that are not behind."""
        return [family for family in self.work if self.behind(family) is None]

    @cached_property
    def analysis(self) -> Analysis | None:
        """Return the answer by the runs that are compared; None for fewer than two."""
        cells = [self.chosen(*place, self.steps) for place in self.errors(self.steps)]
        several = [runs for runs in cells if len(runs) > 1]
        compared = [record for runs in (several or cells) for record in runs]
        if len(compared) < 2:
            return None
        return analyse(compared, name="advice", asked=self.asked, confidence=look_confidence())

    @cached_property
    def advised(self) -> Place | None:
        """Return the family and size to advise: the smallest shown to do, or else the best.

        That is by the mean error on the inner test split, since the verdict's own is by validation,
        which has fewer samples here; and of those with several seeds, unless one that had time for
        one seed alone is better by more than the tolerance.
        """
        answer = self.analysis.answer if self.analysis else None
        if self.best is None or answer is None or not answer.comparisons:
            return self.best
        if answer.is_shown:
            return answer.as_good.family, answer.as_good.size_asked or 0
        found = min(answer.comparisons, key=lambda cell: (cell.error, cell.parameters))
        lowest = self.errors(self.steps)[self.best]
        if found.error > lowest + self.margin(lowest):
            return self.best
        return found.family, found.size_asked or 0

    @property
    def final(self) -> Trial | None:
        """Return what is trained in the end; where nothing has been, the smallest size.

        None where nothing that was trained is within the limits.
        """
        if self.advised is not None:
            rate = self.rate_of(*self.advised, self.steps)
            return Trial(*self.advised, 0, self.steps, rate)
        if any(trial.size is not None for trial in self.runs):
            return None
        family = next(iter(self.work))
        return Trial(family, min(self.work[family]), 0, self.first_steps, self.rate)

    def affordable(self, trials: Iterable[Trial], share: float = 1.0) -> tuple[Trial, ...]:
        """Return the first trials that are done in a share of the time left, `jobs` at once."""
        busy, chosen = [0.0] * self.jobs, []
        for trial in trials:
            if trial.size is None:  # it is stopped at a share of the budget
                chosen += [trial] * (self.left > 0)
                continue
            first = busy.index(min(busy))
            if busy[first] + self.seconds(trial) <= share * self.left:
                busy[first] += self.seconds(trial)
                chosen.append(trial)
        return tuple(chosen)


def work_of(known: Mapping[int, float], size: int) -> float:
    """Return a step's FLOPs at a size between or beyond those at which they are known."""
    sizes = np.log(sorted(known))
    work = np.log([known[each] for each in sorted(known)])
    beyond = math.log(size) - sizes[-1]  # where they grow as the parameters do
    return float(np.exp(np.interp(math.log(size), sizes, work) + max(0.0, beyond)))


def decide(known: Known) -> Decision:
    """Return what to train next, of what fits into the time left."""
    skipped: list[tuple[str, float]] = []
    for question in QUESTIONS:
        why, wanted = question(known)
        new = [trial for trial in wanted if trial not in known.runs]
        if chosen := known.affordable(new, SEARCH_SHARE if question in SEARCH else 1.0):
            return Decision(why, chosen)
        if new:
            skipped.append((why, sum(map(known.seconds, new)) / known.jobs))
    if not skipped:
        return Decision("nothing more would change the answer")
    seconds = max(1.0, sum(each for _, each in skipped))
    return Decision(f"no time is left for: {skipped[0][0]} (about {duration(seconds)} more)")


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
    before, trials = known.steps // 2, []
    if known.steps == known.first_steps:
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
                trials.append(Trial(family, size, 0, known.steps, rate))
    return f"all that compete for {known.steps:,} steps, since longer training paid", trials


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
    counts = [len(cell.seeds) for cell in cells]
    seeds = max(counts)
    if min(counts) == seeds:  # else those that have come in catch up, before the next look
        seeds = next((each for each in SEEDS if each > seeds), seeds)
    places = {(cell.family, cell.size_asked or 0) for cell in cells}
    labels = listed([cell.label for cell in answer.undecided])
    return f"{seeds} seeds: can't tell yet whether {labels} will do", _seeded(known, places, seeds)


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


def _train_seconds(record: RunRecord) -> float:
    return record.metrics["cost/train_seconds"]


def _standard_error(record: RunRecord) -> float:
    return record.metrics["test/standard_error"]


SEARCH = (_again, _grow, _lengthen)
QUESTIONS = (_begin, *SEARCH, _refine, _add_seeds, _compare_with_larger)
