"""How long until the first training step, and until help and tab completion answer?

    python -m benchmarks.start_speed

In each round, in random order: `import torch` alone, `python train.py` to its first training step,
a whole small run less the seconds of its training, its --help, a tab completion, and
`sizewise --help`; each in a process of its own, from its start to its end. Run once before, so that
files are in the system's cache, the data is generated and the store there.
"""

import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.results import ratio, setting, table, verdict, write_section

ROOT = Path(__file__).parents[1]
TO_FIRST_STEP = f"""
import os, runpy, sys

sys.argv = ["train.py"]
sys.path.insert(0, {str(ROOT)!r})
from torch.optim.optimizer import register_optimizer_step_post_hook  # as train.py would

register_optimizer_step_post_hook(lambda *_: os._exit(0))
runpy.run_path({str(ROOT / "train.py")!r}, run_name="__main__")
sys.exit("no step was taken")
"""
IMPORT, STEP = "`import torch`", "`python train.py` to its first step"
RUN = "`python train.py model=cnn size=1k training.epochs=15`, less its training"
HELP, COMPLETION, COMMANDS = "`train.py --help`", "tab completion", "`sizewise --help`"
COMMAND_OF = {
    IMPORT: [sys.executable, "-c", "import torch"],
    STEP: [sys.executable, "-c", TO_FIRST_STEP],
    RUN: [
        *(sys.executable, str(ROOT / "train.py")),
        *("model=cnn", "size=1k", "training.epochs=15", "rerun=true"),
    ],
    HELP: [sys.executable, str(ROOT / "train.py"), "--help"],
    COMPLETION: [sys.executable, str(ROOT / "train.py"), "-sc", "query=bash"],
    COMMANDS: [str(Path(sys.executable).with_name("sizewise")), "--help"],
}
MOST_TIMES_TORCH = 1.5
MOST_SECONDS = {RUN: 4.0, HELP: 1.0, COMPLETION: 0.6, COMMANDS: 0.3}


def main() -> None:
    """Measure in rounds, and write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    seconds: dict[str, list[float]] = {name: [] for name in COMMAND_OF}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            for name in random.Random(number).sample(list(COMMAND_OF), len(COMMAND_OF)):
                spent = _time(COMMAND_OF[name], folder)
                if number:
                    seconds[name].append(spent)
    command = f"python -m benchmarks.start_speed --rounds {rounds}"
    write_section(
        "Start",
        f"Medians of {rounds} rounds. {setting(command)}",
        _table(seconds),
    )


def _time(command: list[str], folder: str) -> float:
    environment = os.environ | {
        "SIZEWISE_DATA": str(Path(folder) / "data"),
        "COMP_LINE": "python train.py model=",
    }
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    training = re.search(r"^ training +([\d.]+) s", done.stdout, re.MULTILINE)
    return time.perf_counter() - started - (float(training[1]) if training else 0.0)


def _table(seconds: dict[str, list[float]]) -> str:
    rows = []
    for name, spent in seconds.items():
        middle = statistics.median(spent)
        cell, target = f"{middle:.2f} s [{min(spent):.2f}, {max(spent):.2f}]", ""
        if name == STEP:
            times, words = ratio(list(zip(spent, seconds[IMPORT], strict=True)))
            cell += f", {words} of `import torch`"
            target = f"{MOST_TIMES_TORCH} {verdict(times <= MOST_TIMES_TORCH)}"
        elif name in MOST_SECONDS:
            target = f"{MOST_SECONDS[name]} s {verdict(middle <= MOST_SECONDS[name])}"
        rows.append([name, cell, target])
    return table(["", "median [lowest, highest]", "target"], rows)


if __name__ == "__main__":
    main()
