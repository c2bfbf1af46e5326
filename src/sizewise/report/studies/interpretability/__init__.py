"""What networks look at, by size: at less of the input, at more, or elsewhere?

Runs with `explain=N` keep how their maps of N test samples do (`explain.measure`). Integrated
gradients, which every network has, tell sizes apart; the family's own method stands beside them.
Every mean has its interval over seeds and over test samples.

Whether sizes look elsewhere is told by how much of two maps of a sample overlap (`stats.overlap`).
"""

import base64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np

from sizewise import sample_errors
from sizewise.records import RunRecord, readable_count
from sizewise.report import style
from sizewise.report.cells import Cell
from sizewise.report.conditions import by_condition
from sizewise.report.section import Chart, Rows, Section, Table
from sizewise.report.selection import select
from sizewise.report.stats.compare import Seeds, compare, in_pairs, size_errors
from sizewise.report.stats.errors import Interval
from sizewise.report.stats.noise import Array
from sizewise.report.stats.overlap import apart, overlaps
from sizewise.report.tables import Row
from sizewise.report.words import listed

ALL = "integrated_gradients"
NAMES = {  # measurements in their order, as charts and tables call them
    "half": "places with half of the map",
    "truth": "true places' share, × chance",
    "pointing": "points at a true place",
    "deletion": "deletion beats random by",
    "insertion": "insertion beats random by",
    "likeness": "likeness to random weights'",
}
CLAIMS = {  # of a change: what it is called down, up, and where that can't be told
    "half": ("at less of the input", "at more of the input", "at less or more of the input"),
    "truth": ("less at the true places", "more at the true places", "more at the true places"),
    "apart": ("elsewhere", "elsewhere", "elsewhere"),  # it can't be below zero but by chance
}
IN_PERCENT = ("half", "pointing", "apart")
LIKE = 0.5  # a rank correlation, above which a map shows much of the input whatever the weights
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


def section(records: Sequence[RunRecord]) -> Section | None:
    """Return the study of usable runs; None where no family has maps measured at two sizes."""
    alike = _alike(records)
    found = looks_of(records)
    if not found:
        return None
    return Section(
        title=headline(found),
        sentences=[*map(_sentence, found), *_trust(found), _method(alike)],
        charts=[_chart(found)],
        tables=[Table([row for looks in found for row in _rows(looks)])],
        cells=[cell for looks in found for cell in looks.cells],
    )


def looks_of(records: Sequence[RunRecord]) -> list[Looks]:
    """Return how maps change with size in each family whose maps were measured at two sizes."""
    alike = _alike(records)
    families = select(alike).families.values() if alike else ()
    return [_looks(cells) for cells in families if len(cells) > 1]


def _alike(records: Sequence[RunRecord]) -> list[RunRecord]:
    """Return the runs with maps of as many samples as most have."""
    measured = [record for record in by_condition(records)[-1] if "maps" in record.extras]
    counts = Counter(record.extras["maps"]["samples"] for record in measured)
    most = counts.most_common(1)
    return [each for each in measured if each.extras["maps"]["samples"] == most[0][0]]


def headline(found: Sequence[Looks]) -> str:
    """Return the verdict: whether larger models look at less or more, at the truth, and elsewhere.

    It is of the mean of the families' changes.
    """
    told, unclear = [], []
    for name, (down, up, open_) in CLAIMS.items():
        change = pooled([looks.paired.get(name) for looks in found])
        if change is None:
            continue
        value, interval = change
        said = f" ({_shown(name, change, change=True)}{' × chance' if name == 'truth' else ''})"
        if interval is None or 0 in interval:
            unclear.append(open_ + said)
        else:
            told.append((down if value < 0 else up) + said)
    families = listed([looks.family for looks in found])
    answer = f"look {listed(told)}" if told else ""
    if unclear:
        answer += f"{'; ' * bool(told)}can't tell whether they look {', or '.join(unclear)}"
    return f"Larger models, by the maps of {families}: {answer}."


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


def _shown(name: str, mean: Mean, *, change: bool = False) -> str:
    """Return a mean with its interval, as text."""
    scale = 100 if name in IN_PERCENT else 1
    value, interval = mean
    digits = "{:.1f}" if scale > 1 else "{:.2f}"
    ends = f" [{', '.join(digits.format(scale * each) for each in interval)}]" if interval else ""
    unit = "" if scale == 1 else " points" if change else "%"
    return f"{digits.format(scale * value)}{unit}{ends}"


