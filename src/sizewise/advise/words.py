"""The advice in words."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from sizewise.advise.known import Known, Place, Trial
from sizewise.advise.policy import TWICE
from sizewise.data import Dataset
from sizewise.records import RunRecord, readable_count
from sizewise.report.cells import LATENCY, MODEL_BYTES, Cell
from sizewise.report.stats.errors import CONFIDENCE, Interval
from sizewise.report.verdict import Answer, Kind, compared
from sizewise.report.words import MeasureWords, duration, listed
from sizewise.sample_errors import unpack

Z = 1.645  # of a normal's two-sided 90 %
assert CONFIDENCE == 0.9


def clock_words(seconds: float) -> str:
    """Return seconds as 4:05, or 1:04:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def ran_words(trial: Trial, record: RunRecord | None, seconds: float, why: str) -> str:
    """Return what came of a trial, in a line."""
    if record is None:
        return f"{trial}: {why}"
    return f"{trial}: {record.measure.shown(record.error())} in {seconds:.1f} s"


def baseline_of(dataset: Dataset) -> dict[str, float]:
    """Return the error, on the test split, of what tells the same of every sample, by its name."""
    train, test = (each.targets for each in (dataset.train, dataset.test))  # type: ignore[attr-defined]
    if dataset.spec.task == "regress":  # standardised by training: 0 is its mean
        return {"the mean of all": (test[:, 0].abs() * test[:, 1]).mean().item()}
    weights = 1.0
    if dataset.spec.task == "balanced":
        train, test, weights = train[:, 0].long(), test[:, 0].long(), test[:, 1]
    commonest = train.bincount().argmax()
    return {"the commonest class": ((test != commonest) * weights).double().mean().item()}


def interval_of(record: RunRecord) -> Interval:
    """Return the 90 % interval of a model's error on new samples, by its test split.

    Of shares it is Wilson's (1927), which holds for few samples and for errors near 0; else the
    normal's.
    """
    error, standard_error = record.error(), record.metrics["test/standard_error"]
    if record.measure.unit != "%":
        return Interval(max(0.0, error - Z * standard_error), error + Z * standard_error)
    samples = test_samples(record)
    scale = 1 + Z**2 / samples
    centre = (error + Z**2 / (2 * samples)) / scale
    half = Z / scale * math.sqrt(error * (1 - error) / samples + Z**2 / (4 * samples**2))
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


