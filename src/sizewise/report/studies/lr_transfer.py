"""Does one learning rate suit all widths of a network, as it should under muP?

Each width's best rate is that of the lowest training loss. muP is about how fast a network learns,
which the training loss tells: validation adds to it how far a width overfits, and its few samples'
chance, by which neighbouring rates change places.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import altair as alt

from sizewise.records import RunRecord
from sizewise.report import style
from sizewise.report.by_rate import RATE
from sizewise.report.conditions import by_condition
from sizewise.report.section import Chart, Rows, Section, Table
from sizewise.report.tables import Row
from sizewise.report.words import MeasureWords, listed

PARAMETRIZATION = "parametrization"
WAYS = {"standard": None, "muP": "mup"}  # of the key
FEWEST_RATES = 3
SUITS = 1.0  # doublings by which the best rate may move
METHOD = (
    "A width's best rate is that of the lowest training loss in the epoch whose weights were kept, "
    "mean over the seeds: muP is about how fast a network learns, and validation would add how far "
    "it overfits. A rate at which a run's loss stopped being finite is none's best. How far it "
    "moves, in doublings, is from the lowest of the widths' best rates to the highest, known to a "
    "step between rates. A best rate that is the least or the greatest tried, marked *, may lie "
    "beyond."
)


@dataclass(frozen=True, eq=False)
class Width:
    """One width of a network under one parametrisation; `runs` by rate, ascending."""

    width: int
    runs: dict[float, list[RunRecord]]

    @property
    def best_rate(self) -> float:
        """Return the rate of the lowest training loss, mean over the seeds."""
        return min(self.runs, key=self.loss)

    @property
    def parameters(self) -> int:
        """Return the network's size."""
        found = self.runs[self.best_rate][0].parameters
        assert found is not None  # as of a classical model
        return found

    @property
    def is_at_edge(self) -> bool:
        """Return whether the best rate is the least or the greatest of those tried."""
        return self.best_rate in (min(self.runs), max(self.runs))

    def loss(self, rate: float) -> float:
        """Return the training loss at a rate, mean over the seeds; infinite where one diverged."""
        losses = [training_loss(run) for run in self.runs[rate]]
        return sum(losses) / len(losses)

    def best_rate_of(self, seed: int) -> float:
        """Return the best rate by one seed alone."""
        losses = {
            rate: training_loss(run)
            for rate, runs in self.runs.items()
            for run in runs
            if run.seed == seed
        }
        return min(losses, key=lambda rate: losses[rate])


@dataclass(frozen=True, eq=False)
class Line:
    """The widths of a family under one parametrisation, ascending, and the seeds of all runs."""

    widths: list[Width]
    seeds: list[int]

    @cached_property
    def move(self) -> float:
        """Return how many doublings the best rate moves over the widths."""
        return doublings([each.best_rate for each in self.widths])

    @cached_property
    def moves(self) -> list[float]:
        """Return the same by each seed alone."""
        return [doublings([each.best_rate_of(seed) for each in self.widths]) for seed in self.seeds]

    @property
    def taken_over(self) -> float:
        """Return by what factor the narrowest's best rate raises the widest's training loss."""
        narrowest, widest = self.widths[0], self.widths[-1]
        return widest.loss(narrowest.best_rate) / widest.loss(widest.best_rate)


Lines = dict[str, Line]  # by parametrisation, in the order of `WAYS`


def training_loss(run: RunRecord) -> float:
    """Return a run's training loss where its weights were kept; infinite if it diverged."""
    loss = run.history[run.best_epoch - 1].get("train/loss", math.nan)
    return loss if "diverged" not in run.extras and math.isfinite(loss) else math.inf


def doublings(rates: Sequence[float]) -> float:
    """Return how many doublings lie between the least and the greatest of rates."""
    return math.log2(max(rates) / min(rates))


def section(records: Sequence[RunRecord]) -> Section | None:
    """Return the study of usable runs; None where no family was trained both ways."""
    families = compared(by_condition(records)[-1])
    if not families:
        return None
    words = MeasureWords(records[0].measure)
    return Section(
        title=headline(families),
        sentences=[*(_sentence(*each) for each in families.items()), METHOD],
        charts=[_chart(families)],
        tables=[
            Table(
                [
                    _row(family, way, each, words)
                    for family, lines in families.items()
                    for way, line in lines.items()
                    for each in line.widths
                ]
            )
        ],
    )


def compared(records: Sequence[RunRecord]) -> dict[str, Lines]:
    """Return the families that were trained both ways, at the same widths, rates and seeds.

    There are at least two of the widths and three of the rates; what not all have is left out.
    """
    grid: dict[str, dict[tuple[str, int], dict[float, dict[int, RunRecord]]]] = {}
    for record in records:
        if record.width is not None and not record.is_classical:
            way = next(w for w, key in WAYS.items() if key == record.config.get(PARAMETRIZATION))
            by_rate = grid.setdefault(record.family, {}).setdefault((way, record.width), {})
            by_rate.setdefault(record.config[RATE], {})[record.seed] = record
    found: dict[str, Lines] = {}
    for family, cells in sorted(grid.items()):
        widths = sorted(set.intersection(*({w for name, w in cells if name == n} for n in WAYS)))
        both = [cells[way, width] for width in widths for way in WAYS]
        rates = sorted(set.intersection(*map(set, both))) if both else []
        if len(widths) < 2 or len(rates) < FEWEST_RATES:
            continue
        seeds = sorted(set.intersection(*(set(cell[rate]) for cell in both for rate in rates)))
        if seeds:
            found[family] = {
                way: Line(
                    [
                        Width(
                            width,
                            {r: [cells[way, width][r][seed] for seed in seeds] for r in rates},
                        )
                        for width in widths
                    ],
                    seeds,
                )
                for way in WAYS
            }
    return found


