"""The verdict in plain words, the same for the page, the file and the screen."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sizewise.report.analysis import Analysis, FamilyResult
from sizewise.report.bootstrap import Interval
from sizewise.report.compare import Comparison, compare
from sizewise.report.data_words import crossing_headline, crossing_sentences
from sizewise.report.fit import Fit, NoFit
from sizewise.report.select import Cell, Choice, Setting
from sizewise.report.verdict import Answer, Growth, Kind, undecided
from sizewise.report.words import (
    factor,
    listed,
    margin,
    number_interval,
    percent,
    percent_interval,
    points,
    points_interval,
    size,
    size_interval,
)

CLEARLY_BETTER = 2.0  # of AICc: Burnham & Anderson, Model Selection, 2002, section 2.6

MOST_SEEDS = 50  # that anyone is told to run


@dataclass(frozen=True)
class Paragraph:
    """A headline, what backs it, and the command to run next, if one would tell more.

    `growth`, one of the sentences, is what growing bought and cost; None for a single size.
    `family` is what it is about; None for all of them.
    """

    headline: str
    sentences: list[str] = field(default_factory=list)
    command: str | None = None
    growth: str | None = None
    family: str | None = None


def paragraphs(analysis: Analysis) -> list[Paragraph]:
    """Return the verdict: over all families first, then one paragraph for each."""
    words = [_family(result, analysis.tolerance) for result in analysis.families]
    if analysis.overall:
        words.insert(0, _overall(analysis.overall, analysis))
    if analysis.by_data:
        found = analysis.by_data
        words.insert(0, Paragraph(crossing_headline(found), crossing_sentences(found)))
    if analysis.references:
        words.append(_references(analysis))
    return words


def choice_sentences(choices: list[Choice]) -> list[str]:
    """Return how settings were chosen, one sentence a cell, an edge of the grid said so."""
    sentences = []
    for choice in choices:
        others = len(choice.candidates) - 1
        sentence = (
            f"{choice.cell.label} takes {setting_words(choice.cell.setting)}: the best mean "
            f"validation accuracy ({percent(choice.candidates[0][2])}) of "
            f"{others + 1} settings tried."
        )
        for key, tried in choice.edges.items():
            sentence += (
                f" {key} is at the edge of what was tried ({', '.join(f'{v:g}' for v in tried)}): "
                "a value beyond it may be better."
            )
        sentences.append(sentence)
    return sentences


def setting_words(setting: Setting) -> str:
    """Return a setting as it is typed: training.learning_rate=0.01."""
    return " ".join(f"{key}={'null' if value is None else value}" for key, value in setting)


def fit_sentences(fit: Fit | NoFit, family: str) -> list[str]:
    """Return the fitted curve, how far to trust it, and its prediction put to the test."""
    if isinstance(fit, NoFit):
        return [f"No curve is fitted: {family} {fit.reason}."]
    numbers = f"α = {fit.exponent:.2f}{_interval(fit.exponent_interval, number_interval)}"
    numbers += f", floor E = {percent(fit.floor)}{_interval(fit.floor_interval, percent_interval)}"
    sentences = [f"Test error follows E + A·N^-α with {numbers}."]
    if fit.exponent_interval is None:
        sentences[0] = sentences[0][:-1] + "; with one seed a size, nothing says how sure that is."
    if fit.scatter > 0:
        sentences.append(
            f"Sizes scatter about the curve by {points(fit.scatter)} points beyond what seeds "
            "explain, and the intervals allow for it."
        )
    if fit.held_out:
        held = fit.held_out
        verdict = "inside" if held.observed in held.interval else "outside"
        sentences.append(
            f"Fitted without its largest size, {size(held.size)}, the curve predicts "
            f"{percent(held.predicted)} there {percent_interval(held.interval)}; "
            f"{percent(held.observed)} was observed, {verdict} that interval."
        )
    return sentences + _rivals(fit)


def _overall(found: Answer, analysis: Analysis) -> Paragraph:
    best, tolerance = found.best, analysis.tolerance
    sentences = [f"The best of all by validation is {best.label}: {_error(best)}."]
    growing = [
        result.family for result in analysis.families if result.answer.kind is Kind.LARGER_SIZES
    ]
    match found.kind:
        case Kind.ONE_SEED:
            headline = "Over all families: can't tell, with one seed each."
        case Kind.MORE_SEEDS:
            headline = (
                f"Over all families: can't tell yet between {found.not_worse.label} and "
                f"{found.as_good.label}."
            )
            sentences += _bracket(found, tolerance)
        case _ if found.as_good is best:
            headline = f"Over all families: {best.label}; no smaller model is as good."
        case _:
            headline = f"Over all families: {found.as_good.label} is enough."
            sentences.append(_as_good(found, tolerance))
    if growing:
        sentences.append(
            f"But {listed(growing)} still gain{'s' if len(growing) == 1 else ''} from size at the "
            "largest run, so a larger one may win yet."
        )
    return Paragraph(headline, sentences)


def _family(result: FamilyResult, tolerance: float) -> Paragraph:
    found, family = result.answer, result.family
    sentences: list[str] = []
    best = f"{size(found.best.parameters)} parameters ({_error(found.best)})"
    match found.kind:
        case Kind.ONE_SIZE:
            headline = f"{family}: one size, {best}."
            sentences.append("One size can't say what another would do.")
        case Kind.ONE_SEED:
            headline = f"{family}: can't tell, with one seed at each size."
            sentences.append(
                f"The best by validation has {best}, but one seed doesn't say how much of a "
                "difference is luck."
            )
        case Kind.LARGER_SIZES:
            headline = (
                f"{family}: can't tell; its error still falls at the largest size run, {best}."
            )
            half = [
                each
                for each in found.comparisons
                if each.cell.parameters <= found.best.parameters / 2
            ][-1]
            sentences.append(f"{_compared(half)}, so growing further may pay.")
        case Kind.MORE_SEEDS:
            headline = (
                f"{family}: can't tell yet between {size(found.not_worse.parameters)} and "
                f"{size(found.as_good.parameters)} parameters."
            )
            sentences.append(f"The best by validation has {best}.")
            sentences += _bracket(found, tolerance)
        case Kind.SMALLER_SIZES:
            headline = (
                f"{family}: the smallest size run, {size(found.as_good.parameters)} parameters, "
                "is enough; smaller ones weren't tried."
            )
            sentences += [f"The best by validation has {best}.", _as_good(found, tolerance)]
        case Kind.ANSWER:
            headline = f"{family}: {size(found.as_good.parameters)} parameters are enough."
            sentences += [f"The best by validation has {best}.", _as_good(found, tolerance)]
            sentences += _next_smaller(found)
    if found.one_standard_error and found.kind not in (Kind.ONE_SIZE, Kind.ONE_SEED):
        sentences.append(_one_standard_error(found))
    growth = _growth(result.growth) if result.growth else None
    sentences += [growth] if growth else []
    sentences += _stops(result, tolerance)
    sentences += fit_sentences(result.fit, family)
    return Paragraph(headline, sentences, found.command, growth, family)


def _references(analysis: Analysis) -> Paragraph:
    """Say what the classical families reach, and how the best network compares."""
    best = min(
        (each.cell for each in analysis.references),
        key=lambda cell: float(cell.validation_errors.mean()),
    )
    headline = f"For reference: {best.label}, the best classical family by validation, has "
    headline += f"{_error(best)}."
    networks = [result.answer.best for result in analysis.families]
    if not networks:
        return Paragraph(headline)
    network = min(networks, key=lambda cell: float(cell.validation_errors.mean()))
    (compared,) = compare([network], best)
    return Paragraph(headline, [f"The best network, {_compared(compared)}."])


def _error(cell: Cell) -> str:
    seeds = len(cell.seeds)
    return f"{percent(cell.test_errors.mean())} test error over {seeds} seed{'s' * (seeds != 1)}"


def _compared(each: Comparison) -> str:
    """Return "4k is worse by 1.2 points [0.4, 2.0]"."""
    side = "worse" if each.difference > 0 else "better"
    interval = each.interval
    if interval and each.difference <= 0:
        interval = Interval(-interval.high, -interval.low)
    words = f"{points(abs(each.difference))} points"
    return f"{each.cell.label} is {side} by {words}{_interval(interval, points_interval)}"


def _as_good(found: Answer, tolerance: float) -> str:
    if found.as_good is found.best:
        return "No smaller size is as good."
    return (
        f"{_compared(found.comparison(found.as_good))} in pairs of seeds, which rules out being "
        f"worse by more than {margin(tolerance)}."
    )


def _next_smaller(found: Answer) -> list[str]:
    smaller = [
        each for each in found.comparisons if each.cell.parameters < found.as_good.parameters
    ]
    return [f"The next smaller, {_compared(smaller[-1])}."] if smaller else []


def _bracket(found: Answer, tolerance: float) -> list[str]:
    compared = listed([_compared(each) for each in undecided(found, tolerance)[:4]])
    words = f"{compared}: not shown to be worse, nor to be as good (within {margin(tolerance)})."
    if found.seeds_needed:
        words += (
            f" About {found.seeds_needed} seeds each would tell."
            if found.seeds_needed <= MOST_SEEDS
            else " Seeds differ so much that no small number of them would tell: steady the "
            "training, or accept a larger difference."
        )
    return [words]


def _one_standard_error(found: Answer) -> str:
    assert found.one_standard_error is not None
    rule = f"The one-standard-error rule takes {size(found.one_standard_error.parameters)}"
    if found.kind not in (Kind.ANSWER, Kind.SMALLER_SIZES):
        return f"{rule}."
    agrees = found.one_standard_error is found.as_good
    return f"{rule}{' too' if agrees else ', which asks for less proof or more'}."


def _growth(grown: Growth) -> str:
    by = f"{points(abs(grown.bought))} points"
    interval = grown.interval
    if interval and grown.bought < 0:
        interval = Interval(-interval.high, -interval.low)
    by += _interval(interval, points_interval)
    verb = "lowered" if grown.bought >= 0 else "raised"
    known = {cost: ratio for cost, ratio in grown.factors.items() if ratio == ratio}
    costs = [f"{factor(ratio)} the {cost.words}" for cost, ratio in known.items()]
    return (
        f"Growing from {size(grown.smallest.parameters)} to {size(grown.largest.parameters)} "
        f"{verb} test error from {percent(grown.smallest.test_errors.mean())} to "
        f"{percent(grown.largest.test_errors.mean())}, by {by}, for {listed(costs)}."
    )


def _stops(result: FamilyResult, tolerance: float) -> list[str]:
    """Say where growing stops paying, by the fitted curve."""
    if isinstance(result.fit, NoFit):
        return []
    place, interval = result.fit.size_where_doubling_buys(tolerance)
    smallest, largest = result.sizes[0], result.sizes[-1]
    gain = f"{margin(tolerance)} of test error"
    if place > largest:
        return [f"By the fitted curve, a doubling still buys more than {gain} at {size(largest)}."]
    if place < smallest:
        return [f"By the fitted curve, no doubling from {size(smallest)} on buys {gain}."]
    where = f"{size(place)}{_interval(interval, size_interval)}"
    return [
        f"By the fitted curve, growing stops paying at about {where}: beyond, a doubling buys "
        f"less than {gain}."
    ]


def _rivals(fit: Fit) -> list[str]:
    if not fit.forms:
        return []
    power = next(
        score for score in fit.forms if score.form.has_floor and "power" in score.form.name
    )
    first = fit.forms[0]
    if power.aicc_difference > CLEARLY_BETTER:
        return [
            f"But a rival describes these sizes better: {first.form.name}, {first.form.formula} "
            f"(AICc lower by {power.aicc_difference:.1f}); don't extrapolate the power law."
        ]
    close = [
        score.form.name
        for score in fit.forms
        if score is not power and score.aicc_difference - power.aicc_difference <= CLEARLY_BETTER
    ]
    if close:
        return [f"These sizes don't tell it from a {listed(close)} (AICc within 2)."]
    return ["By AICc it beats both rivals: a power law without floor, exponential saturation."]


def _interval(interval: Interval | None, words: Callable[[Interval], str]) -> str:
    return f" {words(interval)}" if interval else ""
