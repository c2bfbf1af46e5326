"""Equal training FLOPs, different sizes: which wins at each budget, and what a gain costs.

Winners are chosen by validation and told apart by their test errors, as everywhere. The surface
over size and data is fitted to the test *loss*: an error says little where all samples are wrong.
"""

import math
from collections.abc import Sequence

from sizewise.records import RunRecord
from sizewise.report.cells import LATENCY, MODEL_BYTES, TRAINING_TIME, Cell, Cost, cells_errors
from sizewise.report.section import Section, Table
from sizewise.report.stats.optimum import Optimum
from sizewise.report.studies.compute.charts import best_size_by_budget, loss_by_budget
from sizewise.report.studies.compute.families import (
    LEAST_STEPS,
    SPENT,
    Budget,
    Compute,
    Forecast,
    families_at_budgets,
    fitted_measure,
    flops,
    is_fitted,
    seen_by,
)
from sizewise.report.tables import UNKNOWN, Row, reached
from sizewise.report.verdict import compared
from sizewise.report.words import MeasureWords, listed, numbers, quantity, size, sizes

GAINS = {"%": (0.01, "a point"), "bits": (0.1, "0.1 bits")}  # what the price list is for


def section(records: Sequence[RunRecord]) -> Section | None:
    """Return the study of usable runs; None where no family has two budgets of FLOPs."""
    families = families_at_budgets(records)
    if not families:
        return None
    words = MeasureWords(records[0].measure)
    loss = MeasureWords(fitted_measure(records[0].measure))
    tables = [[row for each in families for row in _winner_rows(each)]]
    tables.append([row for each in families for row in _forecast_rows(each, loss)])
    tables.append([row for each in families for row in _price_rows(each, words)])
    return Section(
        title=" ".join(headline(each) for each in families),
        sentences=[
            *(sentence for each in families for sentence in _sentences(each, loss)),
            *_method(families, loss),
        ],
        charts=[loss_by_budget(families, loss), best_size_by_budget(families)],
        tables=[Table(rows) for rows in tables if rows],
        cells=[cell for each in families for budget in each.budgets for cell in budget.cells],
    )


def headline(found: Compute) -> str:
    """Return whether a family's best size grows with its budget."""
    least, most = found.budgets[0], found.budgets[-1]
    before, after = ([cell.parameters for cell in each.untold] for each in (least, most))
    ends = f"{_range(least)} at {flops(least.flops)} FLOPs, {_range(most)} at {flops(most.flops)}"
    if max(before) < min(after):
        return f"The more FLOPs, the larger the best {found.family}: {ends}."
    if min(before) > max(after):
        return f"The more FLOPs, the smaller the best {found.family}: {ends}."
    if all(len(each.untold) == 1 for each in found.budgets) and before == after:
        return f"The same {found.family} is best at each budget run: {ends}."
    return f"Can't tell whether the best {found.family} grows with its FLOPs: {ends}."


def _range(budget: Budget) -> str:
    """Return the sizes that may be the best: 3.7k, or 1.7k to 8.7k."""
    may = budget.untold
    ends = dict.fromkeys(size(cell.parameters) for cell in (may[0], may[-1]))
    return " to ".join(ends)


def _sentences(found: Compute, loss: MeasureWords) -> list[str]:
    """Return what the surface is, which optima it lacks, and what the small budgets foretold."""
    if found.fitted is None:
        return [f"{found.family}: too few sizes, budgets or seeds for a surface over both."]
    fitted, surface = found.fitted, found.fitted.surface
    shape = ", ".join(
        f"{letter} = {getattr(surface, name):.2f} {numbers(fitted.interval(name))}"
        for letter, name in (("α", "alpha"), ("β", "beta"))
    )
    floor = f"E = {loss.value(float(surface.floor))} {loss.values(fitted.interval('floor'))}"
    refused = [
        sum(each is None or each.is_refused for each in optima)
        for optima in (found.by_surface, found.by_interpolation)
    ]
    few = "; fewer than four sizes aren't interpolated" if None in found.by_interpolation else ""
    return [
        f"{found.family}: {loss.test} = E + A·N^-α + B·D^-β, of N parameters and D samples seen: "
        f"{shape}, {floor}. Beyond what seeds explain, sizes are off it by {fitted.scatter:.0%}.",
        f"{found.family}: of {len(found.budgets)} budgets' best sizes, {refused[0]} are refused by "
        f"the surface and {refused[1]} by interpolation, because the lowest {loss.test} is at the "
        f"edge of the sizes, or is so in half of the draws{few}.",
        *([_foretold(found.family, found.forecast, loss)] if found.forecast else []),
    ]


