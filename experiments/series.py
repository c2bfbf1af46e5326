"""What networks got right on series that are divided as published, from their runs' records.

Runs on all training samples have no validation, by which a report would choose among them.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from sizewise.records import RunRecord, readable_count
from sizewise.report.markdown import table_text
from sizewise.report.section import Table

NAMES = {
    "italy_power_demand": "ItalyPowerDemand",
    "arrow_head": "ArrowHead",
    "osu_leaf": "OSULeaf",
}


def scores(records: Sequence[RunRecord], folder: Path) -> str:
    """Return a table of test accuracies: a row for each data set, network and amount of data."""
    cells = defaultdict(list)
    for record in records:
        key = record.data, record.family, record.parameters or 0, record.train_samples
        cells[key].append(100 * (1 - record.error()))
    rows = [
        {
            "data": data,
            "network": f"{family} {readable_count(parameters)}",
            "trained on": str(samples),
            "seeds": str(len(found)),
            "mean test accuracy": f"{mean(found):.2f}%",
            "least to most": f"{min(found):.1f} to {max(found):.1f}",
        }
        for (data, family, parameters, samples), found in cells.items()
    ]
    return table_text(Table(rows))


def published(records: Sequence[RunRecord], folder: Path) -> str:
    """Return a table of networks beside what `published.csv` of the folder says of others."""
    rows = {name: {"data": name} for name in NAMES.values()}
    ours = defaultdict(list)
    for record in records:
        ours[NAMES[record.data], record.family].append(100 * (1 - record.error()))
    for (name, family), found in ours.items():
        seeds = f"{len(found)} seed{'s' * (len(found) != 1)}"
        rows[name][f"{family} here"] = f"{mean(found):.1f} ({seeds})"
    with (folder / "published.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            both = (float(line[key]) for key in ("published_split", "mean_of_30_resamples"))
            rows[line["data"]][line["classifier"]] = " / ".join(
                f"{100 * each:.1f}" for each in both
            )
    columns = dict.fromkeys(column for row in rows.values() for column in row)
    return table_text(Table([dict.fromkeys(columns, "–") | row for row in rows.values()]))
