"""From which share of wrong labels on does a small network beat a large one?

Of each family the largest size stands against the smaller one that validation, whose labels are
right, finds best at the most noise, in pairs of seeds: a seed's wrong labels are wrong for all
sizes, and at more noise too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from sizewise.records import RunRecord
from sizewise.report.cells import Cell, best_by_validation
from sizewise.report.conditions import NOISE, NOISE_KIND, levels
from sizewise.report.section import Section, Table
from sizewise.report.stats.crossing import crossing_of, draw_crossing
from sizewise.report.stats.differences import in_pairs, size_errors
from sizewise.report.stats.errors import CONFIDENCE, Interval
from sizewise.report.studies.levels import Level, by_size, enough_rows
from sizewise.report.tables import Row
from sizewise.report.words import MeasureWords

COLUMN = "wrong labels"
KINDS = {
    None: "any other class, each as likely",
    "pairs": "always the next class",
    "uniform": "drawn from all classes, so that some are right",
}
KEPT = {
    "last": "Training went on to its end: no validation chose the epoch.",
    "best": "Validation, whose labels are right, chose the epoch: with wrong ones there too it "
    "would choose less well.",
}


@dataclass(frozen=True)
class Duel:
    """A small network against the largest of its family, as the share of wrong labels grows.

    Args:
        small, large: of the level with the most noise.
        shares: of wrong labels, ascending, (A,).
        differences: the small one's mean test error less the large one's, (A,).
        intervals: theirs, 90 %; None where a pair of seeds is lacking.
        place: the share from which on the small one is ahead; see `crossing_of`.
        interval: of the place; None with `intervals`.
        never, always: the shares of draws in which the small one is not ahead at the most noise,
            and is ahead at every share; NaN without intervals.
    """

    small: Cell
    large: Cell
    shares: np.ndarray
    differences: np.ndarray
    intervals: Sequence[Interval | None] | None
    place: float
    interval: Interval | None = None
    never: float = math.nan
    always: float = math.nan

    @property
    def is_lost(self) -> bool:
        """Return whether the small one is not ahead up to the most noise, as far as seeds tell."""
        return self.never >= CONFIDENCE

    @property
    def is_told(self) -> bool:
        """Return whether there is a place from which on it is ahead, and its interval ends."""
        found = math.isfinite(self.place) and not self.is_lost
        return found and self.interval is not None and math.isfinite(self.interval.high)

    def sentence(self) -> str:
        """Return what came of it."""
        small, large, most = self.small.label, self.large.label, percent(self.shares[-1])
        if self.interval is None:
            return f"One seed can't say from which share of wrong labels on {small} beats {large}."
        if self.is_lost:
            return f"Up to {most} wrong labels {small} does not beat {large}."
        if self.always >= CONFIDENCE:
            return f"{small} beats {large} at every share of wrong labels run."
        if math.isinf(self.place):
            return f"Can't tell whether {small} beats {large} at any share up to {most}."
        place = f"{percent(self.place, 2)} wrong labels on {shares(self.interval)}"
        if not self.is_told:
            return f"Can't tell: {small} may beat {large} from {place}."
        return f"From {place} {small} beats {large}."


def section(records: Sequence[RunRecord]) -> Section | None:
    """Return the study of usable runs; None where one share of wrong labels was run."""
    found = duels(records)
    if not found:
        return None
    said = {kind: " ".join(duel.sentence() for duel in fought) for kind, _, fought in found}
    kept = "last" if records[0].config.get("training.keep") == "last" else "best"
    tables = []
    for _, levels_of_noise, fought in found:
        tables.append(Table(enough_rows(levels_of_noise, COLUMN)))
        tables.append(Table([row for duel in fought for row in _rows(duel)]))
    return Section(
        title=found[0][2][0].sentence(),
        sentences=[
            *(f"Wrong labels are {KINDS[kind]}: {words}" for kind, words in said.items()),
            f"{KEPT[kept]} Between two shares the place is interpolated in a straight line.",
        ],
        charts=[
            by_size(
                f"error_by_size_and_{kind or 'symmetric'}_noise",
                each,
                COLUMN,
                where=f", where wrong labels are {KINDS[kind]}",
            )
            for kind, each, _ in found
        ],
        tables=tables,
        cells=[
            cell
            for _, each, _ in found
            for level in each
            for cells in level.families.values()
            for cell in cells
        ],
    )


def duels(records: Sequence[RunRecord]) -> list[tuple[str | None, list[Level], list[Duel]]]:
    """Return for each kind of noise its levels, least first, and the duel of each family."""
    clean, *noisy = reversed(levels(records, NOISE, NOISE_KIND))
    found = []
    for kind in sorted({runs[0].config.get(NOISE_KIND) for runs in noisy}, key=str):
        groups = [clean, *(runs for runs in noisy if runs[0].config.get(NOISE_KIND) == kind)]
        groups.sort(key=_share)
        run = [Level(percent(_share(runs)), _share(runs), runs) for runs in groups]
        fought = [duel for family in run[0].families if (duel := fight(run, family))]
        if fought:
            found.append((kind, run, fought))
    return found


def fight(levels: Sequence[Level], family: str) -> Duel | None:
    """Return the duel of a family over levels of noise; None where it lacks sizes."""
    sizes = [{cell.parameters: cell for cell in level.families.get(family, [])} for level in levels]
    common = sorted(set.intersection(*map(set, sizes)))
    if len(common) < 2 or len(levels) < 2:
        return None
    large = sizes[-1][common[-1]]
    small = best_by_validation(sizes[-1][each] for each in common[:-1])
    both = [(each[small.parameters], each[large.parameters]) for each in sizes]
    places = np.array([level.place for level in levels])
    differences = np.array([one.error - other.error for one, other in both])
    place = float(crossing_of(places, differences))
    pairs = [in_pairs(one.by_seed, other.by_seed) for one, other in both]
    if min(len(each.seeds) for each in pairs) < 2:
        return Duel(small, large, places, differences, None, place)
    sweep = size_errors([small.parameters] * len(pairs), pairs)
    drawn = draw_crossing(sweep, partial(crossing_of, places))
    return Duel(small, large, places, differences, drawn.differences, place, *drawn[1:])


def percent(share: float, digits: int = 3) -> str:
    """Return a share: 12.5%."""
    return f"{100 * share:.{digits}g}%"


def shares(interval: Interval) -> str:
    """Return an interval of shares: [9%, 15%], or with an open end."""
    low, high = interval
    first = percent(low, 2) if low > -math.inf else "the least run"
    last = percent(high, 2) if high < math.inf else "beyond the most run"
    return f"[{first}, {last}]"


def _share(runs: Sequence[RunRecord]) -> float:
    return runs[0].config.get(NOISE) or 0.0


def _rows(duel: Duel) -> list[Row]:
    words = MeasureWords(duel.small.measure)
    intervals = duel.intervals or [None] * len(duel.shares)
    return [
        {
            "small": duel.small.label,
            "large": duel.large.label,
            COLUMN: percent(share),
            words.counted("small less large"): words.difference(float(difference), interval),
        }
        for share, difference, interval in zip(
            duel.shares, duel.differences, intervals, strict=True
        )
    ]
