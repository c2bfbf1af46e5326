"""Advice that is killed again and again: is anything trained twice, or decided otherwise?"""

import random
import subprocess
import time
from collections import Counter
from pathlib import Path
from shutil import rmtree

from benchmarks.advise_sets import overrides_of, write
from benchmarks.commands import kill_group, printed, run, start, uri_of
from benchmarks.results import ANSWERS, setting, write_section
from benchmarks.stores import stored_runs
from sizewise.advise.history import differing
from sizewise.advise.log import Log, decisions

NAME, BUDGET = "digits", 60  # seconds
LATEST = 60.0  # seconds after which it is killed, at the latest: also in its last training
HANGS = 600.0
WRONG = ("runs of a key beyond the first", "values logged twice", "runs left RUNNING",
         "decisions that would be others now", "times `--explain` found so",
         "errors in place of advice")  # fmt: skip


def kill_and_check(folder: Path, kills: int, seed: int = 0) -> int:
    """Kill advice so often, write what came of it, and return 1 if anything is wrong."""
    dice, tally = random.Random(seed), Counter[str]()
    write(NAME, folder / "sets")
    while tally["kills"] < kills:
        own = folder / f"killed-{tally['pieces of advice']}"
        rmtree(own, ignore_errors=True)
        own.mkdir()
        _to_its_end(own, folder / "sets", kills, dice, tally)
        tally += check(own, folder / "sets")
        print(dict(tally), flush=True)
    found = ", ".join(f"{tally[each]} {each}" for each in WRONG)
    write_section(
        "Advice that is killed",
        f"{setting(f'python -m benchmarks.advise --kill {kills}')} Advice on {NAME} within "
        f"{BUDGET} s, killed with all its processes after up to {LATEST:.0f} s, typed again, and "
        "so on to its end; then the next, in an empty folder.",
        f"{tally['kills']} kills, {tally['pieces of advice']} pieces of advice by "
        f"{tally['commands']} commands, {tally['runs']} runs and {tally['decisions']} decisions: "
        f"{found}. In all {tally['seconds']} s were used for budgets of "
        f"{tally['pieces of advice'] * BUDGET} s: what a killed command had not yet begun to count "
        "is not in its budget.",
        file=ANSWERS,
    )
    return int(any(tally[each] for each in WRONG))


def _to_its_end(
    folder: Path, data: Path, kills: int, dice: random.Random, tally: Counter[str]
) -> None:
    """Type the command until it ends by itself, through kills while there are any left."""
    typed = ["-m", "sizewise", "advise", *overrides_of(NAME, data), f"budget={BUDGET}s"]
    began = time.monotonic()
    code = None
    while code is None:
        process = start(folder, data, typed)
        tally["commands"] += 1
        try:
            code = process.wait(dice.uniform(0, LATEST) if tally["kills"] < kills else HANGS)
        except subprocess.TimeoutExpired:
            tally["kills"] += 1
            print(f"{tally['kills']}: killed", flush=True)
        finally:
            kill_group(process)
            process.wait()
    if code:  # it may have had no time left to train anything; the next has another folder
        tally[WRONG[-1]] += 1
        print(f"code {code} in {folder}: {printed(folder)[-1]}", flush=True)
    tally["pieces of advice"] += 1
    tally["seconds"] += round(time.monotonic() - began)


def check(folder: Path, data: Path) -> Counter[str]:
    """Count what the store and the log have of a piece of advice that has come to its end."""
    stored = stored_runs(uri_of(folder))
    runs = [run for same in stored.values() for run in same]
    (log,) = (Log(path.parent) for path in folder.glob("advice/*/decisions.jsonl"))
    events = log.events()
    explained = ["-m", "sizewise", "advise", *overrides_of(NAME, data), "--explain"]
    code, _ = run(folder, data, explained, HANGS)
    follow = f"all {len([*decisions(events)])} decisions follow from the records"
    twice = [len(values) - 1 for run in runs for values in run.points.values()]
    counts = (
        len(runs) - len(stored),
        sum(twice),
        sum(run.status == "RUNNING" for run in runs),
        len(differing(events, log.records())),
        int(code != 0 or not printed(folder)[-1].startswith(follow)),
    )
    found = {"runs": len(runs), "decisions": len([*decisions(events)])}
    return Counter(found | dict(zip(WRONG[:-1], counts, strict=True)))
