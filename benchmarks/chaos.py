"""Does a sweep that is killed again and again come to the same table?

    python -m benchmarks.chaos --kills 100 --seed 0        (make chaos)

A sweep of 12 short runs, logged to an MLflow server, is killed by SIGKILL at a random moment (its
parent process, one of its workers, or the server), started again by the same command, and so on
until it is finished. When it is, the next sweep begins in an empty store, until there have been as
many kills as asked for. Each store is then compared with that of an undisturbed sweep. It exits
with 1 if anything is lost, doubled or different.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.stores import Stored, stored_runs, table
from tests.processes import Server, kill, start, workers

SWEEP = (
    *("-m", "model=cnn,lstm,attention", "size=300,600", "seed=0,1", "threads=1"),
    *("data.num_samples=1000", "training.epochs=12", "hydra.launcher.n_jobs=2"),
    *("tracking=server", "checkpoint_minutes=0.005"),
)
RUNS = 12
TARGETS = ("parent", "worker", "server")
AWAY_SECONDS = 8.0  # at most; how long a killed server stays away
PATIENCE_SECONDS = 600.0


@dataclass
class Tally:
    """What has happened so far, and what it has cost."""

    kills: Counter[str] = field(default_factory=Counter)
    sweeps: int = 0
    commands: int = 0
    lost_runs: int = 0
    doubled_runs: int = 0
    lost_metrics: int = 0
    doubled_metrics: int = 0
    different: int = 0

    @property
    def spotless(self) -> bool:
        """Whether nothing is lost, doubled or different."""
        return not (
            self.lost_runs
            or self.doubled_runs
            or self.lost_metrics
            or self.doubled_metrics
            or self.different
        )

    def compare(self, found: dict[str, list[Stored]], expected: dict[str, list[Stored]]) -> None:
        """Add what a disturbed sweep's store lacks, has twice, or has otherwise."""
        for key, (undisturbed,) in expected.items():
            runs = found.pop(key, [])
            finished = [run for run in runs if run.status == "FINISHED"]
            self.lost_runs += not finished
            self.doubled_runs += max(0, len(runs) - 1)
            points = finished[0].points if finished else {}
            self.lost_metrics += len(undisturbed.points.keys() - points.keys())
            self.doubled_metrics += sum(len(values) - 1 for values in points.values())
            mine, theirs = table({key: finished[:1]}), table({key: [undisturbed]})
            self.different += sum(mine.get(each) != values for each, values in theirs.items())
        self.doubled_runs += len(found)  # of a key that the undisturbed sweep has not


def main() -> None:
    """Kill, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        expected = _sweep(Path(folder) / "undisturbed", dice, Tally(), 0, 0.0)
        duration = time.monotonic() - began
        print(f"undisturbed: {duration:.0f} s", flush=True)
        while tally.kills.total() < arguments.kills:
            left = arguments.kills - tally.kills.total()
            found = _sweep(Path(folder) / str(tally.sweeps), dice, tally, left, duration)
            tally.sweeps += 1
            tally.compare(found, expected)
            print(_summary(tally), flush=True)
    sys.exit(0 if tally.spotless else 1)


def _sweep(
    folder: Path, dice: random.Random, tally: Tally, kills: int, duration: float
) -> dict[str, list[Stored]]:
    """Run one sweep to its end through at most `kills` kills, and return what its store has."""
    folder.mkdir()
    server = Server(folder)
    server.start()
    try:
        for attempt in range(1000):
            log = folder / f"{attempt}.log"
            sweep = start(folder, *SWEEP, log=log, MLFLOW_TRACKING_URI=server.uri)
            tally.commands += 1
            while kills > 0 and _killed(sweep, server, dice, tally, duration):
                kills -= 1
            if sweep.wait(PATIENCE_SECONDS) == 0:
                return dict(stored_runs(server.uri))
            print(f"  {' '.join(log.read_text().split()[-12:])}"[:200], flush=True)
        raise RuntimeError(f"the sweep in {folder} does not come to an end")
    finally:
        server.kill()


def _killed(
    sweep: "subprocess.Popen[bytes]",
    server: Server,
    dice: random.Random,
    tally: Tally,
    duration: float,
) -> bool:
    """Wait for a random time, kill something, and return whether there was anything to kill."""
    try:
        sweep.wait(dice.uniform(0, duration / 2))
        return False
    except subprocess.TimeoutExpired:
        pass
    target = dice.choice(TARGETS)
    at_work = workers(sweep.pid)
    if target == "worker" and not at_work:
        target = "parent"
    if target == "server":
        server.kill()
        time.sleep(dice.uniform(0, AWAY_SECONDS))
        server.start()
    else:
        kill(sweep.pid if target == "parent" else dice.choice(at_work))
    tally.kills[target] += 1
    print(f"{tally.kills.total()}: killed the {target}", flush=True)
    return True


def _summary(tally: Tally) -> str:
    kills = ", ".join(f"{number} {target}" for target, number in sorted(tally.kills.items()))
    same = "equal to the bit" if not tally.different else f"{tally.different} values differ"
    return (
        f"{tally.kills.total()} kills ({kills}), {tally.sweeps} sweeps of {RUNS} runs finished by "
        f"{tally.commands} commands: {tally.lost_runs} runs lost, {tally.doubled_runs} doubled, "
        f"{tally.lost_metrics} metrics lost, {tally.doubled_metrics} doubled; tables {same}"
    )


if __name__ == "__main__":
    main()
