"""Is `sizewise advise` done in time, are its forecasts and its errors right, is its advice good?

    python -m benchmarks.advise --folder FOLDER                            # 90 minutes, two cores
    python -m benchmarks.advise --folder FOLDER --sets apart --budgets 1   # a look
    python -m benchmarks.advise --folder FOLDER --exhaustive               # 2.5 hours more at most
    python -m benchmarks.advise --folder FOLDER --kill 20                  # 15 minutes

The command is typed for each set and budget, in a folder and a store of its own; what it advises is
scored on samples that were drawn afterwards. With --exhaustive a plain sweep over families and
sizes, at most 20 minutes a set, says what there was to be found. Each that is finished is a line of
FOLDER/results.jsonl; typed again, it goes on, and what has no line there is measured. With --kill
the advice on digits is killed again and again, and typed again, and what it has done is looked
through.
"""

import argparse
import json
import math
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.advise_killed import kill_and_check
from benchmarks.advise_sets import SETS, Drawn, fresh_of, overrides_of, write
from benchmarks.advise_table import Advised, Failed, Foreseen, Row, Swept, report
from benchmarks.commands import has_store, printed, run, store_of
from benchmarks.results import ANSWERS, setting, write_section
from sizewise.advise.log import Log, decisions
from sizewise.advise.words import interval_of
from sizewise.predict import Predictor
from sizewise.predict.fetch import load_run
from sizewise.records import RunRecord
from sizewise.tracking.artifacts import read_record
from sizewise.tracking.queries import StoredRun, search
from sizewise.tracking.resolve import find_run
from sizewise.tracking.store import Store

ROOT = Path(__file__).parents[1]
LONG_SETS, LONG = ("mnist1d", "shapes"), 10.0  # minutes, from which only these are tried
SIZES, SEEDS, SWEEP_MINUTES = (250, 1_000, 4_000, 16_000, 64_000, 256_000), (0, 1, 2), 20.0
PATIENCE = 2.0  # budgets after which a command counts as hanging
HANGS = 600.0  # seconds, of one without a budget


