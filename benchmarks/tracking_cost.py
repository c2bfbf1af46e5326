"""What does tracking cost, once an epoch as it is, and with `tracking.each_step=true`?

    SIZEWISE_DATA=FOLDER python -m benchmarks.tracking_cost

Trains the article's networks on MNIST in batches of 32, as `python train.py data=mnist
training=article` does, three epochs of 200 steps at a time, logged to MLflow (SQLite) at each epoch
as always, and each step's loss besides. The time that the loop spends logging, and the processor's
time for what is sent in the background, are compared with the rest of the time. To train with
logging and without, in turn, does not tell: on a shared machine two such times differ by more than
a tenth.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.configs import config_of
from benchmarks.peers.contender import ARTICLE
from benchmarks.results import setting, table, verdict, write_section
from sizewise.config import Config
from sizewise.data import load
from sizewise.models import Architecture, build
from sizewise.tracking.lifecycle import start_run
from sizewise.tracking.store import Store, open_store
from sizewise.tracking.tracker import Tracker
from sizewise.training.device import prepare_torch
from sizewise.training.loop import fit

EPOCHS, EPOCH = 3, 200  # steps of each
STEPS = EPOCHS * EPOCH
MOST_BY_EPOCH, MOST_BY_STEP = 0.003, 0.01  # of the time


class Seconds(NamedTuple):
    """Seconds of a round: all of it, its logging by step and by epoch, and of that the points."""

    whole: float
    by_step: float
    by_epoch: float
    sent: float  # of the processor, for all points
    points: int  # that were logged by epoch

    @property
    def training(self) -> float:
        return self.whole - self.by_step - self.by_epoch

    @property
    def a_point(self) -> float:
        """Return what it takes to send one."""
        return self.sent / (STEPS + self.points)

    @property
    def share_by_epoch(self) -> float:
        return (self.by_epoch + self.points * self.a_point) / self.training

    @property
    def share_by_step(self) -> float:
        return (self.by_step + STEPS * self.a_point) / self.training


class TimedSending:
    """Sends as a tracker does, and adds up the processor's seconds that takes."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._send = Tracker.send

    def install(self) -> None:
        """Have all trackers send so."""

        def send(sender: Tracker) -> None:
            started = time.thread_time()
            self._send(sender)
            self.seconds += time.thread_time() - started

        Tracker.send = send  # type: ignore[method-assign, assignment]


def main() -> None:
    """Measure each family in rounds, and write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    sending = TimedSending()
    sending.install()
    rows = []
    for family in ARTICLE:
        measured = _measure(family, rounds, sending)
        by_epoch = statistics.median(each.share_by_epoch for each in measured)
        by_step = statistics.median(each.share_by_step for each in measured)
        rows.append(
            [
                family,
                f"{1e3 / STEPS * statistics.median(each.training for each in measured):.2f} ms",
                f"{by_epoch:.2%} {verdict(by_epoch <= MOST_BY_EPOCH)}",
                f"{1e6 / STEPS * statistics.median(each.by_step for each in measured):.0f} µs",
                f"{1e6 * statistics.median(each.a_point for each in measured):.0f} µs",
                f"{by_step:.1%} {verdict(by_step <= MOST_BY_STEP)}",
            ]
        )
    command = f"python -m benchmarks.tracking_cost --rounds {rounds}"
    head = ["", "a step", "once an epoch, as it is", "a point: in the loop", "sent (processor)"]
    write_section(
        "Tracking",
        f"{EPOCHS} epochs of {EPOCH} steps of 32 MNIST images, medians of {rounds} rounds. Shares "
        f"are of training, sending included: at most {MOST_BY_EPOCH:.1%} once an epoch, and "
        f"{MOST_BY_STEP:.0%} with a point for each step. {setting(command, ('torch', 'mlflow'))}",
        table([*head, "a point a step"], rows),
    )


def _measure(family: str, rounds: int, sending: TimedSending) -> list[Seconds]:
    """Return the seconds of each round."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = _config(family, folder)
        prepare_torch(config.device)
        store = open_store(config.tracking)
        measured = []
        for number in range(rounds + 1):
            sending.seconds = 0
            found = _train(config, store, folder / str(number))
            measured.append(found._replace(sent=sending.seconds))
            print(family, measured[-1], flush=True)
        return measured[1:]


def _train(config: Config, store: Store, folder: Path) -> Seconds:
    """Train and return its seconds, but for what was sent."""
    dataset = load(config.data, 0)
    model = build(
        dataset.spec, Architecture(config.model.family, config.model.width, config.model.depth)
    )
    with start_run(store, folder.name, folder.name, folder, {}) as tracker:
        by_step, by_epoch, points = 0.0, 0.0, 0

        def log_steps(first: int, losses: list[float]) -> None:
            nonlocal by_step
            started = time.perf_counter()
            tracker.log_steps("step/loss", first, losses)
            by_step += time.perf_counter() - started

        def log(epoch: int, metrics: dict[str, float]) -> None:
            nonlocal by_epoch, points
            started = time.perf_counter()
            tracker.log(epoch, metrics)
            by_epoch += time.perf_counter() - started
            points += len(metrics)

        started = time.perf_counter()
        fit(model, dataset, config.training, seed=0, log=log, log_steps=log_steps)
        whole = time.perf_counter() - started
        return Seconds(whole, by_step, by_epoch, 0.0, points)


def _config(family: str, folder: Path) -> Config:
    root = Path(os.environ.get("SIZEWISE_DATA", "data")).resolve()
    return config_of(
        *(f"model={family}", "data=mnist", f"data.root={root}", "data.validation_fraction=0.01"),
        *("training=article", f"data.train_samples={EPOCH * 32}", f"training.epochs={EPOCHS}"),
        f"tracking.uri=sqlite:///{folder}/mlflow.db",
    )


if __name__ == "__main__":
    main()
