"""Do the report's intervals and verdicts tell the truth? Synthetic sweeps whose answer is known.

    python -m benchmarks.fit_coverage                       # 2,000 sweeps a row: an hour, two cores
    python -m benchmarks.fit_coverage --sweeps 100          # a look

Every run is a row of right and wrong answers on one test set that all runs share. A sample is wrong
where a normal number is below the network's threshold; the number is made of how hard the sample is
for all networks, for this size, and for this run. A run's threshold is its size's, and its luck.
Prints a section for benchmarks/ANSWERS.md; --output keeps it.
"""

import argparse
import platform
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import scipy
from scipy.stats import norm

from sizewise import sample_errors
from sizewise.records import RunRecord
from sizewise.report.cells import Cell
from sizewise.report.goal import Goal
from sizewise.report.proposal import seeds_to_add
from sizewise.report.stats.differences import Seeds, compare, size_errors
from sizewise.report.stats.errors import Interval
from sizewise.report.stats.fit import Fit, fit_sweep
from sizewise.report.stats.noise import Array
from sizewise.report.verdict import LOOKS, Kind, answer, look_confidence

SEEDS = (3, 5, 20)
TEST, VALIDATION = 1000, 1000  # samples
TOLERANCE = 0.01
HARD, OWN = 0.7, 0.4  # of a sample's number: how hard it is for all networks, and for one size
SIZES = 500 * np.geomspace(1, 1000, 6)
FLOOR, AMPLITUDE, EXPONENT = 0.05, 0.4, 0.5
FALLING = FLOOR + AMPLITUDE * (SIZES / 500) ** -EXPONENT
CROSSING = 500 * (AMPLITUDE * (1 - 2**-EXPONENT) / TOLERANCE) ** (1 / EXPONENT)
# Two sizes as good as the best, one worse by just the tolerance, and two by far.
EDGE = np.array([0.30, 0.15, 0.06 + TOLERANCE, 0.06, 0.06])
EDGE_SIZES = (1000, 4000, 16_000, 64_000, 256_000)
# One worse by just the tolerance, and one between it and the best, which few validation samples
# often take for the best, while many test samples tell all apart.
BETWEEN = np.array([0.30, 0.06 + TOLERANCE, 0.06 + TOLERANCE / 2, 0.06])
MANY, FEW = 20_000, 400


@dataclass(frozen=True)
class Chance:
    """What runs differ by: the deviation of a seed's error, and how much seeds share over sizes."""

    spread: float = 0.006
    within: float = 0.5


class Sweeps:
    """Draws runs of networks with known errors."""

    def __init__(
        self,
        truth: Array,
        chance: Chance,
        rng: np.random.Generator,
        test: int = TEST,
        validation: int = VALIDATION,
    ) -> None:
        self._rng, self._within = rng, chance.within
        self._test, self._validation = test, validation
        threshold = norm.ppf(truth)
        self._deviations = chance.spread / norm.pdf(threshold)  # of a run's threshold
        # so that the mean over seeds is the truth
        self._thresholds = threshold * np.sqrt(1 + self._deviations**2)
        shape = (len(truth), 1, test)
        self._samples = HARD * rng.standard_normal(test) + OWN * rng.standard_normal(shape)

    def draw(self, seeds: int) -> tuple[Array, Array]:
        """Return whether each sample is wrong, (K, seeds, N), and validation errors."""
        rng, sizes = self._rng, len(self._thresholds)
        luck = np.sqrt(self._within) * rng.standard_normal(seeds)
        luck = luck + np.sqrt(1 - self._within) * rng.standard_normal((sizes, seeds))
        thresholds = self._thresholds[:, None] + self._deviations[:, None] * luck
        alone = np.sqrt(1 - HARD**2 - OWN**2) * rng.standard_normal((sizes, seeds, self._test))
        wrong = self._samples + alone < thresholds[..., None]
        return wrong, rng.binomial(self._validation, norm.cdf(thresholds)) / self._validation


def groups(wrong: Array, first_seed: int = 0) -> list[Seeds]:
    """Return each size's errors."""
    seeds = tuple(range(first_seed, first_seed + wrong.shape[1]))
    return [Seeds(seeds, each.mean(axis=1), each.astype(np.float32)) for each in wrong]


@dataclass
class Counts:
    """How often each thing was so, of how many."""

    hits: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, hit: object) -> None:
        self.hits.setdefault(name, []).append(bool(hit))

    def share(self, name: str) -> tuple[float, float]:
        """Return a share, and the half-width of its 95 % interval."""
        found = np.array(self.hits[name], dtype=float)
        return found.mean(), 1.96 * np.sqrt(max(found.var(), 1e-6) / len(found))