def _sentence(looks: Looks) -> str:
    small, large = (readable_count(looks.cells[at].parameters) for at in (0, -1))

    def told(name: str, of: str) -> str:
        ends = [_shown(name, (looks.means[ALL][name][at][0], None)) for at in (0, -1)]
        return f"{' → '.join(ends)} {of}, by {_shown(name, looks.changes[name], change=True)}"

    parts = [f"half of a map is on {told('half', 'of the places')}"]
    if "truth" in looks.changes:
        parts.append(f"the true places have {told('truth', 'times their share of it')}")
    across, within = looks.overlap
    overlap = f"maps of the two sizes overlap by {across:.0%}"
    if "apart" not in looks.changes:
        parts.append(f"{overlap}; whether two seeds of one size do by more takes three seeds")
    else:
        more = _shown("apart", looks.changes["apart"], change=True)
        parts.append(f"{overlap}, those of two seeds of one size by {within:.0%}: {more} apart")
    return f"{looks.family}, {small} → {large} parameters: {'; '.join(parts)}."


def _trust(found: Sequence[Looks]) -> list[str]:
    """Return how each family's maps do in the tests of whether they tell of the network."""
    sentences = []
    for looks in found:
        for method, means in looks.means.items():
            of = len(looks.cells)
            passed = {
                name: sum(ends is not None and ends.low > 0 for _, ends in means[name])
                for name in ("deletion", "insertion")
            }
            like = max(value for value, _ in means["likeness"])
            said = (
                f"{looks.family} by {_named(method)}: deletion beats random order at "
                f"{passed['deletion']} of {of} sizes, insertion at {passed['insertion']}; likeness "
                f"to maps of random weights {like:.2f} at most"
            )
            if like > LIKE:
                said += ", which is much: they show the input as well as the network"
            if not any(passed.values()):
                said += "; they don't tell what the answer rests on"
            sentences.append(f"{said}.")
    return sentences


def _method(records: Sequence[RunRecord]) -> str:
    maps = records[0].extras["maps"]
    lacking = max(record.extras["maps"]["incomplete"] for record in records)
    words = (
        f"Maps are of {maps['samples']:,} test samples, for the class that the network tells, "
        "right or wrong; sizes are compared by integrated gradients, from the training mean, which "
        f"add up to the answer but for {lacking:.1%} of their mass at most; intervals are 90%, "
        "each by itself, and the verdict's are of the mean over families."
    )
    if "chance" in maps:
        words += f" The true places are {maps['chance']:.0%} of all."
    return words


def _named(method: str) -> str:
    return method.replace("_", " ")


def _rows(looks: Looks) -> list[Row]:
    return [
        {"family": looks.family, "parameters": f"{cell.parameters:,}", "method": _named(method)}
        | {text: _shown(name, means[name][at]) for name, text in NAMES.items() if name in means}
        for method, means in looks.means.items()
        for at, cell in enumerate(looks.cells)
    ]


def _chart(found: Sequence[Looks]) -> Chart:
    """Draw each measurement by size, with 90 % intervals: one panel each."""
    kinds = [_named(ALL), "the family's own method"]
    rows: Rows = [
        {
            "family": looks.family,
            "kind": kinds[method != ALL],
            "method": _named(method),
            "measured": name,
            "parameters": cell.parameters,
            "value": style.number(value),
            "low": style.number(interval.low if interval else value),
            "high": style.number(interval.high if interval else value),
        }
        for looks in found
        for method, means in looks.means.items()
        for name, values in means.items()
        for cell, (value, interval) in zip(looks.cells, values, strict=True)
    ]
    family = style.by_family((looks.family, looks.family) for looks in found)
    colour = {"color": family["color"]}
    x = style.log_x("parameters", "parameters", rows)
    tips = style.tooltips(["family", "method", "parameters", "value"])
    panels: list[alt.LayerChart | alt.FacetChart] = []
    for name in [each for each in NAMES if each in found[0].means[ALL]]:
        axis = alt.Axis(format="%" if name in IN_PERCENT else "~g")
        y = alt.Y("value:Q", title=NAMES[name], axis=axis)
        base = alt.Chart(alt.NamedData("maps")).transform_filter(f"datum.measured === '{name}'")
        layers = [
            base.mark_rule().encode(x, alt.Y("low:Q"), alt.Y2("high"), **colour),
            base.mark_line(strokeWidth=1.4).encode(x, y, style.dashes("kind", kinds), **colour),
            base.mark_point(filled=True, size=50, opacity=1).encode(x, y, tooltip=tips, **family),
        ]
        panels.append(alt.layer(*layers).properties(width=280, height=200))
    caption = "What maps say by size: integrated gradients solid, the family's own method dashed"
    return style.chart("maps_by_size", caption, alt.concat(*panels, columns=3), {"maps": rows})
