"""A world in which training takes no time: a rule says what each trial reaches and takes."""

import dataclasses
import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from sizewise import sample_errors
from sizewise.advise.history import known_at
from sizewise.advise.known import Known, Place, Trial
from sizewise.advise.log import Log
from sizewise.advise.policy import Decision, decide, to_try_out
from sizewise.records import ERROR, RunRecord
from tests.report.synthetic import record

SIZES = tuple(250 * 4**k for k in range(8))
STEPS, RATE, JOBS = 200, 0.01, 2
SAMPLES, CHANCE = 4000, 0.9
FLOPS = 600  # of a step, for each parameter
Rule = Callable[[Trial], float]  # the error that a trial reaches, but for luck


@dataclasses.dataclass
class World:
    """Advice that is being worked at in such a world, in a folder.

    Args:
        folder: of the log.
        rule: the errors.
        budget: in seconds.
        families: of networks.
        luck: the standard deviation of a seed's error.
        asked: what is good enough.
        references: classical families, which no rule is for: they are never run.
        step_seconds: of a parameter.
    """

    folder: Path
    rule: Rule
    budget: float = 300.0
    families: tuple[str, ...] = ("cnn",)
    luck: float = 0.002
    asked: dict[str, Any] = dataclasses.field(default_factory=dict)
    references: tuple[str, ...] = ()
    step_seconds: float = 2e-7

    def __post_init__(self) -> None:
        self.log = Log(self.folder)
        self.elapsed = self.log.elapsed() or 10.0

    def begin(self) -> None:
        """Write what all decisions start from."""
        work = {family: [(size, FLOPS * size) for size in SIZES] for family in self.families}
        self.log.write(
            "began",
            **{"budget": self.budget, "elapsed": self.elapsed, "sizes": work},
            references=self.references,
            tried=[(family, 1000, 1000 * self.step_seconds) for family in self.families],
            **{"jobs": JOBS, "steps": STEPS, "rate": RATE, "measure": ERROR, "asked": self.asked},
        )

    def search(self, most: int = 100) -> Known:
        """Decide and train until the search is over, or `most` decisions are made."""
        for _ in range(most):
            known = self.known()
            if places := to_try_out(known):
                self.try_out(places)
                continue
            decision = decide(known)
            self.log.write("decided", why=decision.why, trials=decision.trials)
            if not decision.trials:
                return known
            self.train(decision)
        return self.known()

    def try_out(self, places: Iterable[Place]) -> None:
        """Time a step of each."""
        tried = [(*place, place[1] * self.step_seconds) for place in places]
        self.log.write("tried", tried=tried, elapsed=self.elapsed)

    def known(self) -> Known:
        return known_at(self.log.events(), self.log.records())

    def train(self, decision: Decision) -> None:
        """Have a decision's trials run, two at once."""
        records, ran, busy = self.log.records(), [], [0.0] * JOBS
        for trial in decision.trials:
            made = self.run(trial)
            records[made.run_key] = made
            seconds = made.metrics["cost/train_seconds"] + 1.0
            first = busy.index(min(busy))
            busy[first] += seconds
            ran.append({"trial": trial, "key": made.run_key, "seconds": seconds, "stopped": False})
        self.elapsed += max(busy)
        self.log.keep(records)
        self.log.write("ran", runs=ran, elapsed=self.elapsed)

    def run(self, trial: Trial) -> RunRecord:
        """Return what comes of a trial: the rule's error, and a seed's luck, shared by sizes."""
        assert trial.size is not None
        luck = np.random.default_rng([trial.seed, trial.size]).normal(0, self.luck)
        error = min(CHANCE, max(0.0, self.rule(trial) + luck))
        made = record(
            trial.family,
            trial.size,
            trial.seed,
            test_error=error,
            training__learning_rate=trial.rate,
            training__max_steps=trial.steps,
        )
        wrong = np.random.default_rng(trial.seed).random(SAMPLES) < error
        metrics = made.metrics | {
            "test/standard_error": math.sqrt(error * (1 - error) / SAMPLES),
            "cost/train_seconds": trial.steps * trial.size * self.step_seconds,
        }
        return dataclasses.replace(
            made,
            steps=trial.steps,
            metrics=metrics,
            run_key=json.dumps(trial),
            extras={"chance": CHANCE},
            sample_errors=sample_errors.pack(wrong.astype(float)),
        )


def falls_until(knee: int, floor: float = 0.05, *, slope: float = 0.08) -> Rule:
    """Return errors that fall with each doubling up to the knee, and stay; only RATE suits."""

    def rule(trial: Trial) -> float:
        assert trial.size is not None
        short = max(0.0, math.log2(knee / trial.size))
        return floor + slope * short + (0.1 if trial.rate != RATE else 0.0)

    return rule
