"""What is known when something is decided: runs by what was asked for, and what they say."""

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
from sizewise.report.verdict import Kind, look_confidence

LOWER = 3  # by which the rate is divided that is tried beside the best so far
FAR = 4  # tolerances by which a rate is worse that need not be tried at the next size
ONLY_TRIED = 2  # sizes at most that are trained for more steps before all that competes is
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
        first_steps, rate: to begin with.
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

    def is_larger_than_any(self, place: Place) -> bool:
        """Return whether its family has seen and tried out nothing as large."""
        family, size = place
        return not self.forecast.reaches(family, work_of(self.work[family], size))

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
        """Return for how many steps what is compared was trained: those that paid, if two were."""
        steps = self.wanted_steps
        while steps > self.first_steps and len(self.errors(steps)) <= ONLY_TRIED:
            steps //= 2
        return steps

    @cached_property
    def wanted_steps(self) -> int:
        """Return for how many steps all should be trained: doubled while that has paid."""
        steps = self.first_steps
        while self._paid(2 * steps):
            steps *= 2
        return steps

    def _paid(self, steps: int) -> bool:
        """Return whether the best of what was trained for so many steps beats those for half."""
        longer = {trial: each for trial, each in self.networks.items() if trial.steps == steps}
        both = [
            (self.networks[before].error(), each.error())
            for trial, each in longer.items()
            if (before := trial._replace(steps=steps // 2)) in self.networks
        ]
        if not both:
            return False
        before, after = (min(errors) for errors in zip(*both, strict=True))
        return bool(before - after > self.margin(before) / 2)

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
        if answer is not None and answer.kind is Kind.NONE_TRAINED:  # one is as good as another
            return min(self.errors(self.steps), key=lambda place: place[1])
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
            longer, steps = self.errors(self.wanted_steps).get(self.advised, math.inf), self.steps
            if longer < self.errors(steps)[self.advised]:
                steps = self.wanted_steps
            return Trial(*self.advised, 0, steps, self.rate_of(*self.advised, steps))
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


def _train_seconds(record: RunRecord) -> float:
    return record.metrics["cost/train_seconds"]


def _standard_error(record: RunRecord) -> float:
    return record.metrics["test/standard_error"]
