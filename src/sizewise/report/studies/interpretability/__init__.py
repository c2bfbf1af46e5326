"""What networks look at, by size: at less of the input, at more, or elsewhere?

Runs with `explain=N` keep how their maps of N test samples do (`explain.measure`). Integrated
gradients, which every network has, tell sizes apart; the family's own method stands beside them.
Every mean has its interval over seeds and over test samples.

Whether sizes look elsewhere is told by how much of two maps of a sample overlap (`stats.overlap`).
"""

from collections.abc import Sequence

from sizewise.records import RunRecord, readable_count
from sizewise.report.section import Section, Table
from sizewise.report.studies.interpretability.charts import draw
from sizewise.report.studies.interpretability.looks import (
    ALL,
    IN_PERCENT,
    NAMES,
    Looks,
    Mean,
    alike,
    looks_of,
    named,
    pooled,
)
from sizewise.report.tables import Row
from sizewise.report.words import listed

CLAIMS = {  # of a change: what it is called down, up, and where that can't be told
    "half": ("at less of the input", "at more of the input", "at less or more of the input"),
    "truth": ("less at the true places", "more at the true places", "more at the true places"),
    "apart": ("elsewhere", "elsewhere", "elsewhere"),  # it can't be below zero but by chance
}
LIKE = 0.5  # a rank correlation, above which a map shows much of the input whatever the weights


def section(records: Sequence[RunRecord]) -> Section | None:
    """Return the study of usable runs; None where no family has maps measured at two sizes."""
    found = looks_of(records)
    if not found:
        return None
    return Section(
        title=headline(found),
        sentences=[*map(_sentence, found), *_trust(found), _method(alike(records))],
        charts=[draw(found)],
        tables=[Table([row for looks in found for row in _rows(looks)])],
        cells=[cell for looks in found for cell in looks.cells],
    )


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
                f"{looks.family} by {named(method)}: deletion beats random order at "
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


def _rows(looks: Looks) -> list[Row]:
    return [
        {"family": looks.family, "parameters": f"{cell.parameters:,}", "method": named(method)}
        | {text: _shown(name, means[name][at]) for name, text in NAMES.items() if name in means}
        for method, means in looks.means.items()
        for at, cell in enumerate(looks.cells)
    ]
