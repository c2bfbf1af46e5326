"""How big does it need to be: the answer, or what is missing for one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from sizewise.report.cells import Cell, best_by_validation, cells_errors
from sizewise.report.goal import Goal
from sizewise.report.stats.differences import Difference, compare, difference
from sizewise.report.stats.errors import CONFIDENCE, Interval

LOOKS = 5  # at most, of a sweep that goes on until it is told
MOST_SEEDS = 50  # that anyone is told to run
TEST_SAMPLES = (1, 2, 4, 8, 16, 32)  # as many times as many, tried in turn


class Kind(Enum):
    """What can be said about a group of cells."""

    ANSWER = "answer"
    SMALLER_SIZES = "the smallest size run is as good as the best"
    LARGER_SIZES = "the error still falls at the largest size"
    MORE_SEEDS = "not every smaller size is told from the best"
    ONE_SEED = "one seed at each size"
    ONE_SIZE = "one size"
    NOT_REACHED = "no size reaches the target"
    OVER_LIMITS = "no size is within the limits"
    NONE_TRAINED = "no size trained"


# Those in which the smallest cell that is enough is known, or the smallest so far.
TOLD = (Kind.ANSWER, Kind.SMALLER_SIZES, Kind.MORE_SEEDS)


class Wanted(NamedTuple):
    """What would decide between the cells that are undecided, were nothing else to change.

    Args:
        seeds: of each cell, in all.
        test_samples: how many times as many as now.
    """

    seeds: int
    test_samples: int


@dataclass(frozen=True)
class Answer:
    """The smallest cell not worse than the best, of one family or of all.

    A cell is *as good* if the interval of its error less the best's ends at most at the tolerance;
    *worse* if the interval begins above the tolerance; *at the edge* if it lies within a quarter of
    the tolerance to either side of its end; undecided otherwise. So by 90 % intervals a cell at the
    tolerance's very end is called the one or the other by mistake in 5 % of sweeps each. The best
    by validation may be a lucky one: it is itself as good if no other is better by more than the
    tolerance, and a cell is as good or worse only if it is so beside each rival, too.

    Args:
        kind: what can be said.
        best: the best by validation.
        comparisons: of every cell with the best, or with the target, by size.
        as_good: the smallest cell shown to be as good, and the answer if nothing is undecided; the
            best where none is shown to reach a target.
        undecided: cells smaller than `as_good` of which nothing is shown, by size.
        at_edge: those that are at the edge: to be taken or left.
        rivals: cells that are not shown to be worse than the best at all, so may be the best.
        is_limited: whether larger cells are beyond the goal's limits.
        margin: how much worse is as good; 0 where a target is to be reached.
        wanted: what would decide; None where nothing is undecided, or nothing within reach would.
    """

    kind: Kind
    best: Cell
    comparisons: dict[Cell, Difference]
    as_good: Cell
    undecided: list[Cell]
    margin: float
    wanted: Wanted | None = None
    at_edge: Sequence[Cell] = ()
    rivals: Sequence[Cell] = ()
    is_limited: bool = False

    @property
    def is_shown(self) -> bool:
        """Return whether any cell is shown to be good enough: no target may be reached yet."""
        return self.kind in TOLD and self.as_good not in self.undecided

    def spares_seeds(self, factor: float) -> bool:
        """Return whether fewer seeds may tell with so many times the test samples."""
        if self.kind is not Kind.MORE_SEEDS:
            return False
        undecided = [self.comparisons[cell] for cell in self.undecided]
        now, then = (_seeds_needed(undecided, self.margin, each) for each in (1, factor))
        return now is None or (then is not None and then < now)

    @property
    def open_rivals(self) -> list[Cell]:
        """Return the rivals beside which something undecided is in doubt."""
        found = []
        for index, rival in enumerate(self.rivals):
            doubts = [
                self.comparisons[cell].rivals[index]
                for cell in self.undecided
                if cell is not self.best
            ]
            may_beat = self.comparisons[rival].low < -self.margin
            if (self.best in self.undecided and may_beat) or any(
                each.low <= self.margin < each.high for each in doubts
            ):
                found.append(rival)
        return found

    def at(self, margin: float) -> "Answer":
        """Return the answer by the same comparisons, were another difference as good."""
        if not self.comparisons:
            return self
        return _judge(self.best, self.comparisons, margin, self.rivals, is_limited=self.is_limited)

    def below(self, cell: Cell, share: float = 1.0) -> Cell | None:
        """Return the largest of a cell's family below it, of at most a share of its parameters."""
        smaller = [
            each
            for each in self.comparisons
            if each.family == cell.family
            and each.parameters < cell.parameters
            and each.parameters <= share * cell.parameters
        ]
        return smaller[-1] if smaller else None


def look_confidence() -> float:
    """Return the confidence of intervals that are looked at up to `LOOKS` times.

    Their error is divided over the looks (Bonferroni), so that all together they err as one does.
    """
    return 1 - (1 - CONFIDENCE) / LOOKS


def compared(
    cells: Sequence[Cell], reference: Cell, confidence: float = CONFIDENCE
) -> dict[Cell, Difference]:
    """Compare each of `cells` with `reference`, in their order."""
    everyone = [*cells] if reference in cells else [*cells, reference]
    found = compare(
        [cell.parameters for cell in everyone],
        [cell.by_seed for cell in everyone],
        everyone.index(reference),
        confidence,
    )
    return dict(zip(cells, found, strict=False))


