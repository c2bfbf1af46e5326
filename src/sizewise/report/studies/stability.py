"""Do larger networks fail more, differ more between seeds, bear fewer learning rates?"""

import math
from collections.abc import Callable, Sequence

import altair as alt

from sizewise.records import RunRecord
from sizewise.report import style
from sizewise.report.by_rate import Contrast, Family, Size, compared, contrasts
from sizewise.report.cells import PARAMETERS, failed_to_train
from sizewise.report.conditions import by_condition
from sizewise.report.section import Chart, Rows, Section, Table
from sizewise.report.stats.differences import Seeds, size_errors
from sizewise.report.stats.errors import Interval
from sizewise.report.stats.shares import share_interval
from sizewise.report.stats.spread import middle
from sizewise.report.tables import UNKNOWN, Row, reached
from sizewise.report.words import SHARES, MeasureWords, listed, size

CROSS = "M-1,-1L1,1M1,-1L-1,1"
METHOD = (
    "A run failed to train if its loss stopped being finite, or if its test error is above chance "
    "less two standard errors of the test set; chance is the error of always answering the "
    "commonest class. Shares over all rates and seeds have exact intervals (Clopper & Pearson "
    "1934), their differences those of Bonett & Price (2012), in pairs of the same rate and seed.",
    "Spread is the standard deviation of test error between seeds at the best "
    "rate, less what the test samples add to it; each size by its own seeds, with generalised "
    "intervals (Weerahandi 1993).",
    "Sensitivity is that of Wortsman et al. (2023, arXiv 2309.14322), with errors in place of "
    "losses: the mean over rates of min(test error, chance), less the test error at the best rate.",
    "A loss spike is a step whose loss is more than 7 standard deviations above the mean of the "
    "100 before it: the rule of OLMo 2 (arXiv 2501.00656), which looks back 1,000.",
    "The best rate is validation's. Means are over the seeds that trained, where these are ten "
    "standard errors from chance; in sensitivity all count. Intervals are 90%; for all families "
    "together, they are of the mean of their differences.",
)


def section(records: Sequence[RunRecord]) -> Section | None:
    """Return the study of usable runs; None where no family has what `compared` asks for."""
    families = compared(by_condition(records)[-1])
    if not families:
        return None
    words = MeasureWords(records[0].measure)
    sizes = [(family, each) for family in families for each in family.sizes]
    return Section(
        title=headline(families, words),
        sentences=[*_sentences(families, words), *METHOD],
        charts=[_error_by_rate(families, words), _spread_by_size(families, words)],
        tables=[
            Table(_contrast_rows(families, words)),
            Table([row for family in families for row in _rows(family, words)]),
            Table([_rate_row(family.name, each, words) for family, each in sizes]),
        ],
        cells=[cell for _, each in sizes for cell in each.cells.values()],
    )


def headline(families: Sequence[Family], words: MeasureWords) -> str:
    """Return the answer: what larger networks do more, what less, and what can't be told."""
    found = contrasts(families)
    claims: tuple[tuple[str, Contrast, MeasureWords], ...] = (
        ("fail to train {} often", found.failures, SHARES),
        ("differ {} between seeds at the best rate", found.spread, words),
        ("are {} sensitive to the learning rate", found.sensitivity, words),
    )
    told, unclear = [], []
    for claim, contrast, own in claims:
        if contrast.is_told:
            more = "more" if contrast.value > 0 else "less"
            told.append(f"{claim.format(more)} by {own.size_of(*contrast)}")
        else:
            unclear.append(f"{claim.format('more')} ({own.difference(*contrast)})")
    smallest = min(family.sizes[0].asked for family in families)
    largest = max(family.sizes[-1].asked for family in families)
    sizes = f"at {size(largest)} parameters against {size(smallest)}"
    if not told:
        return f"Can't tell whether larger networks, {sizes}, {listed(unclear, 'or')}."
    rest = f"; can't tell whether they {listed(unclear, 'or')}" if unclear else ""
    return f"Larger networks, {sizes}, {listed(told)}{rest}."


