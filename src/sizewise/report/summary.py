"""The answer at a glance: a sentence, a row for each family, and where it lies in the chart.

What the report takes a page to say is here in a few lines, for its tolerance and for others, among
which the page's slider chooses.
"""

from dataclasses import dataclass, replace

import numpy as np

from sizewise.report.analysis import Analysis, FamilyResult, with_proposals
from sizewise.report.cells import PARAMETERS, TRAINING_TIME
from sizewise.report.section import Rows
from sizewise.report.stats.fit import Fit
from sizewise.report.verdict import Answer, Kind
from sizewise.report.wording import Writer
from sizewise.report.words import MeasureWords, duration, factor, size

TOLERANCES = np.geomspace(1 / 20, 10, 39)  # of the report's own, besides itself


@dataclass(frozen=True)
class Summary:
    """The answer for one tolerance.

    Args:
        tolerance: in words.
        headline, sentence: the answer, and what backs it.
        rows: one for each family, as text by column.
        marks: of the chart: the cells that are enough, each family's and over all.
        band: of the chart: from the best's error up to what is as good.
    """

    tolerance: str
    headline: str
    sentence: str
    rows: list[dict[str, str]]
    marks: Rows
    band: Rows


def summaries(analysis: Analysis) -> list[Summary]:
    """Return the answer for the report's tolerance first, then for others, ascending."""
    if analysis.answer is None:
        return []
    own = [_summary(analysis)]
    if not analysis.answer.margin:
        return own
    margins = sorted([*(TOLERANCES * analysis.answer.margin), analysis.answer.margin])
    return own + [_summary(_at(analysis, float(margin))) for margin in margins]


def _at(analysis: Analysis, margin: float) -> Analysis:
    """Return the analysis, were another difference as good."""
    families = [replace(each, answer=each.answer.at(margin)) for each in analysis.families]
    overall = analysis.overall.at(margin) if analysis.overall else None
    goal = replace(analysis.goal, tolerance=margin, relative=False)
    return with_proposals(replace(analysis, goal=goal, families=families, overall=overall))


def _summary(analysis: Analysis) -> Summary:
    words, found = MeasureWords(analysis.measure), analysis.answer
    assert found is not None
    writer = Writer(analysis)
    paragraph = writer.overall(found) if analysis.overall else writer.family(analysis.families[0])
    return Summary(
        tolerance=words.margin(found.margin) if found.margin else "",
        headline=paragraph.headline,
        sentence=" ".join(paragraph.sentences[:2]),
        rows=[_row(result, words, analysis) for result in analysis.families],
        marks=_marks(analysis),
        band=_band(analysis),
    )


def _band(analysis: Analysis) -> Rows:
    found, target = analysis.answer, analysis.goal.target
    if target is not None:
        return [{"low": 0.0, "high": target}]
    if found is None or not found.margin:
        return []
    return [{"low": found.best.error, "high": found.best.error + found.margin}]


def _row(result: FamilyResult, words: MeasureWords, analysis: Analysis) -> dict[str, str]:
    found, grown = result.answer, result.growth
    interval = dict(analysis.rows)[found.as_good]
    return {
        "family": result.family,
        "enough": enough(found),
        words.test: words.value(found.as_good.error),
        "90% interval": words.values(interval) if interval else "–",
        "growing stops paying at": _stops(result, analysis.goal.gain(found.best)),
        "smallest → largest": f"{words.value(grown.before)} → {words.value(grown.after)}"
        if grown
        else "–",
        "training time": factor(grown.factors[TRAINING_TIME]) if grown else "–",
        "next step": "; ".join(
            f"{len(each.sizes) * len(each.seeds)} runs, about {duration(each.seconds)}"
            for each in result.proposals
        )
        or "none",
    }


def enough(found: Answer) -> str:
    """Return the size that is enough, in a word or two."""
    text = size(found.as_good.parameters)
    match found.kind:
        case Kind.ANSWER:
            return text
        case Kind.SMALLER_SIZES:
            return f"{text} or less"
        case Kind.LARGER_SIZES:
            return f"{text} or more"
        case Kind.MORE_SEEDS:
            upto = f"to {text}" if found.is_shown else "or more"
            return f"{size(found.undecided[0].parameters)} {upto}, open"
        case Kind.NOT_REACHED:
            return "none reaches it"
        case Kind.OVER_LIMITS:
            return "none within the limits"
        case Kind.NONE_TRAINED:
            return "none trained"
        case Kind.ONE_SEED | Kind.ONE_SIZE:
            return "can't tell"


def _stops(result: FamilyResult, gain: float) -> str:
    if not isinstance(result.fit, Fit):
        return "–"
    place, _ = result.fit.size_where_doubling_buys(gain)
    smallest, largest = result.cells[0].parameters, result.cells[-1].parameters
    if place > largest:
        return f"beyond {size(largest)}"
    return f"below {size(smallest)}" if place < smallest else size(place)


def _marks(analysis: Analysis) -> Rows:
    """Return the answer's cell, or where it is open, the smallest and the largest it may be."""
    found = analysis.answer
    if found is None:
        return []
    marked = {found.as_good: "is enough"} if found.is_shown else {}
    if found.undecided and found.kind is Kind.MORE_SEEDS:
        marked[found.undecided[0]] = "may be enough"
    return [
        {
            PARAMETERS.metric: max(cell.parameters, 1),
            "error": cell.error,
            "label": f"{cell.label} {words}",
        }
        for cell, words in marked.items()
    ]
