"""How numbers are put in words, the same in every part of the report."""

import math
from collections.abc import Callable
from typing import NamedTuple

from sizewise.records import ERROR, Measure, readable_count
from sizewise.report.cells import Setting
from sizewise.report.stats.errors import Interval


class MeasureWords(NamedTuple):
    """How values of a measure, and differences between them, are put in words."""

    measure: Measure

    @property
    def is_share(self) -> bool:
        """Return whether values are 0..1, said in percent and their differences in points."""
        return self.measure.unit == "%"

    @property
    def unit(self) -> str:
        """Return what differences are counted in: points, or bits."""
        return "points" if self.is_share else self.measure.unit

    @property
    def scale(self) -> int:
        """Return what a difference is multiplied by to be in `unit`."""
        return 100 if self.is_share else 1

    @property
    def test(self) -> str:
        """Return what the test set measures, in words: test error."""
        return f"test {self.measure.name}"

    @property
    def definition(self) -> str:
        """Return what the measure is, as far as it is known here."""
        return "Error is 1 - accuracy. " if self.measure == ERROR else ""

    def value(self, value: float) -> str:
        """Return a value: 8.4%, or 2.153 bits."""
        return f"{100 * value:.1f}%" if self.is_share else self.measure.shown(value)

    def reached(self, value: float) -> str:
        """Return what a model reaches: 8.4% test error, or test bits per byte of 2.153 bits."""
        if self.is_share:
            return f"{self.value(value)} {self.test}"
        return f"{self.test} of {self.value(value)}"

    def values(self, interval: Interval) -> str:
        """Return an interval of values: [7.9%, 8.9%]."""
        return f"[{self.value(max(0.0, interval.low))}, {self.value(interval.high)}]"

    def number(self, difference: float) -> str:
        """Return a difference without its unit: 1.3."""
        return f"{100 * difference:.1f}" if self.is_share else self.measure.number(difference)

    def difference(self, difference: float, interval: Interval | None = None) -> str:
        """Return a difference, with its interval if there is one: 1.3 points [0.9, 1.7]."""
        if math.isnan(difference):
            return "unknown"
        words = f"{self.number(difference)} {self.unit}".rstrip()
        if interval is None:
            return words
        return f"{words} [{self.number(interval.low)}, {self.number(interval.high)}]"

    def size_of(self, difference: float, interval: Interval | None) -> str:
        """Return a difference without its sign, and its interval turned likewise."""
        if difference < 0 and interval:
            interval = interval.turned()
        return self.difference(abs(difference), interval)

    def counted(self, column: str) -> str:
        """Return a column's name with the unit of its differences: gap (points)."""
        return f"{column} ({self.unit})" if self.unit else column

    def margin(self, tolerance: float) -> str:
        """Return a tolerance: 1 point, 0.5 points, 0.02 bits."""
        number = f"{tolerance * self.scale:.3g}"
        return f"{number} {'point' if number == '1' and self.is_share else self.unit}".rstrip()


SHARES = MeasureWords(ERROR)  # how shares of runs are put in words


def factor(ratio: float) -> str:
    """Return a ratio: 0.045×, 3.2×, 64×."""
    if ratio < 0.95:
        return f"{ratio:.2g}×"
    return f"{ratio:.0f}×" if ratio >= 9.95 else f"{ratio:.1f}×"


def duration(seconds: float) -> str:
    """Return a time: 40 seconds, 3 minutes, 1.5 hours."""
    if seconds < 100:
        count = max(1, round(seconds))
        return f"{count} second{'s' * (count != 1)}"
    if seconds < 100 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.3g} hours"


def size(parameters: float) -> str:
    """Return a number of parameters: 13.4k."""
    return readable_count(round(parameters)) if parameters < 1e12 else f"{parameters:.0e}"


def sizes(interval: Interval) -> str:
    """Return an interval of sizes: [11.2k, 16k]."""
    return f"[{size(interval.low)}, {size(interval.high)}]"


def numbers(interval: Interval) -> str:
    """Return an interval of plain numbers, open where the range searched ended: [0.41, 0.55]."""
    if math.isinf(interval.high):
        return f"above {interval.low:.2f}"
    return f"[{interval.low:.2f}, {interval.high:.2f}]"


def followed(text: str, interval: Interval | None, words: Callable[[Interval], str]) -> str:
    """Return `text` with its interval after it, if there is one."""
    return f"{text} {words(interval)}" if interval else text


def listed(words: list[str], last: str = "and") -> str:
    """Return words as a phrase: a, b and c."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def quantity(value: float, unit: str = "") -> str:
    """Return a cost in three figures with its unit: 12.3 s, 4.56M, 258 kB."""
    if not math.isfinite(value):
        return "–"
    if unit in ("s", "ms"):
        return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.3g} {unit}"
    count = f"{value / 1e9:.3g}G" if value >= 999.5e6 else readable_count(round(value))
    if value < 1000:
        count = f"{value:.3g}"
    if not unit:
        return count
    prefix = count[-1] if count[-1].isalpha() else ""
    return f"{count.removesuffix(prefix)} {prefix}{unit}"


def setting_words(setting: Setting) -> str:
    """Return a setting as it is typed: training.learning_rate=0.01."""
    typed = {None: "null", True: "true", False: "false"}
    return " ".join(
        f"{key}={typed[value] if value is None or value is True or value is False else value}"
        for key, value in setting
    )
