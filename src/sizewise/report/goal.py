"""What is good enough: how much worse than the best, or which error, and at which cost."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sizewise.errors import UserError
from sizewise.records import Measure
from sizewise.report.cells import LATENCY, MODEL_BYTES, TRAINING_TIME, Cell, Cost

UNITS = {"": 1.0, "us": 1e-3, "ms": 1.0, "s": 1e3, "B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9}
EXAMPLES = {  # the config's keys, whose schema has the same forms
    "tolerance": "answer.tolerance=0.5 (points) or answer.tolerance=10% (of the best's error)",
    "target": "answer.target=3%",
    "latency": "answer.latency=2ms",
    "bytes": "answer.bytes=50kB",
}


@dataclass(frozen=True)
class Goal:
    """What is good enough.

    Args:
        tolerance: how much worse than the best is as good.
        relative: whether that is a share of the best's error.
        target: an error to reach, in place of the best's.
        limits: the most that a model may cost.
    """

    tolerance: float
    relative: bool = False
    target: float | None = None
    limits: Mapping[Cost, float] = field(default_factory=dict)

    def margin(self, best: Cell) -> float:
        """Return how much worse than `best` is as good."""
        return self.tolerance * best.error if self.relative else self.tolerance

    def gain(self, best: Cell) -> float:
        """Return what a doubling has to buy to pay: the margin, also where there is a target."""
        return self.margin(best) or self.tolerance

    def allows(self, cell: Cell) -> bool:
        """Return whether no cost of a cell that is known is above its limit."""
        return not any(cell.cost(cost) > most for cost, most in self.limits.items())


def read_goal(
    measure: Measure,
    tolerance: str | float | None = None,
    target: str | float | None = None,
    latency: str | None = None,
    bytes: str | int | None = None,
    train_seconds: float | None = None,
) -> Goal:
    """Return the goal that is put in words: see `EXAMPLES`.

    Args:
        measure: of the runs. Where it is a share, numbers are points, in percent.
        tolerance: None takes the measure's own.
        target: None compares with the best.
        latency: of one sample.
        bytes: of the file.
        train_seconds: of one run.

    Raises:
        UserError: one of them can't be read.
    """
    scale = 0.01 if measure.unit == "%" else 1.0
    limits = {}
    for cost, key, given, units in (
        (LATENCY, "latency", latency, ("us", "ms", "s")),
        (MODEL_BYTES, "bytes", bytes, ("", "B", "kB", "MB", "GB")),
    ):
        if given is not None:
            number, unit = _parts(key, given)
            if unit not in units:
                raise _unreadable(key, given)
            limits[cost] = number * UNITS[unit]
    if train_seconds is not None:
        if not (0 < train_seconds < math.inf):
            raise UserError(
                f"answer.train_seconds={train_seconds:g} is no limit: expected a number of seconds "
                "above 0, as 60"
            )
        limits[TRAINING_TIME] = train_seconds
    reach = None
    if target is not None:
        number, unit = _parts("target", target)
        if unit not in ("", "%") or (unit == "%" and scale == 1):
            raise _unreadable("target", target)
        reach = number * scale
    if tolerance is None:
        return Goal(measure.tolerance, measure.relative, reach, limits)
    number, unit = _parts("tolerance", tolerance)
    if unit not in ("", "%"):
        raise _unreadable("tolerance", tolerance)
    relative = unit == "%"
    return Goal(number * (0.01 if relative else scale), relative, reach, limits)


def _parts(key: str, given: str | float) -> tuple[float, str]:
    found = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*([A-Za-z%]*)\s*", str(given))
    if not found or float(found[1]) <= 0:
        raise _unreadable(key, given)
    return float(found[1]), found[2]


def _unreadable(key: str, given: object) -> UserError:
    return UserError(f"answer.{key}={given} can't be read: expected as in {EXAMPLES[key]}")
