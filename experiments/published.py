"""Test errors beside those that others have published of the same networks."""

import csv
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.special import stdtrit

from sizewise.records import RunRecord, readable_count
from sizewise.report.markdown import table_text
from sizewise.report.section import Table

CLOSE = 2.0  # points


def beside(records: Sequence[RunRecord], folder: Path) -> str:
    """Return a table of the figures in `published.csv`, one a row, and of the runs like them.

    Its columns are a family, `parameters` if they tell runs apart, config keys with the value that
    the runs have, a source, and the test error in %. One published run is held against where one
    more seed would lie: the 90 % interval of a prediction by Student's t.
    """
    found: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    with (folder / "published.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            source, error = line.pop("source"), float(line.pop("error"))
            found[tuple(f"{key}={value}" for key, value in line.items())][source] = error
    return table_text(Table([_row(wanted, each, records) for wanted, each in found.items()]))


def _row(
    wanted: tuple[str, ...], published: dict[str, float], records: Sequence[RunRecord]
) -> dict[str, str]:
    alike = [record for record in records if all(_has(record, each) for each in wanted)]
    first = alike[0]
    errors = 100 * np.array([record.error() for record in alike])
    n, mean = len(errors), float(errors.mean())
    half = float(stdtrit(n - 1, 0.95)) * float(errors.std(ddof=1)) * math.sqrt(1 + 1 / n)
    conditions = [each.partition("=") for each in wanted if "." in each.partition("=")[0]]
    on = " ".join(f"{key}={value.lower() or 'null'}" for key, _, value in conditions)
    row = {
        "network": f"{first.family} {readable_count(first.parameters or 0)}",
        "on": on,
        "seeds": str(n),
        "test error here": f"{mean:.1f}%",
        "one more seed": f"[{mean - half:.1f}%, {mean + half:.1f}%]",
    }
    row |= {f"the {source}": f"{error:.1f}%" for source, error in published.items()}
    apart = min((abs(mean - error), error) for error in published.values())
    inside = abs(apart[1] - mean) <= half
    close = f"{apart[0]:.1f} points apart"
    return row | {"": close + (", inside the interval" if inside and apart[0] > CLOSE else "")}


def _has(record: RunRecord, wanted: str) -> bool:
    key, _, value = wanted.partition("=")
    known = getattr(record, key) if "." not in key else record.config.get(key)
    return str("" if known is None else known) == value