def _sentences(families: Sequence[Family], words: MeasureWords) -> list[str]:
    """Return how many runs failed, and how overfitting changes with size."""
    runs = [
        (family.name, record, failed_to_train(record))
        for family in families
        for each in family.sizes
        for cell in each.cells.values()
        for record in cell.records
    ]
    failed = [(name, record) for name, record, did in runs if did]
    diverged = sum("diverged" in record.extras for _, record in failed)
    shares = [
        f"{sum(name == f.name for name, _ in failed)} of {sum(n == f.name for n, *_ in runs)} "
        f"of {f.name}"
        for f in families
    ]
    gap = contrasts(families).gap
    more = "less" if gap.value < 0 else "more"
    overfitting = (
        "can't tell whether it changes with size: the largest and the smallest share no seed."
        if math.isnan(gap.value)
        else "at the largest size, test error exceeds training error by "
        f"{words.size_of(*gap)} {more} than at the smallest"
        f"{'' if gap.is_told else ', which may be luck'}."
    )
    return [
        f"{len(failed)} of {len(runs)} runs failed to train ({listed(shares)}), {diverged} of them "
        "by a loss that stopped being finite.",
        f"Overfitting: {overfitting}",
    ]


def _contrast_rows(families: Sequence[Family], words: MeasureWords) -> list[Row]:
    """Return what the largest size has more than the smallest, by family and over all."""
    groups = {family.name: [family] for family in families}
    if len(families) > 1:
        groups["all"] = list(families)
    rows = []
    for name, group in groups.items():
        found = contrasts(group)
        ends = [size(group[0].sizes[at].best.parameters) for at in (-1, 0)]
        rows.append(
            {
                "family": name,
                "sizes": " less ".join(ends) if len(group) == 1 else "largest less smallest",
                "failed runs": SHARES.difference(*found.failures),
                "spread between seeds": words.difference(*found.spread),
                "sensitivity to the rate": words.difference(*found.sensitivity),
                "test less training": words.difference(*found.gap),
            }
        )
    return rows


def _rows(family: Family, words: MeasureWords) -> list[Row]:
    """Return what each size does over the rates, and at the best of them."""
    sizes, (deviations, drawn) = family.sizes, family.spread
    best = size_errors([each.asked for each in sizes], [each.best.by_seed for each in sizes])
    columns = zip(
        sizes,
        best.intervals(),
        map(words.difference, deviations, map(middle, drawn.T)),
        _means(sizes, [each.sensitivity for each in sizes], words.difference),
        _means(sizes, [each.gap for each in sizes], words.difference),
        _means(sizes, [each.spikes for each in sizes], _count),
        strict=True,
    )
    return [
        {
            "family": family.name,
            "parameters": f"{each.best.parameters:,}",
            "best rate": f"{each.best_rate:g}",
            **reached(each.best, interval),
            "failed runs, any rate": _share(sum(each.failures.values()), len(each.failures)),
            "spread between seeds": spread,
            "sensitivity to the rate": sensitivity,
            "test less training": gap,
            "loss spikes per 1,000 steps": spikes,
        }
        for each, interval, spread, sensitivity, gap, spikes in columns
    ]


def _share(count: int, of: int) -> str:
    return f"{count} of {of} {SHARES.values(share_interval(count, of))}"


def _count(mean: float, interval: Interval | None) -> str:
    return f"{mean:.2f} [{max(0.0, interval.low):.2f}, {interval.high:.2f}]" if interval else ""


def _means(
    sizes: Sequence[Size],
    groups: Sequence[Seeds | None],
    say: Callable[[float, Interval | None], str],
) -> list[str]:
    """Return the mean over seeds of something of each size, in words."""
    known = [group for group in groups if group is not None]
    if len(known) < len(groups):
        return [UNKNOWN] * len(groups)
    errors = size_errors([each.asked for each in sizes], known)
    return [say(*each) for each in zip(errors.means, errors.intervals(), strict=True)]


