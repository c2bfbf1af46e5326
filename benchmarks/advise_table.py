"""What was measured of advice, as rows, and what they come to."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

from benchmarks.results import table, verdict
from sizewise.records import Measure, readable_count

OVER = 1.05  # of the budget
NEAR = 0.25  # by which a run's seconds may differ from its forecast
Z = 1.645  # of a normal's two-sided 90 %


class Foreseen(NamedTuple):
    """A run's forecast and its seconds, whether a run of its family had been seen before.

    One that was stopped, since time was over, has taken longer than was foreseen.
    """

    forecast: float
    seconds: float
    seen: bool
    stopped: bool

    @property
    def holds(self) -> bool:
        return not self.stopped and abs(self.seconds / self.forecast - 1) <= NEAR


class Advised(NamedTuple):
    """What came of a command; `fresh` is an error with its standard error."""

    step: str
    data: str
    minutes: float
    seconds: float
    family: str
    parameters: int
    measure: Measure
    stated: float
    low: float
    high: float
    fresh: tuple[float, float] | None
    forecasts: Sequence[Foreseen]
    runs: int
    follows: bool
    said: str

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> "Advised":
        forecasts = [Foreseen(*each) for each in line["forecasts"]]
        return cls(**{**line, **_typed(line), "forecasts": forecasts})

    @property
    def label(self) -> str:
        return f"{self.data} in {self.minutes:g} min"

    @property
    def outside(self) -> float:
        """By how much the error on fresh samples is outside the interval that was stated."""
        assert self.fresh is not None
        return max(0.0, self.low - self.fresh[0], self.fresh[0] - self.high)


class Failed(NamedTuple):
    """What did not come to an end, and why."""

    step: str
    data: str
    minutes: float
    seconds: float
    why: str

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> "Failed":
        return cls(**line)


class Swept(NamedTuple):
    """The best size of a plain sweep, by validation; errors are means over its seeds."""

    step: str
    data: str
    seconds: float
    runs: int
    stopped: bool
    family: str
    parameters: int
    measure: Measure
    test: float
    fresh: tuple[float, float] | None

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> "Swept":
        return cls(**{**line, **_typed(line)})


Row = Advised | Failed | Swept


def _typed(line: Mapping[str, Any]) -> dict[str, Any]:
    return {"measure": Measure(*line["measure"]), "fresh": line["fresh"] and tuple(line["fresh"])}


class Target(NamedTuple):
    """What was asked of how many, in how many it was so, and where it was not and by how much."""

    what: str
    hits: int
    of: int
    wanted: float
    misses: Sequence[str]

    def __str__(self) -> str:
        if not self.of:
            return f"- {self.what}: nothing was measured"
        share = self.hits / self.of
        met = share >= self.wanted
        by = "" if met else f" by {100 * (self.wanted - share):.0f} points"
        text = f"- {self.what}: {self.hits} of {self.of} ({share:.0%}), {self.wanted:.0%} wanted: "
        missed = f". Not so: {'; '.join(self.misses)}" if self.misses else ""
        return f"{text}{verdict(met)}{by}{missed}."


def report(rows: Sequence[Row]) -> list[str]:
    """Return the paragraphs of ANSWERS.md's section."""
    advised = [row for row in rows if isinstance(row, Advised)]
    swept = {row.data: row for row in rows if isinstance(row, Swept)}
    failed = [row for row in rows if isinstance(row, Failed)]
    targets = [
        _in_time(advised, failed),
        _foreseen(advised),
        _covered(advised),
        _near_the_best(advised, swept),
        _no_worse(advised),
        _follows(advised),
    ]
    return [
        "Fresh samples were drawn from the same distribution and read by nobody before; of digits "
        "there are none to draw. Forecasts are counted after calibration: of runs of a family "
        "that had been seen to run. A plain sweep's best size is chosen by validation, its error "
        "the mean of its seeds'.",
        _table(advised, swept),
        "\n".join(map(str, targets)),
        *([_cost(advised, swept)] if swept else []),
        *([_failures(failed)] if failed else []),
    ]


def _table(advised: Sequence[Advised], swept: Mapping[str, Swept]) -> str:
    head = ["set", "budget", "used", "runs", "forecasts held", "advised", "stated [90 %]"]
    head += ["fresh samples", "a plain sweep's best", "there", "its time over this"]
    lines = []
    for row in sorted(advised, key=lambda row: (row.data, row.minutes)):
        shown = row.measure.shown
        forecasts = [each for each in row.forecasts if each.seen]
        cells = [
            *(row.data, f"{row.minutes:g} min", f"{row.seconds / (60 * row.minutes):.0%}"),
            *(str(row.runs), f"{sum(each.holds for each in forecasts)} of {len(forecasts)}"),
            f"{row.family} {readable_count(row.parameters)}",
            f"{shown(row.stated)} [{shown(row.low)}, {shown(row.high)}]",
            shown(row.fresh[0]) if row.fresh else "",
        ]
        if best := swept.get(row.data):
            stopped = ", stopped" if best.stopped else ""
            cells += [
                f"{best.family} {readable_count(best.parameters)} of {best.runs} runs{stopped}",
                shown(best.fresh[0]) if best.fresh else "",
                f"{best.seconds / row.seconds:.1f}",
            ]
        lines.append(cells + [""] * (len(head) - len(cells)))
    return table(head, lines)


