"""What a fitted curve says, in words."""

from sizewise.report.analysis import FamilyResult
from sizewise.report.goal import Goal
from sizewise.report.stats.fit import Fit, NoFit
from sizewise.report.words import MeasureWords, followed, listed, size, sizes


def on_curve(result: FamilyResult, words: MeasureWords, goal: Goal) -> list[str]:
    """Return where growing stops paying, the curve, how far to trust it, and its prediction."""
    fit = result.fit
    if isinstance(fit, NoFit):
        return [f"No curve is fitted: {result.family} {fit.reason}."]
    sentences = [
        _stops(result, fit, words, goal),
        f"{words.test.capitalize()} follows {_form(fit, words)}.",
    ]
    if fit.scatter > 0:
        sentences.append(
            f"Sizes scatter about the curve by {words.difference(fit.scatter)} beyond what "
            "chance explains, and the intervals allow for it."
        )
    if fit.held_out:
        held = fit.held_out
        verdict = "inside" if held.observed in held.interval else "outside"
        sentences.append(
            f"Fitted without its largest size, {size(held.size)}, the curve predicts "
            f"{words.value(held.predicted)} there {words.values(held.interval)}; "
            f"{words.value(held.observed)} was observed, {verdict} that interval."
        )
    return sentences + _rivals(fit)


def _stops(result: FamilyResult, fit: Fit, words: MeasureWords, goal: Goal) -> str:
    """Say where growing stops paying, by the fitted curve."""
    least = goal.gain(result.answer.best)
    place, interval = fit.size_where_doubling_buys(least)
    smallest, largest = result.cells[0].parameters, result.cells[-1].parameters
    gain = f"{words.margin(least)} of {words.test}"
    if place > largest:
        return f"By the fitted curve, a doubling still buys more than {gain} at {size(largest)}."
    if place < smallest:
        return f"By the fitted curve, no doubling from {size(smallest)} on buys {gain}."
    return (
        "By the fitted curve, growing stops paying at about "
        f"{followed(size(place), interval, sizes)}: beyond, a doubling buys less than {gain}."
    )


def _form(fit: Fit, words: MeasureWords) -> str:
    """Return "E + A·N^-α with floor E = 4.1% [3.8%, 4.4%]"."""
    if not fit.form.has_floor:
        return fit.form.formula
    floor = followed(f"floor E = {words.value(fit.floor)}", fit.floor_interval, words.values)
    unsure = "" if fit.drawn else "; with one seed a size, nothing says how sure that is"
    return f"{fit.form.formula} with {floor}{unsure}"


def _rivals(fit: Fit) -> list[str]:
    tied = [
        f"the {each.form.name}" for each in fit.scores if each.ties and each.form is not fit.form
    ]
    return [f"These sizes don't tell it from {listed(tied)}."] if tied else []
