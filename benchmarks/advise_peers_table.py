"""What Optuna and FLAML have found beside advice, as rows, and as a section of ANSWERS.md."""

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.advise_table import Advised
from benchmarks.results import table
from sizewise.records import Measure, readable_count

SIZES = (250, 256_000)  # parameters, between which Optuna chooses
RATES = (1e-4, 1e-1)
WORKERS = 2  # processes: as Optuna asks for where trials take the processor, in place of n_jobs


class Peer(NamedTuple):
    """What a tool has found; `told` is the error by which it chose, `fresh` has a standard error.

    `size` counts parameters of Optuna's networks, and bytes of FLAML's pickled models; `pruned` are
    the trials that were stopped early.
    """

    data: str
    tool: str
    minutes: float
    seconds: float
    measure: Measure
    chosen: str
    size: int
    told: float
    test: float
    fresh: tuple[float, float]
    trials: int
    pruned: int


def report(peers: Sequence[Peer], advised: Sequence[Advised]) -> list[str]:
    """Return the paragraphs of ANSWERS.md's section."""
    head = ["set", "tool", "budget", "seconds", "overshoot", "trials", "chosen", "size"]
    lines = []
    for name in dict.fromkeys(row.data for row in peers):
        its = [row for row in peers if row.data == name]
        lines += [_line_of_advice(row) for row in advised if row.data == name]
        lines += [_line(row) for row in its]
    return [
        f"Optuna: TPE and Hyperband over epochs choose the family, its width (log-uniform, from "
        f"{SIZES[0]} to {readable_count(SIZES[1])} parameters) and the learning rate (log-uniform, "
        f"{RATES[0]:g} to {RATES[1]:g}) of sizewise's networks, which its loop and default "
        f"schedule train; {WORKERS} processes of one thread share the study in a journal, as its "
        "documentation asks for where trials take the processor. It keeps the best trial's "
        "network; advice may try larger ones, and more steps. FLAML: all "
        "that it tries by default, on the training and the validation samples, "
        f"with n_jobs={WORKERS}. Seconds of both are those of the search and of what it trains in "
        "the end, without imports and reading data; advice's count from the start of the process. "
        "FLAML's size is that of the pickled model.",
        table([*head, "error it tells", "its test split", "fresh samples"], lines),
        "The error that Optuna and FLAML tell is that of the best of all trials, on the samples by "
        "which it was chosen. Neither says how sure it is, of the error or of the choice, nor "
        "whether less would do: both look for the least error, whatever the size. Advice tells the "
        "error on the test split, with its 90 % interval.",
    ]


def _line(row: Peer) -> list[str]:
    shown, is_network = row.measure.shown, row.tool == "Optuna"
    stopped = f", {row.pruned} stopped early" if row.pruned else ""
    size = f"{readable_count(row.size)} parameters" if is_network else f"{row.size / 1e3:,.0f} kB"
    return [
        *(row.data, row.tool, *_time(row.minutes, row.seconds), f"{row.trials}{stopped}"),
        *(row.chosen, size, shown(row.told), shown(row.test), _fresh(row.measure, row.fresh)),
    ]


def _line_of_advice(row: Advised) -> list[str]:
    shown = row.measure.shown
    return [
        *(row.data, "**sizewise**", *_time(row.minutes, row.seconds), str(row.runs), row.family),
        f"{readable_count(row.parameters)} parameters",
        f"{shown(row.stated)} [{shown(row.low)}, {shown(row.high)}]",
        *(shown(row.stated), _fresh(row.measure, row.fresh) if row.fresh else ""),
    ]


def _time(minutes: float, seconds: float) -> list[str]:
    share, over = seconds / (60 * minutes), max(0.0, seconds - 60 * minutes)
    return [f"{minutes:g} min", f"{seconds:.0f} ({share:.0%})", f"{over:.1f} s"]


def _fresh(measure: Measure, error: tuple[float, float]) -> str:
    return f"{measure.shown(error[0])} ± {measure.shown(error[1])}"
