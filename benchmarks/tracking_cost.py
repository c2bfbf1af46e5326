"""What does tracking cost, with a point of the training loss for each step?

    SIZEWISE_DATA=FOLDER python -m benchmarks.tracking_cost

Trains the article's networks on MNIST in batches of 32, as `python train.py data=mnist
training=article` does, 600 steps at a time: with a point logged to MLflow (SQLite) at each step,
and with none, in turn. Each time is a run of its own; its end, when the last points are sent, is
part of the time.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from hydra import compose, initialize_config_dir

from benchmarks.peers.contender import ARTICLE
from benchmarks.results import setting, table, write_section
from sizewise.config import Config, parse
from sizewise.data import load
from sizewise.models import build
from sizewise.run.one import prepare_torch
from sizewise.tracking import Store, Tracker, open_store, start_run
from sizewise.training.checkpoint import Checkpoint
from sizewise.training.loop import fit
from sizewise.training.state import TrainState

CONF = Path(__file__).parents[1] / "conf"
STEPS = 600
MOST = 0.01


class PointPerStep(Checkpoint):
    """Logs each step's loss."""

    def __init__(self, path: Path, tracker: Tracker) -> None:
        super().__init__(path, "key", 60, lambda: False)
        self._tracker = tracker

    def after_step(self, state: TrainState) -> None:
        """Log the loss of the step that was just taken."""
        assert state.sums is not None
        loss = state.sums.losses[state.step - 1].item()  # there is one epoch
        self._tracker.log(state.step, {"step/loss": loss})
        super().after_step(state)


def main() -> None:
    """Measure each family in rounds, and write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    rows = []
    for family in ARTICLE:
        pairs = _measure(family, rounds)
        extra = [tracked / untracked - 1 for tracked, untracked in pairs]
        middle = statistics.median(extra)
        spread = f"{middle:+.1%} [{min(extra):+.1%}, {max(extra):+.1%}]"
        seconds = statistics.median(untracked for _, untracked in pairs)
        rows.append([family, f"{seconds:.1f} s", spread, "met" if middle <= MOST else "**missed**"])
    command = f"python -m benchmarks.tracking_cost --rounds {rounds}"
    write_section(
        "Tracking a point per step",
        f"{STEPS} steps of 32 MNIST images, {rounds} rounds. "
        f"{setting(command, ('torch', 'mlflow'))}",
        table(
            ["", "without", "with a point per step: median [range]", f"at most {MOST:.0%}"], rows
        ),
    )


def _measure(family: str, rounds: int) -> list[tuple[float, float]]:
    """Return the seconds with tracking and without, for each round."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = _config(family, folder)
        prepare_torch(config)
        store = open_store(config.tracking)
        pairs = []
        for number in range(rounds + 1):
            order = (True, False) if number % 2 else (False, True)
            spent = {
                tracked: _train(config, store, folder / f"{number}{tracked}", tracked)
                for tracked in order
            }
            print(f"{family}: {spent[True]:.2f} s with, {spent[False]:.2f} s without", flush=True)
            if number:
                pairs.append((spent[True], spent[False]))
        return pairs


def _train(config: Config, store: Store, folder: Path, tracked: bool) -> float:
    dataset = load(config.data, 0)
    model = build(dataset.spec, config.model.family, config.model.width, config.model.depth)
    with start_run(store, folder.name, folder.name, folder, {}) as tracker:
        path = folder / "checkpoint.pt"
        checkpoint = (
            PointPerStep(path, tracker) if tracked else Checkpoint(path, "key", 60, lambda: False)
        )

        def log(epoch: int, metrics: dict[str, float]) -> None:
            tracker.log(epoch, metrics)

        started = time.perf_counter()
        fit(model, dataset, config.training, seed=0, log=log, checkpoint=checkpoint)
    return time.perf_counter() - started


def _config(family: str, folder: Path) -> Config:
    root = Path(os.environ.get("SIZEWISE_DATA", "data")).resolve()
    settings = [
        *(f"model={family}", "data=mnist", f"data.root={root}", "data.validation_fraction=0.01"),
        *("training=article", f"data.train_samples={STEPS * 32}", "training.epochs=1"),
        f"tracking.uri=sqlite:///{folder}/mlflow.db",
    ]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return parse(compose("config", overrides=settings))


if __name__ == "__main__":
    main()
