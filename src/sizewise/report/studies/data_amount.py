"""How large is enough, by the amount of data to learn from?"""

from collections.abc import Sequence

from sizewise.records import RunRecord
from sizewise.report.conditions import AMOUNT, levels
from sizewise.report.section import Section, Table
from sizewise.report.studies.levels import Level, by_size, enough_rows, most_sizes
from sizewise.report.summary import enough

LEAST_SIZES = 3  # beside classical families, of which another study tells
COLUMN = "training samples"


def section(records: Sequence[RunRecord]) -> Section | None:
    """Return the study of usable runs; None where no family was run on the least and the most."""
    found = [_level(runs) for runs in levels(records, AMOUNT)]
    found = [level for level in found if level.families]
    alone = not any(record.is_classical for record in records)
    if len(found) < 2 or not (alone or most_sizes(found) >= LEAST_SIZES):
        return None
    least, most = found[0], found[-1]
    grown = [
        f"{family} {enough(least.answers[family])} → {enough(most.answers[family])}"
        for family in least.families
        if family in most.families
    ]
    if not grown:
        return None
    return Section(
        title=f"Enough on {least.name} and on {most.name} samples: {'; '.join(grown)}.",
        sentences=[
            "At each amount a family's sizes are compared with its best by validation, as in the "
            "answer above. Validation has as many samples at every amount.",
        ],
        charts=[by_size("error_by_size_and_data", found, COLUMN)],
        tables=[Table(enough_rows(found, COLUMN))],
        cells=[cell for level in found for cells in level.families.values() for cell in cells],
    )


def _level(runs: Sequence[RunRecord]) -> Level:
    samples = runs[0].config.get(AMOUNT) or max(run.train_samples or 0 for run in runs)
    return Level(f"{samples:,}", samples, runs)