def headline(families: dict[str, Lines]) -> str:
    """Return of how many families the best rate stays under muP, and how far it moves without."""
    ends = [(lines["muP"].widths[0], lines["muP"].widths[-1]) for lines in families.values()]
    times = max(widest.width / narrowest.width for narrowest, widest in ends)
    stays = [name for name, lines in families.items() if lines["muP"].move <= SUITS + 1e-9]
    others = [name for name in families if name not in stays]
    over = f"over {times:.3g} times the width"
    moved = {
        way: listed([f"{lines[way].move:.3g} for {name}" for name, lines in families.items()])
        for way in WAYS
    }
    if not others:
        claim = f"Under muP the best learning rate moves by at most one doubling {over}"
    elif stays:
        claim = (
            f"Under muP the best learning rate moves by at most one doubling {over} for "
            f"{listed(stays)}, and by more for {listed(others)}"
        )
    else:
        claim = f"Under muP the best learning rate moves by more than one doubling {over}"
    return f"{claim}: {moved['muP']}; without, {moved['standard']}."


def _sentence(family: str, lines: Lines) -> str:
    """Return what muP changes for a family, and where it does not help."""
    standard, mup = lines["standard"], lines["muP"]
    narrowest, widest = mup.widths[0].width, mup.widths[-1].width
    moves = {
        way: f"from {line.widths[0].best_rate:g} at width {narrowest} to "
        f"{line.widths[-1].best_rate:g} at width {widest}, {line.move:.3g} "
        f"doubling{'s' * (line.move != 1)} "
        f"({listed([f'{move:.3g}' for move in line.moves])} by each seed alone)"
        for way, line in lines.items()
    }
    losses = {way: line.widths[-1].loss(line.widths[-1].best_rate) for way, line in lines.items()}
    lower = sum(
        one.loss(one.best_rate) < other.loss(other.best_rate)
        for one, other in zip(mup.widths, standard.widths, strict=True)
    )
    helps = []
    if mup.move >= standard.move:
        helps.append("its best rate moves no less than without")
    if mup.taken_over >= standard.taken_over:
        helps.append("taking over the narrowest's rate costs the widest no less")
    if losses["muP"] >= losses["standard"]:
        helps.append("at its own best rate the widest learns no more")
    return (
        f"{family}: the best rate goes {moves['muP']}, under muP; {moves['standard']}, without. "
        f"Trained at the narrowest's best rate, the widest's loss is {mup.taken_over:.3g} times "
        f"that at its own under muP, {standard.taken_over:.3g} times without. Each at its best "
        f"rate, training loss is lower under muP at {lower} of {len(mup.widths)} widths; at the "
        f"widest it is {losses['muP']:.3g}, {losses['standard']:.3g} without. "
        + (f"muP does not help in this: {listed(helps)}." if helps else "muP helps in all of it.")
    )


def _row(family: str, way: str, each: Width, words: MeasureWords) -> Row:
    """Return a width's best rate, what it reaches there, and its loss at every rate."""
    errors = [run.error() for run in each.runs[each.best_rate]]
    by_seed = sorted({run.seed for run in each.runs[each.best_rate]})
    row = {
        "family": family,
        "parametrisation": way,
        "width": f"{each.width:,}",
        "parameters": f"{each.parameters:,}",
        "best rate": f"{each.best_rate:g}{'*' * each.is_at_edge}",
        "by each seed": listed([f"{each.best_rate_of(seed):g}" for seed in by_seed]),
        words.test: words.value(sum(errors) / len(errors)),
    }
    return row | {f"loss at rate {rate:g}": _loss(each.loss(rate)) for rate in each.runs}


def _loss(loss: float) -> str:
    return f"{loss:.3g}" if math.isfinite(loss) else "diverged"


def _chart(families: dict[str, Lines]) -> Chart:
    """Draw the training loss against the rate, a line a width, a panel a family and way."""
    rows: Rows = [
        {
            "family": family,
            "way": way,
            "width": each.width,
            "rate": rate,
            "loss": style.positive(each.loss(rate)),
            "training loss": _loss(each.loss(rate)),
            "best": rate == each.best_rate,
        }
        for family, lines in families.items()
        for way, line in lines.items()
        for each in line.widths
        for rate in each.runs
    ]
    losses = [row["loss"] for row in rows if row["loss"]]
    y = alt.Y("loss:Q", title="training loss")
    y = y.scale(type="log", nice=False).axis(values=style.log_ticks(losses))
    colour = alt.Color("width:O", title="width").scale(scheme="viridis", reverse=True)
    base = alt.Chart().encode(style.log_x("rate", "learning rate", rows), y, colour)
    tips = style.tooltips(["family", "way", "width", "rate", "training loss"])
    drawn = (
        alt.layer(
            base.mark_line(strokeWidth=1.4),
            base.mark_circle(size=20, opacity=1).encode(tooltip=tips),
            base.transform_filter("datum.best").mark_point(size=110, strokeWidth=2, opacity=1),
            data=alt.NamedData("losses"),
        )
        .properties(width=220, height=180)
        .facet(
            row=alt.Row("way:N", title=None, sort=list(WAYS)),
            column=alt.Column("family:N", title=None),
        )
    )
    caption = "Training loss against the learning rate, by width; each width's best rate ringed"
    return style.chart("lr_transfer", caption, drawn, {"losses": rows})
