"""`sizewise compare`: what runs were, what they score and what they cost, side by side."""

import math
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from sizewise.apply.runs import open_store
from sizewise.errors import UserError
from sizewise.records import RunRecord
from sizewise.screen import FORMS, MISSING, console, metric, table
from sizewise.tracking.artifacts import read_record
from sizewise.tracking.resolve import find_run

ALWAYS: dict[str, Callable[[RunRecord], Any]] = {  # what is shown of a config, equal or not
    "family": attrgetter("family"),
    "parameters": lambda record: None if record.parameters is None else f"{record.parameters:,}",
    "model.width": attrgetter("width"),
    "model.depth": attrgetter("depth"),
    "data": attrgetter("data"),
    "seed": attrgetter("seed"),
    "epochs": lambda record: f"{record.epochs} (best {record.best_epoch})",
}
SAID_ABOVE = {"model.family", "model.width", "model.depth", "data.name", "seed", "training.epochs"}
SCORES = ("test/macro_f1", "test/loss")
COSTS = (
    *("cost/train_seconds", "cost/latency_ms_p50", "cost/throughput", "cost/flops_inference"),
    *("cost/model_bytes", "cost/peak_memory_mb"),
)
Section = dict[str, list[str]]  # by the name of a line, what it says of each run


def run(arguments: Namespace) -> None:
    """Print runs side by side, and say where their scores don't compare."""
    store = open_store(arguments)
    records = [read_record(store, find_run(store, wanted)) for wanted in arguments.runs]
    times = Counter(each.name for each in records)
    ids = [f"\n{each.run_id[:8]}" if times[each.name] > 1 else "" for each in records]
    found = table(["", *(each.name + id for each, id in zip(records, ids, strict=True))], [])
    for section, lines in compare(records).items():
        found.add_row(section, style="bold")
        for name, values in lines.items():
            found.add_row(f"  {name}", *values)
    console().print(found)
    if len({each.data for each in records}) > 1:
        console().print("The runs are on different data sets: their scores don't compare.")


def compare(records: Sequence[RunRecord]) -> dict[str, Section]:
    """Return the comparison by section: the config, the scores and the costs.

    Of the config, the lines are those that say what was trained, and the keys that differ. A cost
    says how many times the first run's it is.

    Raises:
        UserError: there are fewer than two runs.
    """
    if len(records) < 2:
        raise UserError("a comparison takes two runs or more: sizewise compare RUN RUN")
    measured = records[0].measure.name
    scores = {
        f"{shown} {measured}": [each.measure.shown(each.error(split)) for each in records]
        for split, shown in (("val", "validation"), ("test", "test"))
    }
    scores |= {FORMS[name][0]: [metric(each.metrics, name) for each in records] for name in SCORES}
    costs = {FORMS[name][0]: _with_ratios(records, name) for name in COSTS}
    return {"config": _config(records), "scores": scores, "costs": costs}


def _config(records: Sequence[RunRecord]) -> Section:
    always = {name: [value(each) for each in records] for name, value in ALWAYS.items()}
    keys = sorted({key for each in records for key in each.config} - SAID_ABOVE)
    others = {key: [each.config.get(key) for each in records] for key in keys}
    others["commit"] = [(each.git_commit or "unknown")[:8] for each in records]
    differing = {key: values for key, values in others.items() if len({*map(str, values)}) > 1}
    return {
        name: [MISSING if value is None else str(value) for value in values]
        for name, values in {**always, **differing}.items()
    }


def _with_ratios(records: Sequence[RunRecord], name: str) -> list[str]:
    first = records[0].metrics.get(name, math.nan)
    texts = [metric(records[0].metrics, name)]
    for each in records[1:]:
        ratio = each.metrics.get(name, math.nan) / first if first else math.nan
        times = f"  ({ratio:.3g}x)" if math.isfinite(ratio) else ""
        texts.append(metric(each.metrics, name) + times)
    return texts
