"""How long a run will take: FLOPs, and what a step was seen to take on this machine."""

import bisect
import math
from collections import defaultdict
from statistics import median

BESIDE = 2.0  # seconds of a run that are not training, before any was seen: data, scores, tracking


class Forecast:
    """Learns from each run that it is told of.

    A step's seconds lie between those of the networks that take less and more work, on the straight
    line between the logarithms of both; beyond the largest seen they grow with the work. A step on
    noise counts for as much more or less as the family's real ones took where both are known.
    """

    def __init__(self) -> None:
        self._steps: defaultdict[tuple[str, float], list[float]] = defaultdict(list)
        self._trials: dict[tuple[str, float], float] = {}
        self._beside: list[float] = []

    def try_out(self, family: str, work: float, seconds: float) -> None:
        """Take in what a step of so much work took on noise; a real run takes its place."""
        self._trials[family, work] = seconds

    def see(self, family: str, work: float, step: float, beside: float) -> None:
        """Take in a run: the seconds of each of its steps, and those that were not training."""
        self._steps[family, work].append(step)
        self._beside.append(beside)

    @property
    def beside(self) -> float:
        """Return the seconds of a run that are not training."""
        return median(self._beside) if self._beside else BESIDE

    def seconds(self, family: str, work: float, steps: int) -> float:
        """Return what a whole run takes.

        Args:
            family: of which something was seen, or tried out.
            work: of a step, in FLOPs.
            steps: of its training.
        """
        return self.beside + steps * self._of_step(family, work)

    def reaches(self, family: str, work: float) -> bool:
        """Return whether as much work was seen or tried out."""
        return any(name == family and work <= known for name, known in self._trials | self._steps)

    def _of_step(self, family: str, work: float) -> float:
        tried = {w: s for (name, w), s in self._trials.items() if name == family}
        seen = {w: median(s) for (name, w), s in self._steps.items() if name == family}
        ratios = [seen[each] / tried[each] for each in seen.keys() & tried.keys()]
        factor = median(ratios) if ratios else 1.0
        known = {each: factor * seconds for each, seconds in tried.items()} | seen
        if work in known:
            return known[work]
        ordered = sorted(known)
        at = bisect.bisect(ordered, work)
        if at == 0:
            return known[ordered[0]]
        below = ordered[at - 1]
        if at == len(ordered):
            return known[below] * work / below
        above = ordered[at]
        share = math.log(work / below) / math.log(above / below)
        between = (1 - share) * math.log(known[below]) + share * math.log(known[above])
        return math.exp(between)
