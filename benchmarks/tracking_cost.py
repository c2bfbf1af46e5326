"""What does tracking cost, with a point of the training loss for each step?

    SIZEWISE_DATA=FOLDER python -m benchmarks.tracking_cost

Trains the article's networks on MNIST in batches of 32, as `python train.py data=mnist
training=article` does, 600 steps at a time, with a point logged to MLflow (SQLite) at each step.
The time that the loop spends logging, and the processor's time for what is sent in the background,
are compared with the rest of the time. To train with logging and without, in turn, does not tell:
on a shared machine two such times differ by more than a tenth.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.configs import config_of
from benchmarks.peers.contender import ARTICLE
from benchmarks.results import setting, table, verdict, write_section
from sizewise.config import Config
from sizewise.data import load
from sizewise.models import Architecture, build
from sizewise.tracking.lifecycle import start_run
from sizewise.tracking.store import Store, open_store
from sizewise.tracking.tracker import Tracker
from sizewise.training.checkpoint import Checkpoint
from sizewise.training.device import prepare_torch
from sizewise.training.loop import fit
from sizewise.training.state import TrainState

STEPS = 600
MOST = 0.01


class PointPerStep(Checkpoint):
    """Logs each step's loss, and adds up the seconds that takes."""

    def __init__(self, path: Path, tracker: Tracker) -> None:
        super().__init__(path, "key", 60, lambda: False)
        self._tracker = tracker
        self.seconds = 0.0

    def after_step(self, state: TrainState) -> None:
        """Log the loss of the step that was just taken."""
        assert state.sums is not None
        started = time.perf_counter()
        loss = state.sums.losses[state.step - 1].item()  # there is one epoch
        self._tracker.log(state.step, {"step/loss": loss})
        self.seconds += time.perf_counter() - started
        super().after_step(state)


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
        step, loop, sent = (
            1e3 * statistics.median(column) for column in zip(*measured, strict=True)
        )
        shares = [part / (step - loop) for part in (loop, loop + sent)]
        cells = [f"{share:.1%} {verdict(share <= MOST)}" for share in shares]
        rows.append(
            [family, f"{step:.2f} ms", f"{1e3 * loop:.0f} µs", f"{1e3 * sent:.0f} µs", *cells]
        )
    command = f"python -m benchmarks.tracking_cost --rounds {rounds}"
    head = ["", "a step", "logging in the loop", "sending (processor)", "the loop's share"]
    write_section(
        "Tracking a point per step",
        f"{STEPS} steps of 32 MNIST images, medians of {rounds} rounds; at most {MOST:.0%} of the "
        f"time. {setting(command, ('torch', 'mlflow'))}",
        table([*head, "with sending"], rows),
    )


def _measure(family: str, rounds: int, sending: TimedSending) -> list[tuple[float, float, float]]:
    """Return the seconds of a step, of logging in the loop, and of sending, for each round."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = _config(family, folder)
        prepare_torch(config.device)
        store = open_store(config.tracking)
        measured = []
        for number in range(rounds + 1):
            sending.seconds = 0
            whole, loop = _train(config, store, folder / str(number))
            measured.append((whole / STEPS, loop / STEPS, sending.seconds / STEPS))
            print(family, measured[-1], flush=True)
        return measured[1:]


def _train(config: Config, store: Store, folder: Path) -> tuple[float, float]:
    """Return the seconds of training, and of logging in it."""
    dataset = load(config.data, 0)
    model = build(
        dataset.spec, Architecture(config.model.family, config.model.width, config.model.depth)
    )
    with start_run(store, folder.name, folder.name, folder, {}) as tracker:
        checkpoint = PointPerStep(folder / "checkpoint.pt", tracker)

        def log(epoch: int, metrics: dict[str, float]) -> None:
            tracker.log(epoch, metrics)

        started = time.perf_counter()
        fit(model, dataset, config.training, seed=0, log=log, checkpoint=checkpoint)
        return time.perf_counter() - started, checkpoint.seconds


def _config(family: str, folder: Path) -> Config:
    root = Path(os.environ.get("SIZEWISE_DATA", "data")).resolve()
    return config_of(
        *(f"model={family}", "data=mnist", f"data.root={root}", "data.validation_fraction=0.01"),
        *("training=article", f"data.train_samples={STEPS * 32}", "training.epochs=1"),
        f"tracking.uri=sqlite:///{folder}/mlflow.db",
    )


if __name__ == "__main__":
    main()