def _rate_row(family: str, each: Size, words: MeasureWords) -> Row:
    """Return a size's mean test error under each rate, and how many of its runs failed."""
    row = {"family": family, "parameters": f"{each.best.parameters:,}"}
    for rate, cell in each.cells.items():
        failed = f", {cell.failures} failed" if cell.failures else ""
        row[f"at rate {rate:g}"] = f"{words.value(cell.error)}{failed}"
    return row


def _error_by_rate(families: Sequence[Family], words: MeasureWords) -> Chart:
    """Draw mean test error against the rate, a line a size, a panel a family."""
    rows: Rows = []
    for family in families:
        for each in family.sizes:
            intervals = size_errors([*each.cells], [c.by_seed for c in each.cells.values()])
            rows += [
                style.interval_row(cell.error, interval)
                | {
                    "family": family.name,
                    "parameters": each.best.parameters,
                    "model": cell.label,
                    "rate": rate,
                    "failed": cell.failures,
                    "runs": len(cell.seeds),
                    words.test: words.value(cell.error),
                }
                for (rate, cell), interval in zip(
                    each.cells.items(), intervals.intervals(), strict=True
                )
            ]
    x, y = style.log_x("rate", "learning rate", rows), style.error_y(words, words.test, rows)
    colour = style.by_size("parameters", rows)
    base = alt.Chart().encode(x, color=colour, detail="parameters:N")
    tips = style.tooltips(["model", "rate", words.test, "failed", "runs"])
    failed = base.transform_filter("datum.failed > 0").mark_point(
        shape=CROSS, strokeWidth=2, opacity=1
    )
    failing = alt.Size("failed:Q", scale=alt.Scale(range=[60, 200], zero=False), legend=None)
    drawn = alt.layer(
        base.mark_rule().encode(y("low"), alt.Y2("high")),
        base.mark_line(strokeWidth=1.4).encode(y()),
        base.mark_circle(size=30, opacity=1).encode(y(), tooltip=tips),
        failed.encode(y(), failing, tooltip=tips),
        data=alt.NamedData("rates"),
    )
    panels = drawn.properties(width=240, height=220).facet(
        facet=alt.Facet("family:N", title=None), columns=3
    )
    caption = (
        f"{words.test.capitalize()} against the learning rate, by size; crossed where runs failed"
    )
    return style.chart("error_by_rate", caption, panels, {"rates": rows})


def _spread_by_size(families: Sequence[Family], words: MeasureWords) -> Chart:
    """Draw the spread between seeds at the best rate by size, with 90 % intervals."""
    rows: Rows = [
        style.interval_row(float(deviation), middle(drawn))
        | {
            "family": family.name,
            "model": each.best.label,
            "parameters": each.best.parameters,
            "spread": words.difference(float(deviation)),
        }
        for family in families
        for each, deviation, drawn in zip(
            family.sizes, family.spread.deviations, family.spread.drawn.T, strict=True
        )
    ]
    looks = style.by_family((family.name, family.name) for family in families)
    title = f"spread of {words.test} between seeds"
    x = style.log_x("parameters", PARAMETERS.words, rows)
    y, colour = style.error_y(words, title, rows, may_be_log=False), {"color": looks["color"]}
    base, tips = alt.Chart(alt.NamedData("spreads")), style.tooltips(["model", "spread"])
    drawn = alt.layer(
        base.mark_rule(opacity=0.5).encode(x, y("low"), alt.Y2("high"), **colour),
        base.mark_line().encode(x, y(), **colour),
        base.mark_point(filled=True, size=60, opacity=1).encode(x, y(), tooltip=tips, **looks),
    ).properties(width=440, height=260)
    caption = "Spread between seeds at the best rate, less what the test set adds"
    return style.chart("spread_by_size", caption, drawn, {"spreads": rows})
