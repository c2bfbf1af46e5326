"""How numbers are put in words, the same in every part of the report."""

import math

from sizewise.records import readable_count
from sizewise.report.bootstrap import Interval


def percent(share: float) -> str:
    """Return an error or accuracy in percent: 8.4%."""
    return f"{100 * share:.1f}%"


def percent_interval(interval: Interval) -> str:
    """Return an interval of errors in percent: [7.9%, 8.9%]."""
    return f"[{percent(max(0.0, interval.low))}, {percent(interval.high)}]"


def points(difference: float) -> str:
    """Return a difference between errors in percentage points: 1.3."""
    return f"{100 * difference:.1f}"


def points_interval(interval: Interval) -> str:
    """Return an interval of differences in percentage points: [0.9, 1.7]."""
    return f"[{points(interval.low)}, {points(interval.high)}]"


def margin(tolerance: float) -> str:
    """Return a tolerance in percentage points: 1 point, 0.5 points."""
    return f"{100 * tolerance:g} point{'s' * (round(100 * tolerance, 9) != 1)}"


def factor(ratio: float) -> str:
    """Return a ratio: 3.2×, 64×."""
    return f"{ratio:.0f}×" if ratio >= 9.95 else f"{ratio:.1f}×"


def size(parameters: float) -> str:
    """Return a number of parameters: 13.4k."""
    return readable_count(round(parameters)) if parameters < 1e12 else f"{parameters:.0e}"


def size_interval(interval: Interval) -> str:
    """Return an interval of sizes: [11.2k, 16k]."""
    return f"[{size(interval.low)}, {size(interval.high)}]"


def number_interval(interval: Interval) -> str:
    """Return an interval of plain numbers, open where the range searched ended: [0.41, 0.55]."""
    if math.isinf(interval.high):
        return f"above {interval.low:.2f}"
    return f"[{interval.low:.2f}, {interval.high:.2f}]"


def listed(words: list[str]) -> str:
    """Return words as a phrase: a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


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