def coverage(seeds: int, chance: Chance, sweeps: int) -> Counts:
    """Ask every interval that a report shows, on sweeps of a curve that falls to a floor."""
    rng, counts = np.random.default_rng([seeds, int(100 * chance.within)]), Counts()
    truth = np.concatenate([FALLING, FALLING + 0.02])  # a second family, worse by two points
    for index in range(sweeps):
        source = Sweeps(truth, chance, rng)
        every = groups(source.draw(seeds)[0])
        one, other = every[: len(SIZES)], every[-1]
        apart = groups(source.draw(seeds)[0], first_seed=seeds)[-1]
        sweep = size_errors(SIZES, one)
        mean = sweep.intervals()[index % len(SIZES)]
        counts.add("mean", _holds(mean, truth[index % len(SIZES)]))
        differences = compare([*map(int, SIZES), *[int(SIZES[-1])] * 2], [*one, other, apart], 5)
        smaller = index % 5
        counts.add("difference", _holds(differences[smaller].interval, truth[smaller] - truth[5]))
        counts.add("families, same seeds", _holds(differences[6].interval, 0.02))
        counts.add("families, other seeds", _holds(differences[7].interval, 0.02))
        fit = fit_sweep(sweep, TOLERANCE, seed=index)
        counts.add("a curve", isinstance(fit, Fit))
        if isinstance(fit, Fit) and fit.held_out:
            counts.add("floor", _holds(fit.floor_interval, FLOOR))
            counts.add("crossing", _holds(fit.size_where_doubling_buys(TOLERANCE)[1], CROSSING))
            counts.add("held-out", _holds(fit.held_out.interval, fit.held_out.observed))
    return counts


def verdicts(seeds: int, chance: Chance, sweeps: int) -> Counts:
    """Judge sweeps in which one size is worse than the best by just the tolerance.

    The best is chosen by validation, which sees the same lucky runs.
    """
    rng, counts = np.random.default_rng([seeds, int(1e4 * chance.spread)]), Counts()
    for _ in range(sweeps):
        source = Sweeps(EDGE, chance, rng)
        runs: list[list[RunRecord]] = [[] for _ in EDGE]
        _train(source, runs, seeds)
        found = answer(_cells(runs), Goal(TOLERANCE))
        edge, equal = (found.comparisons[list(found.comparisons)[i]] for i in (2, 3))
        counts.add("edge called as good", edge.is_as_good(TOLERANCE))
        counts.add("edge called worse", edge.is_worse(TOLERANCE))
        counts.add("equal called worse", equal.is_worse(TOLERANCE))
        counts.add("told", found.kind is not Kind.MORE_SEEDS)
        curse = 100 * (EDGE[list(found.comparisons).index(found.best)] - found.best.error)
        counts.hits.setdefault("curse", []).append(curse)
        for look in range(LOOKS):
            found = answer(_cells(runs), Goal(TOLERANCE), look_confidence())
            if found.kind is not Kind.MORE_SEEDS or look == LOOKS - 1:
                break
            _train(source, runs, seeds_to_add(found))
        edge, equal = (found.comparisons[list(found.comparisons)[i]] for i in (2, 3))
        counts.add("until told: edge called as good", edge.is_as_good(TOLERANCE))
        counts.add("until told: edge called worse", edge.is_worse(TOLERANCE))
        counts.add("until told: equal called worse", equal.is_worse(TOLERANCE))
        counts.add("until told: told", found.kind is not Kind.MORE_SEEDS)
    return counts


def between(seeds: int, chance: Chance, sweeps: int) -> Counts:
    """Judge sweeps in which a size that is not the best is often chosen for it by validation."""
    rng, counts = np.random.default_rng([seeds, int(1e4 * chance.spread), 1]), Counts()
    for _ in range(sweeps):
        source = Sweeps(BETWEEN, chance, rng, MANY, FEW)
        runs: list[list[RunRecord]] = [[] for _ in BETWEEN]
        _train(source, runs, seeds)
        found = answer(_cells(runs), Goal(TOLERANCE))
        cells = list(found.comparisons)
        edge = found.comparisons[cells[1]]
        counts.add("edge called as good", edge.is_as_good(TOLERANCE))
        counts.add("… by the best of validation alone", edge.high <= TOLERANCE)
        counts.add("edge called worse", edge.is_worse(TOLERANCE))
        counts.add("best called worse", found.comparisons[cells[-1]].is_worse(TOLERANCE))
        counts.add("told", found.kind is not Kind.MORE_SEEDS)
    return counts


def _train(source: Sweeps, runs: list[list[RunRecord]], seeds: int) -> None:
    """Add runs of every size with so many new seeds."""
    wrong, validation = source.draw(seeds)
    for size, records in enumerate(runs):
        for index in range(seeds):
            records.append(
                _record(EDGE_SIZES[size], len(records), wrong[size, index], validation[size, index])
            )


