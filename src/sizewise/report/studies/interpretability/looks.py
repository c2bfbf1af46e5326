"""How much maps of what networks look at hold, by size, and how that changes."""

import base64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sizewise import sample_errors
from sizewise.records import RunRecord
from sizewise.report.cells import Cell
from sizewise.report.conditions import by_condition
from sizewise.report.selection import select
from sizewise.report.stats.differences import Seeds, compare, in_pairs, size_errors
from sizewise.report.stats.errors import Interval
from sizewise.report.stats.noise import Array
from sizewise.report.stats.overlap import apart, overlaps

ALL = "integrated_gradients"
NAMES = {  # measurements in their order, as charts and tables call them
    "half": "places with half of the map",
    "truth": "true places' share, × chance",
    "pointing": "points at a true place",
    "deletion": "deletion beats random by",
    "insertion": "insertion beats random by",
    "likeness": "likeness to random weights'",
}
IN_PERCENT = ("half", "pointing", "apart")
Mean = tuple[float, Interval | None]


@dataclass(frozen=True)
class Looks:
    """What one family's networks look at, by size.

    Args:
        family: its name.
        cells: by size.
        means: by method and measurement, of each size.
        changes: by measurement, of the largest size less that of the smallest, by `ALL`.
        paired: the same and `apart`, by how much less the two overlap than seeds of one do, by
            seed; that takes three seeds.
        overlap: of the smallest and the largest, and of seeds of one of them, on average.
    """

    family: str
    cells: list[Cell]
    means: dict[str, dict[str, list[Mean]]]
    changes: dict[str, Mean]
    paired: dict[str, Seeds]
    overlap: tuple[float, float]


def looks_of(records: Sequence[RunRecord]) -> list[Looks]:
    """Return how maps change with size in each family whose maps were measured at two sizes."""
    measured = alike(records)
    families = select(measured).families.values() if measured else ()
    return [_looks(cells) for cells in families if len(cells) > 1]


def alike(records: Sequence[RunRecord]) -> list[RunRecord]:
    """Return the runs with maps of as many samples as most have."""
    measured = [record for record in by_condition(records)[-1] if "maps" in record.extras]
    counts = Counter(record.extras["maps"]["samples"] for record in measured)
    most = counts.most_common(1)
    return [each for each in measured if each.extras["maps"]["samples"] == most[0][0]]


def pooled(changes: Sequence[Seeds | None]) -> Mean | None:
    """Return the mean of families' changes over the seeds that all have; None if one has none."""
    known = [(each.seeds, each.samples) for each in changes if each and each.samples is not None]
    if len(known) < len(changes):
        return None
    shared = [each for each in known[0][0] if all(each in seeds for seeds, _ in known)]
    if not shared:
        return None
    aligned = [values[[seeds.index(each) for each in shared]] for seeds, values in known]
    samples = np.mean(aligned, axis=0, dtype=float)
    (mean,) = _means([1], [Seeds(tuple(shared), samples.mean(axis=1), samples)])
    return mean


def named(method: str) -> str:
    """Return a method as charts and tables call it."""
    return method.replace("_", " ")


def _looks(cells: list[Cell]) -> Looks:
    methods = cells[0].records[0].extras["maps"]["methods"]
    sizes = [cell.parameters for cell in cells]
    grouped = {
        method: {name: [_scores(cell, method, name) for cell in cells] for name in scores}
        for method, scores in methods.items()
    }
    means = {
        method: {name: _means(sizes, groups) for name, groups in by_name.items()}
        for method, by_name in grouped.items()
    }
    changes = {
        name: (found.mean, found.interval)
        for name, groups in grouped[ALL].items()
        for found in [compare(sizes, groups, reference=0)[-1]]
    }
    seeds, first, second = _shared(cells[0], cells[-1])
    paired = {name: in_pairs(groups[-1], groups[0]) for name, groups in grouped[ALL].items()}
    if len(seeds) > 2:
        values = apart(first, second)
        paired["apart"] = Seeds(seeds, values.mean(axis=1), values)
        (changes["apart"],) = _means(sizes[-1:], [paired["apart"]])
    others = ~np.eye(len(seeds), dtype=bool)
    within = [overlaps(each, each)[others].mean() for each in (first, second) if len(seeds) > 1]
    overlap = float(overlaps(first, second).mean()), float(np.mean(within or [np.nan]))
    return Looks(cells[0].family, cells, means, changes, paired, overlap)


def _scores(cell: Cell, method: str, name: str) -> Seeds:
    packed = [record.extras["maps"]["methods"][method][name] for record in cell.records]
    samples = np.array([sample_errors.unpack(each) for each in packed], dtype=float)
    return Seeds(cell.seeds, samples.mean(axis=1), samples)


def _means(sizes: Sequence[float], groups: Sequence[Seeds]) -> list[Mean]:
    found = size_errors(sizes, groups)
    return list(zip(found.means.tolist(), found.intervals(), strict=True))


def _shared(small: Cell, large: Cell) -> tuple[tuple[int, ...], Array, Array]:
    """Return the seeds that both sizes have, and the shares of their maps, (n, N, P)."""
    seeds = tuple(seed for seed in small.seeds if seed in large.seeds)
    both = []
    for cell in (small, large):
        kept = [record.extras["maps"] for record in cell.records if record.seed in seeds]
        bytes_ = [base64.b64decode(each["shares"]) for each in kept]
        levels = np.array([np.frombuffer(each, np.uint8) for each in bytes_], dtype=float)
        maps = levels.reshape(len(seeds), -1, kept[0]["places"])
        both.append(maps / maps.sum(axis=2, keepdims=True))
    return seeds, both[0], both[1]