def main() -> None:
    """Measure what was not measured yet, and write ANSWERS.md's section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(SETS), help="default: %(default)s")
    parser.add_argument(
        "--budgets",
        default="1,5,20",
        help=f"minutes; from {LONG:g} on for {' and '.join(LONG_SETS)} alone; default: %(default)s",
    )
    parser.add_argument("--exhaustive", action="store_true", help="a plain sweep of each set too")
    parser.add_argument("--sweep-minutes", type=float, default=SWEEP_MINUTES, help="of each sweep")
    parser.add_argument("--kill", type=int, default=0, metavar="N", help="instead: kill N times")
    arguments = parser.parse_args()
    folder: Path = arguments.folder.resolve()
    (folder / "sets").mkdir(parents=True, exist_ok=True)
    if arguments.kill:
        sys.exit(kill_and_check(folder, arguments.kill))
    names = arguments.sets.split(",")
    if unknown := set(names) - SETS.keys():
        parser.error(f"--sets {','.join(unknown)}: expected some of {', '.join(SETS)}")
    budgets = sorted(map(float, arguments.budgets.split(",")))
    file = folder / "results.jsonl"
    for name in names:
        for minutes in budgets:
            if minutes < LONG or name in LONG_SETS:
                _once(file, Advised, name, minutes)
        if arguments.exhaustive:
            _once(file, Swept, name, arguments.sweep_minutes)
    rows = [row for row in read(file) if row.data in names]
    given = [f"--sets {arguments.sets}"] if len(names) < len(SETS) else []
    given += [f"--budgets {arguments.budgets}", *["--exhaustive"] * arguments.exhaustive]
    command = " ".join(["python -m benchmarks.advise", *given])
    write_section(
        "Advice within a budget",
        setting(command, ("torch", "scikit-learn")),
        *report(rows),
        file=ANSWERS,
    )


def read(file: Path) -> list[Row]:
    """Return what was measured so far."""
    lines = file.read_text().splitlines() if file.exists() else []
    kinds = {kind.__name__: kind for kind in (Advised, Failed, Swept)}
    return [kinds[line.pop("kind")].of(line) for line in map(json.loads, lines)]


def add(file: Path, row: Row) -> None:
    """Keep what was measured, in a line."""
    with file.open("a") as results:
        print(json.dumps({"kind": type(row).__name__, **row._asdict()}), file=results)


def _once(file: Path, kind: type[Advised] | type[Swept], name: str, minutes: float) -> None:
    """Measure a step and add its line, unless it is there; one that was broken off begins anew."""
    what = f"{name}-{minutes:g}min" if kind is Advised else f"{name}-sweep"
    if any(row.step == what for row in read(file)):
        return
    sets, folder = file.parent / "sets", file.parent / what
    write(name, sets)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    print(f"{what} …", flush=True)
    row = (advise if kind is Advised else sweep)(name, minutes, folder, sets)
    add(file, row)
    print(f"{what}: {row}", flush=True)


def advise(name: str, minutes: float, folder: Path, sets: Path) -> Row:
    """Type the command, and score what it advises."""
    typed = ["-m", "sizewise", "advise", *overrides_of(name, sets)]
    asked = [*typed, f"budget={60 * minutes:g}s"]
    code, seconds = run(folder, sets, asked, PATIENCE * 60 * minutes + 60)
    if code:
        return Failed(folder.name, name, minutes, seconds, _ended(folder, code))
    (log,) = (Log(path.parent) for path in folder.glob("advice/*/decisions.jsonl"))
    events, store = log.events(), store_of(folder)
    run(folder, sets, [*typed, "--explain"], HANGS)
    follow = f"all {len([*decisions(events)])} decisions follow from the records"
    advised = find_run(store, f"advised:{log.folder.name}")
    record = read_record(store, advised)
    interval = interval_of(record)
    return Advised(
        step=folder.name,
        data=name,
        minutes=minutes,
        seconds=seconds,
        family=record.family,
        parameters=record.parameters or 0,
        measure=record.measure,
        stated=record.error(),
        low=interval.low,
        high=interval.high,
        fresh=_on_fresh(store, [advised], fresh_of(name, sets)),
        forecasts=forecasts_of(events),
        runs=len(log.records()),
        follows=printed(folder)[-1].startswith(follow),
        said=events[-1]["said"][0],
    )


def sweep(name: str, minutes: float, folder: Path, sets: Path) -> Row:
    """Sweep families and sizes with default training; the small sizes come first."""
    typed = [str(ROOT / "train.py"), "-m", *overrides_of(name, sets)]
    sizes = [size for size in SIZES if size >= SETS[name].smallest]
    grid = {"size": sizes, "model": SETS[name].families, "seed": SEEDS}
    typed += [f"{key}={','.join(map(str, values))}" for key, values in grid.items()]
    code, seconds = run(folder, sets, typed, 60 * minutes)
    if not has_store(folder):
        return Failed(folder.name, name, minutes, seconds, _ended(folder, code))
    store = store_of(folder)
    finished = search(store, "attributes.status = 'FINISHED' AND tags.run_key LIKE '%'")
    runs = [(each, read_record(store, each)) for each in finished]
    cells: dict[tuple[str, int | None], list[tuple[StoredRun, RunRecord]]] = {}
    for each, record in runs:
        cells.setdefault((record.family, record.size_asked), []).append((each, record))
    whole = [cell for cell in cells.values() if len(cell) == len(SEEDS)]
    if not whole:
        return Failed(folder.name, name, minutes, seconds, _ended(folder, code))
    best = min(whole, key=_mean_validation)
    return Swept(
        step=folder.name,
        data=name,
        seconds=seconds,
        runs=len(runs),
        stopped=seconds >= 60 * minutes,
        family=best[0][1].family,
        parameters=best[0][1].parameters or 0,
        measure=best[0][1].measure,
        test=fmean(record.error() for _, record in best),
        fresh=_on_fresh(store, [each for each, _ in best], fresh_of(name, sets)),
    )


def _ended(folder: Path, code: int) -> str:
    """Return how a program ended, and the last that it said."""
    return ": ".join([f"code {code}", *printed(folder)[-1:]])


def _mean_validation(cell: Sequence[tuple[StoredRun, RunRecord]]) -> tuple[float, int]:
    """Return what a size is chosen by; of equals the smallest is."""
    return fmean(record.error("val") for _, record in cell), cell[0][1].parameters or 0


def forecasts_of(events: Sequence[dict[str, Any]]) -> list[Foreseen]:
    """Return what each network's training was expected to take, and took."""
    found, seen = list[Foreseen](), set[str]()
    for event in events:
        if event["event"] != "ran":
            continue
        networks = [ran for ran in event["runs"] if ran["forecast"] is not None]
        for ran in networks:
            if ran["key"] or ran["stopped"]:
                known = ran["trial"][0] in seen
                found.append(Foreseen(ran["forecast"], ran["seconds"], known, ran["stopped"]))
        seen |= {ran["trial"][0] for ran in networks if ran["key"]}
    return found


def _on_fresh(
    store: Store, runs: Sequence[StoredRun], drawn: Drawn | None
) -> tuple[float, float] | None:
    """Return the mean error of networks on drawn samples, and its standard error."""
    if drawn is None:
        return None
    errors = np.mean([errors_on(load_run(store, each), drawn) for each in runs], axis=0)
    return float(errors.mean()), float(errors.std(ddof=1) / math.sqrt(len(errors)))


def errors_on(network: Any, drawn: Drawn) -> np.ndarray:
    """Return each sample's error, by the measure of the network's task: (N,)."""
    assert isinstance(network, Predictor)
    answers = network.predict(drawn.inputs)
    if network.spec.task == "regress":
        return np.asarray(np.abs(answers[:, 0] - drawn.targets))
    names = np.array(network.spec.class_names)
    return np.asarray(names[answers.argmax(1)] != drawn.targets, float)


if __name__ == "__main__":
    main()
