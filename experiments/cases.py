"""What small runs foretell of large ones: each case by name, and how many came inside 90 %.

    python -m experiments.cases                            # over the records of all studies
    python -m experiments.cases experiments/compute/runs.jsonl

A case is a number that was held out, predicted from the runs below it: a size at the largest budget
of training FLOPs, from smaller budgets; the largest size, from smaller ones; the largest amount of
training data, from smaller ones. `share` is how many of the FLOPs of what was held out those runs
took: at most a tenth is asked for, and where a grid has no such runs, the case says so and is
counted apart.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sizewise.records import RunRecord, read_records
from sizewise.report.analysis import analyse
from sizewise.report.budget import FLOPS
from sizewise.report.cells import Cell
from sizewise.report.conditions import AMOUNT, levels
from sizewise.report.markdown import table_text
from sizewise.report.section import Table
from sizewise.report.selection import TEST_SAMPLES, select
from sizewise.report.stats.differences import size_errors
from sizewise.report.stats.errors import Interval
from sizewise.report.stats.fit import Fit, HeldOut, fit_sweep
from sizewise.report.studies.compute.families import (
    SHARE,
    families_at_budgets,
    fitted_measure,
    flops,
)
from sizewise.report.words import MeasureWords, size

HERE = Path(__file__).parent
FILES = (
    *("compute*/*.jsonl", "text/wide_runs.jsonl", "text/runs.jsonl"),
    *("data_amount/*.jsonl", "large_vs_small/runs.jsonl"),
    *("deep_vs_classical/runs.jsonl", "deep_vs_classical/near_runs.jsonl"),
    *("deep_vs_classical/mnist_runs.jsonl", "deep_vs_classical/mnist_near_runs.jsonl"),
)
ROUNDING = 1.001


class Case(NamedTuple):
    """A number that was held out, and as it was predicted."""

    name: str
    words: MeasureWords
    predicted: float
    interval: Interval
    came: float
    share: float

    @property
    def is_inside(self) -> bool:
        """Return whether it came inside the interval."""
        return self.came in self.interval

    @property
    def is_cheap(self) -> bool:
        """Return whether it was predicted from at most a tenth of its FLOPs."""
        return self.share <= SHARE * ROUNDING


def cases(records: Sequence[RunRecord], folder: Path | None = None) -> str:
    """Return a table of all cases that runs of several studies hold, and the count."""
    alike: dict[object, list[RunRecord]] = defaultdict(list)
    for record in records:
        asked = record.config
        keys = ("data.num_samples", TEST_SAMPLES)
        budgets = None if asked.get(FLOPS) is None else record.sweep  # each study has its own rates
        kind = record.data, *(asked.get(key) for key in keys), budgets
        if not record.is_classical:
            alike[kind].append(record)
    found = [case for group in alike.values() for case in _of_study(group)]
    rows = [
        {
            "case": case.name,
            "predicted": case.words.value(case.predicted),
            "90% interval": case.words.values(case.interval),
            "came": case.words.value(case.came),
            "inside": "yes" if case.is_inside else "no",
            "share of the FLOPs": f"{case.share:.0%}",
        }
        for case in found
    ]
    cheap = [case for case in found if case.is_cheap]
    counts = (
        f"{_count(cheap)} that were predicted from at most {SHARE:.0%} of their FLOPs, and "
        f"{_count(found)} in all, came inside their 90 % intervals."
    )
    return f"{table_text(Table(rows))}\n\n{counts}" if rows else "no case"


def _count(found: Sequence[Case]) -> str:
    return f"{sum(case.is_inside for case in found)} of the {len(found)} cases"


def _of_study(records: list[RunRecord]) -> Iterator[Case]:
    measure, data = records[0].measure, records[0].data
    loss, words = MeasureWords(fitted_measure(measure)), MeasureWords(measure)
    for at_budgets in families_at_budgets(records):
        if (forecast := at_budgets.forecast) is None:
            continue
        at = f"on {data} at {flops(forecast.budget.flops)} FLOPs"
        for each in forecast.cells:
            name = f"{each.cell.label} {at}, {loss.test}"
            yield Case(name, loss, *each[1:], forecast.share)
    if records[0].config.get(FLOPS) is not None:
        return
    analysis = analyse(records, name=data)
    for result in analysis.families:
        held_out = result.fit.held_out if isinstance(result.fit, Fit) else None
        if held_out is not None:
            name = f"{result.family} {size(held_out.size)} on {data}, {words.test}"
            yield _held_out(name, words, held_out, result.cells)
    amounts: dict[tuple[str, int | None], list[Cell]] = defaultdict(list)
    for group in levels(analysis.usable, AMOUNT):
        for cell in select(group).cells:
            amounts[cell.family, cell.size_asked or cell.parameters].append(cell)
    for (family, parameters), cells in amounts.items():
        learnt = [float(cell.records[0].train_samples or 0) for cell in cells]
        sweep = size_errors(learnt, [cell.by_seed for cell in cells])
        fit = fit_sweep(sweep, analysis.goal.tolerance) if len(cells) > 1 else None
        if isinstance(fit, Fit) and fit.held_out is not None:
            name = f"{family} {size(parameters or 0)} on {learnt[-1]:,.0f} of {data}, {words.test}"
            yield _held_out(name, words, fit.held_out, cells)


def _held_out(name: str, words: MeasureWords, found: HeldOut, cells: Sequence[Cell]) -> Case:
    """Return the last of `cells`, predicted from the others."""
    *others, last = (sum(map(_spent, cell.records)) / len(cell.records) for cell in cells)
    _, predicted, interval, came = found
    return Case(name, words, predicted, interval, came, sum(others) / last)


def _spent(record: RunRecord) -> float:
    """Return the FLOPs that a run was trained with."""
    each = record.metrics["cost/flops_training"]
    return each * record.steps * int(record.config["training.batch_size"])


def main() -> None:
    """Print the cases of the files that are named, or of all studies."""
    named = [Path(each) for each in sys.argv[1:]]
    paths = named or [path for pattern in FILES for path in sorted(HERE.glob(pattern))]
    print(cases([record for path in paths for record in read_records(path)]))


if __name__ == "__main__":
    main()
