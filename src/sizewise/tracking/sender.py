"""A run's metrics on their way to the store."""

import threading
from collections.abc import Iterable
from typing import Any

from mlflow.entities import Metric
from mlflow.utils.validation import MAX_METRICS_PER_BATCH

from sizewise.errors import first_line, say
from sizewise.run.folder import RunFolder
from sizewise.tracking.store import STORE_ERRORS, Store

FLUSH_SECONDS = 5.0


class Sender(threading.Thread):
    """Sends a run's metrics in the background, and waits for a store that is away."""

    def __init__(
        self, store: Store, run_id: str, folder: RunFolder, unsent: Iterable[Metric]
    ) -> None:
        super().__init__(daemon=True, name=f"metrics of {run_id}")
        self._store = store
        self._run_id = run_id
        self._folder = folder
        self._unsent = list(unsent)  # the training thread adds to its end, this one takes its start
        self._closing = threading.Event()

    def add(self, metrics: Iterable[Metric]) -> None:
        """Take `metrics` to be sent within some seconds."""
        self._unsent.extend(metrics)

    def run(self) -> None:
        """Send what gathers, until closed; say so when the store goes away and when it is back."""
        away = False
        while not self._closing.wait(FLUSH_SECONDS):
            try:
                self.send()
            except STORE_ERRORS as error:
                if not away:
                    say(
                        f"{self._store.shown} does not answer ({first_line(error)}); training goes "
                        f"on, and metrics gather in {self._folder.path / RunFolder.METRICS}"
                    )
                away = True
            else:
                if away:
                    say(f"{self._store.shown} is back, and has all metrics")
                away = False

    def send(self) -> None:
        """Send what has gathered, in batches."""
        while batch := self._unsent[:MAX_METRICS_PER_BATCH]:
            self._store.client.log_batch(self._run_id, metrics=batch)
            del self._unsent[: len(batch)]

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        if self.is_alive():
            self.join()


def points_of(line: dict[str, Any]) -> list[Metric]:
    """Return the metrics that a line of the journal holds."""
    return [
        Metric(name, value, line["timestamp"], line["step"])
        for name, value in line.items()
        if name not in ("step", "timestamp")
    ]