def _cells(runs: list[list[RunRecord]]) -> list[Cell]:
    return [
        Cell("synthetic", size, size, (), tuple(records))
        for size, records in zip(EDGE_SIZES, runs, strict=False)
    ]


def _record(size: int, seed: int, wrong: Array, validation: float) -> RunRecord:
    return RunRecord(
        run_id=f"{size}-{seed}",
        name=f"synthetic-{size}-s{seed}",
        run_key=f"{size}-{seed}",
        family="synthetic",
        width=1,
        depth=None,
        size_asked=size,
        parameters=size,
        parameters_by_group={"all": size},
        data="synthetic",
        fingerprint=str(seed),
        seed=seed,
        best_epoch=1,
        epochs=1,
        steps=1,
        stopped_by="all 1 epochs done",
        metrics={"test/error": float(wrong.mean()), "cost/parameters": size},
        history=[{"val/error": float(validation)}],
        config={"size": size, "seed": seed},
        folder="",
        git_commit=None,
        sample_errors=sample_errors.pack(wrong),
    )


def _holds(interval: Interval | None, truth: float) -> bool:
    return interval is not None and interval.low <= truth <= interval.high


def main() -> None:
    """Run everything and print the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sweeps", type=int, default=2000, help="for each row (%(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="rows at once (%(default)s)")
    parser.add_argument("--only", choices=("intervals", "verdicts"), help="a part of it")
    parser.add_argument("--output", type=Path, help="a file for what is printed")
    arguments = parser.parse_args()
    lines: list[str] = []

    def say(line: str = "") -> None:
        print(line, flush=True)
        lines.append(line + "\n")

    say("## Intervals and verdicts on synthetic sweeps\n")
    say(
        f"`python -m benchmarks.fit_coverage --sweeps {arguments.sweeps}`; Python "
        f"{platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}. "
        f"{arguments.sweeps} sweeps a row, one test set of {TEST} samples for all runs of a sweep; "
        "a seed's error deviates by 0.6 points. In brackets: half the width of the share's own "
        "95 % interval.\n"
    )
    with ProcessPoolExecutor(arguments.jobs) as pool:
        if arguments.only != "verdicts":
            _say_intervals(pool, arguments.sweeps, say)
        if arguments.only == "intervals":
            return
        chances = [Chance(spread=spread) for spread in (0.006, 0.02)]
        rows = [(seeds, chance) for chance in chances for seeds in SEEDS]
        say(
            "\nWrong verdicts where one size is worse than the best by just the tolerance (1 "
            "point) and another equals it; the best is chosen by validation on 1,000 samples, "
            "which sees the same lucky runs. Each may be wrong in 5 %. `until=told` adds seeds by "
            f"its own proposals, at most {LOOKS} looks. Curse: how much too good the best's test "
            "error is by having been chosen, in points.\n"
        )
        _table(
            [f"{seeds} seeds, {100 * chance.spread:g} points of luck" for seeds, chance in rows],
            list(pool.map(partial(verdicts, sweeps=arguments.sweeps), *zip(*rows, strict=True))),
            say,
        )
        say(
            f"\nThe same with a size halfway between, {FEW} validation samples, which often take "
            f"it for the best, and {MANY:,} test samples:\n"
        )
        _table(
            [f"{seeds} seeds, {100 * chance.spread:g} points of luck" for seeds, chance in rows],
            list(pool.map(partial(between, sweeps=arguments.sweeps), *zip(*rows, strict=True))),
            say,
        )
    if arguments.output:
        arguments.output.write_text("".join(lines), encoding="utf-8")


def _say_intervals(pool: ProcessPoolExecutor, sweeps: int, say: Callable[[str], None]) -> None:
    chances = [Chance(within=within) for within in (0.5, 0.0)]
    rows = [(seeds, chance) for chance in chances for seeds in SEEDS]
    say("How often 90 % intervals hold the truth: 87 to 93 % is wanted.\n")
    _table(
        [f"{seeds} seeds, {chance.within:g} of their luck shared" for seeds, chance in rows],
        list(pool.map(partial(coverage, sweeps=sweeps), *zip(*rows, strict=True))),
        say,
    )


def _table(names: list[str], rows: list[Counts], say: Callable[[str], None]) -> None:
    columns = list(rows[0].hits)
    say(f"| | {' | '.join(columns)} |")
    say("|" + "---|" * (1 + len(columns)))
    for name, counts in zip(names, rows, strict=True):
        cells = []
        for column in columns:
            share, half = counts.share(column)
            cells.append(
                f"{share:.2f}" if column == "curse" else f"{100 * share:.1f}% ({100 * half:.1f})"
            )
        say(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