@dataclass(frozen=True)
class Advice:
    """What is advised, and on which grounds.

    Args:
        known: at the end of the search.
        trial: the final training's.
        final: the run that is ready for use: it alone was scored on the set's own test split.
        baseline: errors of what learns nothing, by name.
        ended: why the search ended.
        budget: in seconds.
        name: of the advice.
    """

    known: Known
    trial: Trial
    final: RunRecord
    baseline: Mapping[str, float]
    ended: str
    budget: float
    name: str

    @property
    def place(self) -> Place:
        """Return the family and size."""
        return self.trial.family, self.trial.size or 0

    @property
    def _answer(self) -> Answer | None:
        return self.known.analysis.answer if self.known.analysis else None

    @property
    def interval(self) -> Interval:
        """Return the 90 % interval of the model's error on new samples."""
        return interval_of(self.final)

    def lines(self) -> list[str]:
        """Return the sentences."""
        words = MeasureWords(self.final.measure)
        final, metrics = self.final, self.final.metrics
        label = f"{final.family} with {readable_count(final.parameters or 0)} parameters"
        expected = (
            f"Expect {final.measure.name} of {words.value(final.error())} "
            f"{words.values(self.interval)} on new samples, by the test split, which was read once."
        )
        costs = (
            f"It answers in {metrics[LATENCY.metric]:.2g} ms, takes "
            f"{metrics[MODEL_BYTES.metric] / 1e3:,.0f} kB, and was trained in "
            f"{duration(metrics['cost/train_seconds'])}."
        )
        return [
            f"{self._verdict(label)}.",
            expected,
            *self._unlike(words),
            *self._twice(words),
            costs,
            *self._others(words),
            f"Search: {sum(map(bool, self.known.runs.values()))} runs; {self.ended}.",
            f"Use it: sizewise predict {shlex.quote(f'advised:{self.name}')} FILES, or serve, or "
            "export",
        ]

    def _verdict(self, label: str) -> str:
        found = self._answer
        within = f"within {clock_words(self.budget)}"
        if found is not None and found.kind is Kind.NONE_TRAINED:
            return f"No size tried {within} is better than chance; {label} is the smallest"
        if found is None or not found.comparisons:
            return f"{label}: all that could be tried {within}"
        match found.kind:
            case Kind.MORE_SEEDS:
                smaller = found.undecided[0].label
                will_do = "will do" if found.is_shown else "is the best so far"
                return f"{label} {will_do}; can't tell {within} whether {smaller} would"
            case Kind.LARGER_SIZES:
                return f"{label} or more: the error still falls at the largest size tried {within}"
            case Kind.ONE_SEED | Kind.ONE_SIZE:
                return f"{label} is the best so far; can't tell {within} how sure that is"
            case Kind.NOT_REACHED:
                return f"{label} is the best; no size tried {within} reaches the target"
            case Kind.SMALLER_SIZES:
                return f"{label}, the smallest size tried, is enough"
        return f"{label} is enough"

    def _unlike(self, words: MeasureWords) -> list[str]:
        """Say so where the test split is unlike what was learnt from."""
        searched = self.known.errors(self.known.steps).get(self.place)
        margin = self.known.margin(self.final.error())
        if searched is None or self.interval.low <= searched + margin:
            return []
        return [
            f"On samples held out from training it had {words.value(searched)}: the test split is "
            "unlike them, and new samples may be so too."
        ]

    def _twice(self, words: MeasureWords) -> list[str]:
        known = self.known
        family, size = self.place
        sizes = [each for name, each in known.errors(known.steps) if name == family]
        larger = [each for each in sizes if each >= TWICE * size]
        if not larger or size not in sizes:
            return ["No larger size was trained: what twice the size would bring is not known."]
        other = min(larger)
        own, others = (_cell(known.chosen(family, each, known.steps)) for each in (size, other))
        gain = compared([own], others)[own]
        factor = others.parameters / own.parameters
        text = words.size_of(gain.mean, gain.interval)
        if gain.interval is None:
            text += ", by one seed"
        way = "lower" if gain.mean >= 0 else "raise"
        return [f"{factor:.1f} times the size would {way} the error by {text}."]

    def _others(self, words: MeasureWords) -> list[str]:
        """Return what other models reach on the samples that the search was scored on."""
        errors = self.known.errors(self.known.steps)
        own = errors.get(self.place)
        rows = [f"{name} {words.value(error)}" for name, error in self.baseline.items()]
        for trial, record in self.known.runs.items():
            if trial.size is None and record is not None:
                rows.append(f"{trial.family} {words.value(record.error())}")
        for family in self.known.work:
            best = min(
                ((e, size) for (name, size), e in errors.items() if name == family), default=None
            )
            if best and (family, best[1]) != self.place:
                rows.append(f"{family} {readable_count(best[1])} {words.value(best[0])}")
        lines = []
        if own is not None:
            steps = f"{self.known.steps:,} steps"
            lines.append(
                f"In the search, after {steps}, it had {words.value(own)}; beside it: "
                + ", ".join(rows)
                + "."
            )
        lines += self._over_limits()
        lines += self._at_equal_time(words)
        return lines

    def _over_limits(self) -> list[str]:
        """Say which families have no run within the limits: they are not among those compared."""
        trained = {t.family for t, r in self.known.runs.items() if r is not None and t.size}
        within = {trial.family for trial in self.known.networks}
        over = listed(sorted(trained - within))
        return [f"Over the limits at each size that was tried: {over}."] if over else []

    def _at_equal_time(self, words: MeasureWords) -> list[str]:
        """Return the best that any other was in no more training time than the advised one took."""
        networks = self.known.networks
        own = self.known.chosen(*self.place, self.known.steps)
        if not own:
            return []
        seconds = fmean(record.metrics["cost/train_seconds"] for record in own)
        others = [
            record
            for trial, record in networks.items()
            if (trial.family, trial.size) != self.place
            and record.metrics["cost/train_seconds"] <= seconds
        ]
        if not others:
            return []
        best = min(others, key=lambda record: record.error("val"))
        size = readable_count(best.parameters or 0)
        return [
            f"In no more than its {duration(seconds)} of training the best other, {best.family} "
            f"{size}, had {words.value(best.error())}."
        ]


def _cell(records: Sequence[RunRecord]) -> Cell:
    """Return runs at one size, by seed."""
    first, by_seed = records[0], sorted(records, key=lambda record: record.seed)
    return Cell(first.family, first.parameters or 0, first.size_asked, (), tuple(by_seed))


def test_samples(record: RunRecord) -> int:
    """Return on how many samples a run was scored whose errors are 0 or 1, or that would do."""
    assert record.sample_errors is not None  # it was trained just now
    count = record.sample_errors.partition(":")[0]
    if count.isdecimal():
        return int(count)
    error, standard_error = record.error(), record.metrics["test/standard_error"]
    if not standard_error:  # none was wrong, or all
        return len(unpack(record.sample_errors))  # of many samples, fewer
    return round(error * (1 - error) / standard_error**2)