def answer(cells: Sequence[Cell], goal: Goal, confidence: float = CONFIDENCE) -> Answer:
    """Return the answer for cells of one family or of several.

    Args:
        cells: what is compared.
        goal: what is good enough; cells beyond its limits are left out.
        confidence: of the intervals; higher where the answer is looked at more than once.
    """
    everyone = sorted(cells, key=lambda cell: cell.parameters)
    cells = [cell for cell in everyone if goal.allows(cell)]
    if not cells:
        return Answer(Kind.OVER_LIMITS, everyone[0], {}, everyone[0], [], 0.0)
    best = best_by_validation(cells)
    is_limited = everyone[-1] not in cells
    if all(cell.failures == len(cell.records) for cell in cells):
        return Answer(Kind.NONE_TRAINED, best, {}, best, [], 0.0)
    if goal.target is None:
        found, rivals = _with_rivals(best, compared(cells, best, confidence), confidence)
        return _judge(best, found, goal.margin(best), rivals, is_limited=is_limited)
    return _judge(best, against(cells, goal.target, confidence), 0.0, is_limited=is_limited)


def _with_rivals(
    best: Cell, comparisons: dict[Cell, Difference], confidence: float
) -> tuple[dict[Cell, Difference], list[Cell]]:
    """Return the comparisons, each with those to the rivals, and these: they may be the best.

    The best by validation may be a lucky one. Its own comparison is how much better another is.
    """
    others = {cell: d for cell, d in comparisons.items() if cell is not best and d.interval}
    if not others:
        return comparisons, []
    rivals = [cell for cell, each in others.items() if each.low <= 0]
    found = dict(comparisons)
    for rival in rivals:
        for cell, each in compared([*comparisons], rival, confidence).items():
            found[cell] = found[cell]._replace(rivals=(*found[cell].rivals, each))
    luckiest = min(others.values(), key=lambda each: each.low)
    surely = min(each.high for each in others.values())
    by = Interval(max(0.0, -surely), max(0.0, -luckiest.low))
    own = luckiest._replace(mean=-luckiest.mean, interval=by)
    return found | {best: own}, rivals


def _judge(
    best: Cell,
    comparisons: dict[Cell, Difference],
    margin: float,
    rivals: Sequence[Cell] = (),
    *,
    is_limited: bool = False,
) -> Answer:
    cells = list(comparisons)
    as_good = next((cell for cell in cells if comparisons[cell].is_as_good(margin)), None)
    smaller = cells if as_good is None else cells[: cells.index(as_good)]
    unlike = [cell for cell in smaller if not comparisons[cell].is_worse(margin)]
    at_edge = [cell for cell in unlike if comparisons[cell].is_at_edge(margin)]
    undecided = [cell for cell in unlike if cell not in at_edge]
    found = Answer(Kind.ANSWER, best, comparisons, as_good or best, undecided, margin)
    found = replace(found, at_edge=at_edge, rivals=rivals, is_limited=is_limited)
    if as_good is None and not undecided:
        return replace(found, kind=Kind.NOT_REACHED)
    found = replace(found, kind=_kind(found))
    if found.kind is not Kind.MORE_SEEDS:
        return found
    return replace(found, wanted=_wanted([comparisons[cell] for cell in undecided], margin))


def _wanted(undecided: Sequence[Difference], tolerance: float) -> Wanted | None:
    """Return the fewest seeds that decide each, with as few more test samples as will do."""
    for factor in TEST_SAMPLES:
        if (seeds := _seeds_needed(undecided, tolerance, factor)) is not None:
            return Wanted(seeds, factor)
    return None


def _seeds_needed(undecided: Iterable[Difference], tolerance: float, factor: float) -> int | None:
    """Return the fewest seeds that decide each, with so many times the test samples."""
    scaled = [each.with_test_samples(factor) for each in undecided]
    needed = [each.seeds_needed(tolerance, MOST_SEEDS) for each in scaled]
    known = [each for each in needed if each is not None]
    return max(known) if len(known) == len(needed) else None


def against(cells: Sequence[Cell], target: float, confidence: float) -> dict[Cell, Difference]:
    """Compare each of `cells` with an error to reach."""
    errors = cells_errors(cells)
    variances, degrees = errors.noise
    rows = zip(
        *(errors.means - target, variances, degrees, errors.covariance.diagonal()),
        *(errors.half_widths(confidence), errors.counts),
        strict=True,
    )
    return {cell: difference(confidence, *row) for cell, row in zip(cells, rows, strict=True)}


def _kind(found: Answer) -> Kind:
    cells = list(found.comparisons)
    has_target = not found.margin
    if len(cells) == 1 and not found.is_limited and not (has_target and not found.undecided):
        return Kind.ONE_SIZE
    if any(each.interval is None for each in found.comparisons.values()):
        return Kind.ONE_SEED
    half = found.below(found.best, 0.5)
    falls = found.best is cells[-1] and half and found.comparisons[half].is_worse(found.margin)
    if falls and not has_target and not found.is_limited:  # else it need not grow on, or may not
        return Kind.LARGER_SIZES
    if found.undecided:
        return Kind.MORE_SEEDS
    return Kind.SMALLER_SIZES if found.as_good is cells[0] else Kind.ANSWER