def _in_time(advised: Iterable[Advised], failed: Iterable[Failed]) -> Target:
    commands: list[Advised | Failed] = [
        *advised,
        *(row for row in failed if not row.step.endswith("-sweep")),
    ]
    late = [row for row in commands if row.seconds > OVER * 60 * row.minutes]
    misses = [f"{row.step} {row.seconds / (60 * row.minutes):.1%}" for row in late]
    what = f"within {OVER:.0%} of the budget"
    return Target(what, len(commands) - len(late), len(commands), 1.0, misses)


def _foreseen(advised: Iterable[Advised]) -> Target:
    every = [each for row in advised for each in row.forecasts if each.seen]
    hits = sum(each.holds for each in every)
    stopped = sum(each.stopped for each in every)
    wrong = [each.seconds / each.forecast for each in every if not (each.holds or each.stopped)]
    misses = [f"{stopped} were stopped by the clock"] if stopped else []
    if wrong:
        longer = sum(each > 1 for each in wrong)
        span = f"{min(wrong):.2f} to {max(wrong):.2f}"
        misses.append(f"{longer} took longer and {len(wrong) - longer} less, {span} times")
    return Target(f"forecasts within {NEAR:.0%}", hits, len(every), 0.9, misses)


def _covered(advised: Iterable[Advised]) -> Target:
    scored = [row for row in advised if row.fresh]
    out = [row for row in scored if row.outside]
    misses = [f"{row.label} by {more(row.measure, row.outside)}" for row in out]
    what = "error on fresh samples within the interval that was stated"
    return Target(what, len(scored) - len(out), len(scored), 0.85, misses)


def _near_the_best(advised: Iterable[Advised], swept: Mapping[str, Swept]) -> Target:
    misses, count = [], 0
    for row in advised:
        best = swept.get(row.data)
        if best is None or best.fresh is None or row.fresh is None:
            continue
        count += 1
        gap = row.fresh[0] - best.fresh[0] - margin(row.measure, best.fresh[0])
        if gap > 0:
            misses.append(f"{row.label} by {more(row.measure, gap)} more than that")
    what = "on fresh samples within a tolerance of a plain sweep's best"
    return Target(what, count - len(misses), count, 0.9, misses)


def _no_worse(advised: Sequence[Advised]) -> Target:
    misses, count = [], 0
    for name in dict.fromkeys(row.data for row in advised):
        scored = [row for row in advised if row.data == name and row.fresh]
        for less, longer in pairwise(sorted(scored, key=lambda row: row.minutes)):
            assert less.fresh
            assert longer.fresh
            count += 1
            sure = Z * (less.fresh[1] ** 2 + longer.fresh[1] ** 2) ** 0.5
            gap = longer.fresh[0] - less.fresh[0] - margin(less.measure, less.fresh[0]) - sure
            if gap > 0:
                told = f"{more(less.measure, gap)} more than that"
                misses.append(f"{longer.label}, after {less.minutes:g} min, by {told}")
    what = "no worse for more time, by more than a tolerance and the 90 % interval of fresh samples"
    return Target(what, count - len(misses), count, 1.0, misses)


def _follows(advised: Sequence[Advised]) -> Target:
    misses = [row.label for row in advised if not row.follows]
    what = "`--explain` finds that all decisions follow from the records"
    return Target(what, len(advised) - len(misses), len(advised), 1.0, misses)


def _cost(advised: Iterable[Advised], swept: Mapping[str, Swept]) -> str:
    texts = []
    for minutes in sorted({row.minutes for row in advised}):
        ratios = [
            swept[row.data].seconds / row.seconds
            for row in advised
            if row.minutes == minutes and row.data in swept
        ]
        if ratios:
            span = f"{median(ratios):.1f} [{min(ratios):.1f}, {max(ratios):.1f}]"
            texts.append(f"{span} times that of advice in {minutes:g} min")
    return f"A plain sweep's time is {', '.join(texts)} (median and range over the sets)."


def _failures(failed: Iterable[Failed]) -> str:
    return "\n".join(f"- {row.step} failed after {row.seconds:.0f} s: {row.why}" for row in failed)


def margin(measure: Measure, error: float) -> float:
    """Return how much worse than an error is as good, by default."""
    return measure.tolerance * (error if measure.relative else 1.0)


def more(measure: Measure, gap: float) -> str:
    """Return a difference of errors in words."""
    return f"{100 * gap:.2f} points" if measure.unit == "%" else f"{gap:.3g}"
