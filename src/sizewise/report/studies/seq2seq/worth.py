"""What attention is worth in parameters: a ratio of sizes at which both ways err as often.

That is as often as the one that errs more at its best, or the tolerance, where both get below it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sizewise.report.cells import Cell, cells_errors
from sizewise.report.stats.crossing import DRAWS
from sizewise.report.stats.errors import TAILS, Interval
from sizewise.report.stats.noise import Array
from sizewise.report.studies.levels import Level
from sizewise.report.words import MeasureWords

PLAIN, ATTENDING = "seq2seq", ("_dot", "_additive")
HOLDS = 0.01  # errors up to this: a network can do it


@dataclass(frozen=True)
class Worth:
    """How many times fewer parameters attention needs at a length.

    Args:
        plain, attending: the families' cells, by size.
        length: of the longest sequences learnt.
        error: at which their sizes are compared.
        ratio: of their sizes there; infinite where the smallest with attention is better.
        interval: of it, 90 %; None where a seed is alone.
    """

    plain: Sequence[Cell]
    attending: Sequence[Cell]
    length: int
    error: float
    ratio: float
    interval: Interval | None

    @property
    def most(self) -> float:
        """Return the ratio of the largest size without attention to the smallest with it."""
        return self.plain[-1].parameters / self.attending[0].parameters

    def sentence(self) -> str:
        """Return what came of it."""
        family, where = self.attending[0].family, f"at length {self.length}"
        if self.interval is None:
            return f"One seed can't say what attention ({family}) is worth {where}."
        low, high = (times(each) for each in self.interval)
        error = MeasureWords(self.plain[0].measure).value(self.error)
        if math.isinf(self.interval.low):
            smallest = self.attending[0].label
            return (
                f"Attention is worth more than × {self.most:.2g} parameters {where}: {smallest} "
                f"errs in less than the {error} of {self.plain[-1].label}."
            )
        if 1 in self.interval:
            return (
                f"Can't tell whether attention ({family}) is worth parameters {where}: × "
                f"[{low}, {high}] at {error}."
            )
        ratio = "more than the sizes run tell" if math.isinf(self.ratio) else times(self.ratio)
        return (
            f"Attention ({family}) is worth × {ratio} parameters {where} [{low}, {high}]: so many "
            f"times more are needed without it to err in {error}."
        )


def both_ways(level: Level) -> list[tuple[list[Cell], list[Cell]]]:
    """Return the cells of each family without attention, and of the same with a kind of it."""
    found = []
    for family, cells in level.families.items():
        bare = next((family.removesuffix(each) for each in ATTENDING if family.endswith(each)), "")
        if bare.startswith(PLAIN) and bare in level.families:
            found.append((level.families[bare], cells))
    return found


def worths(level: Level) -> list[Worth]:
    """Return what each kind of attention is worth at a length, against the same without it."""
    return [
        _worth(plain, attending, int(level.place))
        for plain, attending in both_ways(level)
        if len(plain) > 1 < len(attending)
    ]


def _worth(plain: Sequence[Cell], attending: Sequence[Cell], length: int) -> Worth:
    both = [cells_errors(cells) for cells in (plain, attending)]
    error, ratio = (
        float(each[0]) for each in ratio_of_sizes(*((one.sizes, one.means[None]) for one in both))
    )
    if min(len(cell.trained) for cell in (*plain, *attending)) < 2:
        return Worth(plain, attending, length, error, ratio, None)
    drawn = [  # by a seed each: by one, the families' errors would go up and down together
        (one.sizes, one.means + one.deviations(DRAWS, seed)) for seed, one in enumerate(both)
    ]
    low, high = np.quantile(ratio_of_sizes(*drawn)[1], TAILS, method="nearest")
    return Worth(plain, attending, length, error, ratio, Interval(float(low), float(high)))


def ratio_of_sizes(
    plain: tuple[Array, Array], attending: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Return at which error two families are compared, and the ratio of their sizes there, (D,).

    The ratio is infinite where the smallest of the second family errs less, and 0 where that of the
    first does.

    Args:
        plain: sizes (A,) and errors (D, A), without attention.
        attending: the same with it.
    """
    bests = [errors.min(axis=1) for _, errors in (plain, attending)]
    error = np.maximum(np.maximum(*bests), HOLDS)
    one, other = (size_at(sizes, errors, error) for sizes, errors in (plain, attending))
    with np.errstate(invalid="ignore"):  # both at their smallest: nothing is known
        ratio = np.exp(one - other)
    return error, np.where(np.isnan(ratio), 1.0, ratio)


def size_at(sizes: Array, errors: Array, error: Array) -> Array:
    """Return the logarithm of the size at which errors (D, A) are first at most `error` (D,).

    It is minus infinity where the first is, and infinity where none is.
    """
    there = errors <= error[:, None]
    first = there.argmax(axis=1)
    logs, rows = np.log(sizes), np.arange(len(errors))
    before = np.maximum(first - 1, 0)
    above, below = errors[rows, before], errors[rows, first]
    share = (above - error) / np.where(above == below, 1, above - below)
    place = logs[before] + share * (logs[first] - logs[before])
    place = np.where(first == 0, -np.inf, place)
    return np.where(there.any(axis=1), place, np.inf)


def times(ratio: float) -> str:
    """Return a ratio of sizes in words."""
    return "beyond the sizes run" if math.isinf(ratio) else f"{ratio:.3g}"
