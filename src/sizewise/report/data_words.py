"""Deep learning against classical, in words and as a table."""

import math

from sizewise.report.bootstrap import CONFIDENCE, Interval
from sizewise.report.data_sizes import Amount, Crossing, DataSizes, Overtaking
from sizewise.report.select import Cell
from sizewise.report.words import percent, percent_interval, points, quantity, size

TRAINING = "cost/train_seconds"


def crossing_headline(found: DataSizes) -> str:
    """Return the answer: where the networks overtake, or that they don't, or that it can't tell."""
    crossing, amounts = found.crossing, found.amounts
    largest = size(amounts[-1].samples)
    match crossing.kind:
        case Overtaking.ONE_KIND:
            return (
                f"{len(amounts)} amounts of training samples, but not networks and classical "
                "families at two of them: nothing to cross."
            )
        case Overtaking.CROSSES:
            place = f"about {size(crossing.place or 0)} training samples"
            if crossing.interval is None:
                return f"Deep learning overtakes at {place}, but one seed can't say how surely."
            place += f" {_interval(crossing.interval, amounts)}"
            sure = math.isfinite(crossing.interval.high)
            return (
                f"Deep learning overtakes classical at {place}."
                if sure
                else f"Can't tell: deep learning may overtake classical at {place}."
            )
        case Overtaking.NETWORKS:
            if crossing.always >= CONFIDENCE:
                return f"Deep learning is ahead from {size(amounts[0].samples)} samples on."
            return "Deep learning is ahead at every amount run, but seeds leave that open."
        case Overtaking.CLASSICAL:
            if crossing.never >= CONFIDENCE:
                return f"No crossing: classical is ahead up to {largest} training samples."
            return f"Can't tell whether deep learning overtakes within {largest} training samples."


def crossing_sentences(found: DataSizes) -> list[str]:
    """Return what backs the headline: the champions at each amount, and how sure the answer is."""
    crossing = found.crossing
    sentences = [
        _champions(amount, crossing)
        for amount in found.amounts
        if amount.network or amount.classical
    ]
    if crossing.place is not None:
        place = crossing.place
        below, above = (
            max(each for each in crossing.amounts if each <= place),
            min(each for each in crossing.amounts if each >= place),
        )
        sentences.append(
            f"Between {below:,.0f} and {above:,.0f} nothing was run: the place is where two power "
            "laws through the means meet, and its interval is over seeds, not over that form."
        )
    if crossing.intervals is not None:
        sentences.append(
            f"Over resampled seeds, networks are ahead at every amount in {crossing.always:.0%}, "
            f"and not ahead at the largest in {crossing.never:.0%}."
        )
    sentences.append(
        "Each family stands by its best size at each amount, by validation; the champions are "
        "chosen so too. Seconds are those of the champion's own training, features included, "
        "without the search for its settings."
    )
    return sentences


def amount_rows(found: DataSizes) -> list[dict[str, str]]:
    """Return each family's numbers at each amount as text by the name of their column."""
    return [
        {
            "training samples": f"{amount.samples:,}",
            "family": cell.label,
            "seeds": str(len(cell.seeds)),
            "test error": percent(cell.test_errors.mean()),
            "90% interval": percent_interval(interval) if interval else "–",
            "validation error": percent(cell.validation_errors.mean()),
            "training time": quantity(cell.cost(TRAINING), "s"),
        }
        for amount in found.amounts
        for cell, interval in zip(amount.cells, amount.intervals, strict=True)
    ]


def _champions(amount: Amount, crossing: Crossing) -> str:
    words = f"At {amount.samples:,}: "
    words += " against ".join(
        _champion(cell) for cell in (amount.network, amount.classical) if cell is not None
    )
    at = (
        list(crossing.amounts).index(amount.samples) if amount.samples in crossing.amounts else None
    )
    if at is None:
        return f"{words}."
    difference = float(crossing.differences[at])
    ahead = "classical" if difference > 0 else "deep"
    words += f"; {ahead} is ahead by {points(abs(difference))} points"
    if crossing.intervals is None:
        return f"{words}."
    interval = crossing.intervals[at]
    if difference <= 0:
        interval = Interval(-interval.high, -interval.low)
    return f"{words} [{points(interval.low)}, {points(interval.high)}]."


def _champion(cell: Cell) -> str:
    seconds = quantity(cell.cost(TRAINING), "s")
    return f"{cell.label} {percent(cell.test_errors.mean())} ({seconds})"


def _interval(interval: Interval, amounts: list[Amount]) -> str:
    low = size(interval.low) if interval.low > 0 else f"below {size(amounts[0].samples)}"
    high = size(interval.high) if math.isfinite(interval.high) else "beyond the largest"
    return f"[{low}, {high}]"
