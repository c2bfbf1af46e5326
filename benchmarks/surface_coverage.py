"""Do the intervals of loss surfaces hold the truth? Synthetic runs whose surface is known.

    python -m benchmarks.surface_coverage                 # 100 grids a row: 20 minutes, one core
    python -m benchmarks.surface_coverage --grids 10      # a look

A grid is sizes by budgets with some seeds in each cell, whose losses lie about a known surface; the
noise between seeds goes with the loss, and where the row says so each cell is off the surface by
a share of its own. What is done is kept in outputs/, and taken up when it is called again: remove
the file where the code has changed.
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.results import ANSWERS, setting, table, write_section
from sizewise.report.stats.noise import Array
from sizewise.report.stats.optimum import Costs, best_by_interpolation, best_by_surface
from sizewise.report.stats.surface import Losses, Surface, fit_surface

KEPT = Path("outputs/surface_coverage.json")
DRAWS = 200  # for each interval; reports draw more
SIZES = np.geomspace(800, 50_000, 6)
BUDGETS = np.array([5e8, 9e8, 1.6e9, 7e9, 3e10])
USED = 3  # of the budgets, from which the largest is predicted
COSTS = Costs(SIZES, 27.0 * SIZES**1.02)
SURFACES = {
    "like MNIST-1D": Surface(*map(np.array, (0.03, 60.0, 0.8, 900.0, 0.75))),
    "like a text": Surface(*map(np.array, (1.2, 25.0, 0.40, 40.0, 0.35))),
    "like Chinchilla": Surface(*map(np.array, (1.69, 406.4, 0.34, 410.7, 0.28))),
}
WANTED = (0.85, 0.95)


class Case(NamedTuple):
    """A row of the benchmark: a surface, seeds a cell, noise between seeds, cells off it."""

    surface: str
    seeds: int
    noise: float
    off: float


CASES = [
    Case(surface, seeds, 0.04, off)
    for surface in SURFACES
    for seeds in (3, 5)
    for off in (0.0, 0.05)
]


def grid(case: Case, rng: np.random.Generator) -> tuple[Losses, Array]:
    """Return made-up losses of all sizes at all budgets, budget by budget, and the true ones."""
    sizes, budgets = np.tile(SIZES, len(BUDGETS)), np.repeat(BUDGETS, len(SIZES))
    samples = budgets / COSTS.at(sizes)
    truth = SURFACES[case.surface].predict(sizes, samples)
    # the reducible part is what differs from seed to seed, and what a form may miss
    moving = truth - SURFACES[case.surface].floor
    centres = truth + case.off * moving * rng.standard_normal(len(truth))
    runs = [
        centre + case.noise * own * rng.standard_normal(case.seeds)
        for centre, own in zip(centres, moving, strict=True)
    ]
    return Losses(sizes, samples, runs), truth


def part(losses: Losses, first: int, last: int) -> Losses:
    """Return the losses of some of the budgets."""
    cells = slice(first * len(SIZES), last * len(SIZES))
    return Losses(losses.sizes[cells], losses.samples[cells], losses.runs[cells])


def best_size(surface: Surface, budget: float) -> float:
    """Return the best size by a known surface; NaN where it is at the edge."""
    sizes = np.geomspace(SIZES[0], SIZES[-1], 4000)
    place = surface.predict(sizes, budget / COSTS.at(sizes)).argmin()
    return float(sizes[place]) if 0 < place < len(sizes) - 1 else np.nan


def asked(case: Case, number: int, draws: int = DRAWS) -> dict[str, bool]:
    """Return whether each interval of one grid holds the truth; what was refused is left out."""
    rng = np.random.default_rng([number, *map(ord, case.surface), case.seeds])
    losses, _ = grid(case, rng)
    true, found = SURFACES[case.surface], {}
    fitted = fit_surface(losses, draws, number)
    low = fit_surface(part(losses, 0, USED), draws, number)
    assert fitted is not None
    assert low is not None
    for name in ("floor", "alpha", "beta"):
        found[name] = float(getattr(true, name)) in fitted.interval(name)
    for index, budget in enumerate(BUDGETS):
        true_size = best_size(true, budget)
        own = part(losses, index, index + 1)
        for how, optimum in (
            ("best size", best_by_surface(fitted, COSTS, budget)),
            ("interpolated", best_by_interpolation(own, fitted.scatter, draws, number)),
        ):
            found[f"{how} refused {index}"] = optimum.is_refused
            if not optimum.is_refused and not np.isnan(true_size):
                found[f"{how} {index}"] = true_size in optimum.interval
    last = part(losses, len(BUDGETS) - 1, len(BUDGETS))
    _, intervals = low.foresee(last.sizes, last.samples, last.counts, number)
    for index, interval in enumerate(intervals):
        found[f"held out {index}"] = float(last.means[index]) in interval
    return found


def share(rows: list[dict[str, bool]], name: str) -> tuple[float, int]:
    """Return how often `name`, or `name` with a number after it, was so, and of how many."""
    found = [
        value
        for row in rows
        for key, value in row.items()
        if key.rstrip("0123456789").rstrip() == name
    ]
    return (float(np.mean(found)) if found else np.nan), len(found)


def main() -> None:
    """Run what is not done yet, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--grids", type=int, default=100, help="for each row (%(default)s)")
    arguments = parser.parse_args()
    KEPT.parent.mkdir(exist_ok=True)
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for case in CASES:
        rows = kept.setdefault(json.dumps(case), [])
        for number in range(len(rows), arguments.grids):
            rows.append(asked(case, number))
            if len(rows) % 10 == 0 or len(rows) == arguments.grids:
                KEPT.write_text(json.dumps(kept))
                print(f"{case}: {len(rows)} of {arguments.grids}", flush=True)
    names = ("floor", "alpha", "beta", "best size", "interpolated", "held out")
    head = ["surface", "seeds", "off", *names, "best size refused", "interpolated refused"]
    lines = []
    for case in CASES:
        rows = kept[json.dumps(case)][: arguments.grids]
        line = [case.surface, str(case.seeds), f"{case.off:.0%}"]
        for name in names:
            held, count = share(rows, name)
            line.append(f"{held:.0%} of {count}" if count else "–")
        line += [f"{share(rows, f'{name} refused')[0]:.0%}" for name in names[3:5]]
        lines.append(line)
    write_section(
        "Surfaces of loss over size and data",
        setting(f"python -m benchmarks.surface_coverage --grids {arguments.grids}", ("scipy",)),
        f"How often 90 % intervals hold the truth: {WANTED[0]:.0%} to {WANTED[1]:.0%} is wanted. "
        f"{arguments.grids} grids a row, of {len(SIZES)} sizes at {len(BUDGETS)} budgets that span "
        f"a factor of {BUDGETS[-1] / BUDGETS[0]:.0f}; the noise between seeds is 4 % of what is "
        "above the floor; `off` is by how much each cell lies off the surface besides. Held out: "
        "each size's mean at the largest budget, predicted from the three smallest, "
        f"{BUDGETS[:USED].sum() / BUDGETS[-1]:.0%} of its FLOPs. Refused: best sizes at the edge.",
        table(head, lines),
        file=ANSWERS,
    )


if __name__ == "__main__":
    main()
