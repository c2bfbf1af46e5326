"""The verdict in plain words, the same for the page, the file and the screen."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sizewise.report.analysis import Analysis, FamilyResult
from sizewise.report.cells import Cell, best_by_validation
from sizewise.report.curve_words import on_curve
from sizewise.report.growth import Growth
from sizewise.report.proposal import Proposal, seeds_missing
from sizewise.report.stats.differences import Difference
from sizewise.report.verdict import MOST_SEEDS, Answer, Kind, compared
from sizewise.report.words import (
    MeasureWords,
    duration,
    factor,
    listed,
    size,
)


class Command(NamedTuple):
    """A command to run next, and what it takes and brings, in words."""

    text: str
    price: str


@dataclass(frozen=True)
class Paragraph:
    """A headline, what backs it, and what to run next, if anything would tell more.

    `growth`, one of the sentences, is what growing bought and cost; None for a single size.
    `family` is what it is about; None for all of them.
    """

    headline: str
    sentences: list[str] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    growth: str | None = None
    family: str | None = None


def paragraphs(analysis: Analysis) -> list[Paragraph]:
    """Return the verdict: over all families first, then one paragraph for each."""
    writer = Writer(analysis)
    words = [writer.family(result) for result in analysis.families]
    if analysis.overall:
        words.insert(0, writer.overall(analysis.overall))
    if analysis.selection.references:
        words.append(writer.references())
    return words


class Writer:
    """Writes paragraphs in the words of an analysis's measure and tolerance."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.words = MeasureWords(analysis.measure)
        self.goal = analysis.goal

    def overall(self, found: Answer) -> Paragraph:
        """Compare all families of networks."""
        best = found.best
        sentences = [f"The best of all by validation is {best.label}: {self._reached(best)}."]
        growing = [
            result.family
            for result in self.analysis.families
            if result.answer.kind is Kind.LARGER_SIZES
        ]
        enough = f"reaches {self._target()}" if self.goal.target else "is enough"
        match found.kind:
            case Kind.OVER_LIMITS:
                return Paragraph("Over all families: no model run is within the limits.")
            case Kind.NONE_TRAINED:
                return Paragraph("Over all families: no model run trained.")
            case Kind.NOT_REACHED:
                headline = f"{self._not_reached('model', found)}; the best is {best.label}."
            case Kind.ONE_SEED:
                headline = "can't tell, with one seed each."
            case Kind.MORE_SEEDS:
                smaller = found.undecided[0].label
                headline = f"can't tell yet whether {smaller} {enough}."
                if found.is_shown:
                    too = "does" if self.goal.target else "is"
                    headline = (
                        f"{found.as_good.label} {enough}; can't tell yet whether {smaller} {too}."
                    )
                sentences.append(self._undecided(found))
            case _ if found.as_good is best and best.family in growing:
                headline = f"{best.label} or more; its error still falls there."
            case _ if found.as_good is best and not self.goal.target:
                headline = f"{best.label}; no smaller model is as good."
            case _:
                headline = f"{found.as_good.label} {enough}."
                sentences += [self._as_good(found), *self._at_edge(found)]
        if growing:
            sentences.append(
                f"But {listed(growing)} still gain{'s' if len(growing) == 1 else ''} from size at "
                "the largest run, so a larger one may win yet."
            )
        told = not any(each.proposals for each in self.analysis.families)
        commands = self._commands(found, self.analysis.proposals if told else [])
        return Paragraph(f"Over all families: {headline}", sentences, commands)

    def family(self, result: FamilyResult) -> Paragraph:
        """Answer for one family."""
        headline, sentences = self._answer(result.answer)
        growth = self._growth(result.growth) if result.growth else None
        sentences += [growth] if growth else []
        sentences += on_curve(result, self.words, self.goal)
        commands = self._commands(result.answer, result.proposals)
        return Paragraph(f"{result.family}: {headline}", sentences, commands, growth, result.family)

    def _commands(self, found: Answer, proposals: Sequence[Proposal]) -> list[Command]:
        commands = []
        for proposal in proposals:
            price = f"about {duration(proposal.seconds)} of training"
            if proposal.test_samples:
                price = f"about {duration(proposal.seconds)}: no training, but more test samples"
            elif found.kind is Kind.MORE_SEEDS and seeds_missing(found) > len(proposal.seeds):
                price += f"; {len(proposal.seeds)} of {seeds_missing(found)} seeds that are missing"
            text = proposal.command(self.analysis.command, self.analysis.spell)
            commands.append(Command(text, price))
        return commands

    def references(self) -> Paragraph:
        """Say what the classical families reach, and how the best network compares."""
        best = best_by_validation(self.analysis.selection.references)
        headline = f"For reference: {best.label}, the best classical family by validation, has "
        headline += f"{self._reached(best)}."
        if not self.analysis.families:
            return Paragraph(headline)
        network = best_by_validation(result.answer.best for result in self.analysis.families)
        difference = compared([network], best)[network]
        return Paragraph(headline, [f"The best network, {self._compared(network, difference)}."])

    def _answer(self, found: Answer) -> tuple[str, list[str]]:
        best = f"{size(found.best.parameters)} parameters ({self._reached(found.best)})"
        by_validation = f"The best by validation has {best}"
        as_good = size(found.as_good.parameters)
        is_best = found.as_good is found.best and not self.goal.target
        match found.kind:
            case Kind.ONE_SIZE:
                return f"one size, {best}.", ["One size can't say what another would do."]
            case Kind.ONE_SEED:
                return "can't tell, with one seed at each size.", [
                    f"{by_validation}, but one seed doesn't say how much of a difference is luck."
                ]
            case Kind.LARGER_SIZES:
                half = found.below(found.best, 0.5)
                assert half is not None  # or it would not be this kind
                return f"can't tell: still falling at the largest size run, {best}.", [
                    f"{self._with_best(half, found)}, so growing further may pay."
                ]
            case Kind.MORE_SEEDS:
                least = size(found.undecided[0].parameters)
                sentences = [
                    f"{by_validation}.",
                    self._undecided(found),
                    *self._at_edge(found),
                ]
                reach = f"reach {self._target()}" if self.goal.target else "are enough"
                if not found.is_shown:
                    return f"can't tell yet whether {least} parameters {reach}.", sentences
                too = "do" if self.goal.target else "are"
                return (
                    f"{as_good} parameters {reach}; can't tell yet whether {least} {too}.",
                    sentences,
                )
            case Kind.NOT_REACHED:
                return f"{self._not_reached('size', found)}; the best has {best}.", []
            case Kind.OVER_LIMITS:
                return "no size run is within the limits.", []
            case Kind.NONE_TRAINED:
                headline = (
                    "no size run trained: losses stopped being finite, or errors are chance's."
                )
                return headline, [
                    "A smaller training.learning_rate or training.clip_grad_norm=1 may help."
                ]
            case Kind.SMALLER_SIZES:
                return (
                    f"the smallest size run, {as_good} parameters, is enough; smaller ones weren't "
                    "tried."
                ), [f"{by_validation}.", *([] if is_best else [self._as_good(found)])]
            case Kind.ANSWER:
                sentences = [f"{by_validation}.", self._as_good(found), *self._at_edge(found)]
                smaller = found.below(found.as_good)
                if smaller and smaller not in found.at_edge:
                    sentences.append(f"The next smaller, {self._with_best(smaller, found)}.")
                if self.goal.target:
                    return f"{as_good} parameters reach {self._target()}.", sentences
                return f"{as_good} parameters are enough.", sentences

    def _target(self) -> str:
        assert self.goal.target is not None
        return self.words.reached(self.goal.target)

    def _not_reached(self, what: str, found: Answer) -> str:
        which = f"no {what} within the limits" if found.is_limited else f"no {what} run"
        return f"{which} reaches {self._target()}"

    def _reached(self, cell: Cell) -> str:
        seeds = len(cell.seeds)
        words = f"{self.words.reached(cell.error)} over {seeds} seed{'s' * (seeds != 1)}"
        if not cell.failures:
            return words
        if len(cell.trained) == seeds:
            return f"{words}, of which {cell.failures} failed to train"
        return f"{words}, less {cell.failures} that failed to train"

    def _compared(self, cell: Cell, difference: Difference) -> str:
        """Return "4k is worse by 1.2 points [0.4, 2.0]"."""
        side = "worse" if difference.mean > 0 else "better"
        by = self.words.size_of(difference.mean, difference.interval)
        failed = f" ({cell.failures} of {len(cell.seeds)} seeds failed)" if cell.failures else ""
        return f"{cell.label}{failed} is {side} by {by}"

    def _with_best(self, cell: Cell, found: Answer) -> str:
        return self._compared(cell, found.comparisons[cell])

    def _as_good(self, found: Answer) -> str:
        if self.goal.target:
            return f"{self._with_best(found.as_good, found)} than the target."
        if found.as_good is found.best:
            return "No smaller size is as good."
        return (
            f"{self._with_best(found.as_good, found)} than the best, which rules out being worse "
            f"by more than {self.words.margin(found.margin)}."
        )

    def _at_edge(self, found: Answer) -> list[str]:
        cells = listed([self._with_best(cell, found) for cell in found.at_edge])
        edge = self.words.margin(found.margin)
        return [f"{cells}: at the edge of {edge}, to be taken or left."] if cells else []

    def _undecided(self, found: Answer) -> str:
        words = []
        others = [cell for cell in found.undecided if cell is not found.best or self.goal.target]
        doubted = [cell for cell in others if found.comparisons[cell].low > found.margin]
        alike = [cell for cell in others if found.comparisons[cell].high <= found.margin]
        others = [cell for cell in others if cell not in doubted + alike]
        if doubted:
            cells = listed([self._with_best(cell, found) for cell in doubted[:4]])
            words.append(f"{cells}, but not shown to be so than each that may be the best.")
        if alike:
            cells = listed([self._with_best(cell, found) for cell in alike[:4]])
            words.append(f"{cells}: as good, but not as each that may be the best.")
        if others:
            cells = listed([self._with_best(cell, found) for cell in others[:4]])
            within = f" (within {self.words.margin(found.margin)})" if found.margin else ""
            words.append(f"{cells}: not shown to be worse, nor to be as good{within}.")
        luck = found.comparisons[found.best].interval
        if found.best in found.undecided and not self.goal.target and luck:
            upto = self.words.margin(luck.high)
            words.append(f"The best may be so by luck: another may be better by up to {upto}.")
        if found.wanted is None:
            instead = "" if self.goal.target else ": accept a larger difference"
            words.append(f"No {MOST_SEEDS} seeds would tell{instead}.")
        elif found.wanted.test_samples > 1:
            words.append(
                f"Seeds alone would not tell; about {found.wanted.seeds} seeds each with "
                f"{found.wanted.test_samples} times the test samples would."
            )
        else:
            words.append(f"About {found.wanted.seeds} seeds each would tell.")
        return " ".join(words)

    def _growth(self, grown: Growth) -> str:
        verb = "lowered" if grown.bought >= 0 else "raised"
        known = {cost: ratio for cost, ratio in grown.factors.items() if ratio == ratio}
        costs = [f"{factor(ratio)} the {cost.words}" for cost, ratio in known.items()]
        return (
            f"Growing from {size(grown.smallest.parameters)} to {size(grown.largest.parameters)} "
            f"{verb} {self.words.test} from {self.words.value(grown.before)} to "
            f"{self.words.value(grown.after)}, by "
            f"{self.words.size_of(grown.bought, grown.interval)}, for {listed(costs)}."
        )