def _foretold(family: str, forecast: Forecast, loss: MeasureWords) -> str:
    winner = forecast.budget.winner
    inside = sum(each.is_inside for each in forecast.cells)
    used = listed([flops(each) for each in forecast.used])
    words = (
        f"{family} at {flops(forecast.budget.flops)} FLOPs, predicted from {used}, "
        f"{forecast.share:.1%} of its FLOPs: {inside} of {len(forecast.cells)} sizes came inside "
        "their 90 % intervals"
    )
    for each in (case for case in forecast.cells if case.cell is winner):
        words += (
            f"; {size(winner.parameters)}, which won, was predicted at "
            f"{loss.value(each.predicted)} {loss.values(each.interval)} and came at "
            f"{loss.value(each.came)}"
        )
    best = "no best size within those run" if forecast.best.is_refused else _size(forecast.best)
    return (
        f"{words}. As the best size it foretells {best}; run as best is {_range(forecast.budget)}."
    )


def _method(families: Sequence[Compute], loss: MeasureWords) -> list[str]:
    """Return what the numbers leave out."""
    cells = [cell for each in families for budget in each.budgets for cell in budget.cells]
    out = sum(not is_fitted(cell) for cell in cells)
    again = sum(seen_by(cell) > (cell.records[0].train_samples or math.inf) for cell in cells)
    found = [
        f"Surfaces are fitted to the {loss.test}, not to the error, with weights by the noise "
        "between seeds, which goes with the loss; intervals draw seeds again. Each run's schedule "
        "spans its own steps, at one learning rate for all: none was tuned for its size."
    ]
    if out:
        found.append(
            f"{out} of {len(cells)} cells are in no surface: they took fewer than {LEAST_STEPS} "
            "steps, or none of their runs trained."
        )
    if again:
        found.append(f"{again} of {len(cells)} cells saw their data more than once.")
    return found


def _winner_rows(found: Compute) -> list[Row]:
    rows = []
    for budget, surface, between in zip(
        found.budgets, found.by_surface, found.by_interpolation, strict=True
    ):
        winner = budget.winner
        others = [size(cell.parameters) for cell in budget.untold if cell is not winner]
        interval = cells_errors(budget.cells).intervals()[budget.cells.index(winner)]
        rows.append(
            {"family": found.family, "FLOPs": flops(budget.flops), "wins": size(winner.parameters)}
            | reached(winner, interval)
            | {
                "not told from it": listed(others) or "none",
                "best by the surface": _size(surface),
                "by interpolation": _size(between),
            }
        )
    return rows


def _size(optimum: Optimum | None) -> str:
    if optimum is None or optimum.is_refused:
        return UNKNOWN
    return f"{size(optimum.size)} {sizes(optimum.interval)}"


def _forecast_rows(found: Compute, loss: MeasureWords) -> list[Row]:
    if found.forecast is None:
        return []
    return [
        {
            "family": found.family,
            "predicted at": f"{flops(found.forecast.budget.flops)} FLOPs",
            "size": size(each.cell.parameters),
            f"predicted {loss.test}": loss.value(each.predicted),
            "90% interval": loss.values(each.interval),
            "came": loss.value(each.came),
            "inside": "yes" if each.is_inside else "no",
        }
        for each in found.forecast.cells
    ]


def _price_rows(found: Compute, words: MeasureWords) -> list[Row]:
    """Return what a gain costs at each size: by training longer, and by the next larger size.

    Longer is from the last budget but one to the last; larger is at the last.
    """
    if words.measure.unit not in GAINS:
        return []
    unit, named = GAINS[words.measure.unit]
    before, last = found.budgets[-2:]
    shorter = {cell.size_asked or cell.parameters: cell for cell in before.cells}
    rows = []
    for cell, larger in zip(last.cells, [*last.cells[1:], None], strict=True):
        less = shorter.get(cell.size_asked or cell.parameters)
        row = {
            "family": found.family,
            "size": size(cell.parameters),
            f"at {flops(last.flops)} FLOPs": words.value(cell.error),
        }
        for cost in (TRAINING_TIME, SPENT):
            row[f"{named} by training on: {cost.words}"] = _price(less, cell, cost, unit)
        for cost in (MODEL_BYTES, LATENCY):
            row[f"{named} by the next size: {cost.words}"] = _price(cell, larger, cost, unit)
        rows.append(row)
    return rows


def _price(before: Cell | None, after: Cell | None, cost: Cost, unit: float) -> str:
    """Return what `unit` less of error costs from one cell to another, if it is surely bought."""
    if before is None or after is None:
        return UNKNOWN
    gain = compared([before], after)[before]
    if gain.low <= 0:
        return "nothing told"
    return quantity((after.cost(cost) - before.cost(cost)) / (gain.mean / unit), cost.unit)
