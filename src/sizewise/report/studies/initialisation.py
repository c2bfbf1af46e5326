"""Does it matter whether weights begin as Keras's layers do, or as PyTorch's?"""

import math
from collections.abc import Sequence

from sizewise.records import RunRecord
from sizewise.report.by_rate import Contrast
from sizewise.report.cells import failed_to_train
from sizewise.report.section import Section, Table
from sizewise.report.stats.shares import paired_difference
from sizewise.report.tables import Row
from sizewise.report.two_ways import METHOD, Pair, TwoWays, mean_difference
from sizewise.report.words import SHARES, MeasureWords, listed

# None is what the family says, which is as Keras's.
WAYS = TwoWays("model.init", (None, "pytorch"), ("as Keras", "as PyTorch"))


def section(records: Sequence[RunRecord]) -> Section | None:
    """Return the study of usable runs; None where no network was begun both ways."""
    families = WAYS.compared(records)
    if not families:
        return None
    words = MeasureWords(records[0].measure)
    everyone = [pair for pairs in families.values() for pair in pairs]
    rows = [row for pairs in families.values() for row in _rows(pairs, words)]
    failed = [sum(cells[way].failures for cells in everyone) for way in (0, 1)]
    runs = [sum(len(cells[way].records) for cells in everyone) for way in (0, 1)]
    by_family = [
        f"{family} {words.difference(*mean_difference(pairs))}"
        for family, pairs in families.items()
    ]
    chart = WAYS.chart(
        families,
        words,
        name="initialisation",
        difference="PyTorch's less Keras's",
        caption="What it costs to begin as PyTorch's layers in place of Keras's: below zero it "
        "gains",
    )
    overall = mean_difference(everyone)
    return Section(
        title=headline(_failures(everyone), overall, len(everyone), words),
        sentences=[
            f"PyTorch's less Keras's, by family, mean over sizes: {listed(by_family)}.",
            f"{failed[0]} of {runs[0]} runs begun as Keras's failed to train, {failed[1]} of "
            f"{runs[1]} begun as PyTorch's.",
            METHOD,
        ],
        charts=[chart],
        tables=[Table(rows)],
        cells=[cell for pair in everyone for cell in pair],
    )


def headline(failures: Contrast, overall: Contrast, networks: int, words: MeasureWords) -> str:
    """Return whether one way is better, over all networks: fails less often, errs less."""
    over = f"over {networks} network{'s' * (networks != 1)}"
    unknown = math.isnan(overall.value)
    difference = "no seed trained all both ways" if unknown else words.difference(*overall)
    found = []
    if failures.is_told:
        more = "more" if failures.value > 0 else "less"
        found.append(f"fails to train {more} often than Keras's by {SHARES.size_of(*failures)}")
    if overall.is_told:
        side = "worse" if overall.value > 0 else "better"
        found.append(f"is {side} than Keras's by {words.size_of(*overall)} of {words.test}")
    if not found:
        return f"Can't tell PyTorch's initialisation from Keras's {over}: {difference}."
    rest = "" if overall.is_told else f"; can't tell whether its {words.test} differs: {difference}"
    return f"PyTorch's initialisation {listed(found)} {over}{rest}."


def _failures(pairs: Sequence[Pair]) -> Contrast:
    """Return by how much more of the runs fail that begin as PyTorch's."""
    failed = [
        [{run.seed: failed_to_train(run) for run in cell.records} for cell in pair]
        for pair in pairs
    ]
    runs = [
        (pytorch[seed], keras[seed])
        for keras, pytorch in failed
        for seed in keras.keys() & pytorch.keys()
    ]
    return Contrast(*paired_difference(runs))


def _rows(pairs: Sequence[Pair], words: MeasureWords) -> list[Row]:
    rows = WAYS.rows(pairs, words)
    for row, (keras, pytorch) in zip(rows, pairs, strict=True):
        row["failed"] = f"{keras.failures} and {pytorch.failures} of {len(keras.seeds)}"
    return rows
