"""Writing a run to an MLflow store."""

import json
import math
import re
import shlex
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import BaseFileLock
from mlflow.entities import Dataset as DatasetEntity
from mlflow.entities import (
    DatasetInput,
    InputTag,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    Param,
)
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.utils.validation import MAX_METRICS_PER_BATCH, MAX_PARAM_VAL_LENGTH

from sizewise.errors import first_line, say
from sizewise.records import read_records
from sizewise.run.folder import Outcome, RunFolder
from sizewise.tracking.flavour import save_flavour, signature_of
from sizewise.tracking.probe import check_store
from sizewise.tracking.store import STORE_ERRORS, Store
from sizewise.uri import hide_password

FLUSH_SECONDS = 5.0
NOT_IN_A_NAME = "[/:.%\"']"  # of a logged model, says MLflow


class Tracker:
    """One MLflow run, from its start, or from where it is taken up again, to its end.

    Metrics are sent in the background; each is first written to the run's folder, from where what a
    store that is away has missed is sent later. As a context manager it closes the run: FINISHED,
    with the files in its folder as artifacts, KILLED by Ctrl-C and the like, or FAILED with the
    error as a tag.

    Args:
        store: where.
        run_id: of the run.
        folder: the run's.
        lock: on the folder, held until the run is closed.

    Attributes:
        tags: of the run, as it was taken up.
    """

    def __init__(self, store: Store, run_id: str, folder: RunFolder, lock: BaseFileLock) -> None:
        self.store = store
        self.run_id = run_id
        self.folder = folder
        self._lock = lock
        self._outcome = Outcome(store.shown, store.experiment_id)
        found = store.client.get_run(run_id)
        self.tags = found.data.tags
        self._params = dict(found.data.params)
        points = [point for line in folder.mend_metrics() for point in points_of(line)]
        self._logged = {(point.step, point.key): point.value for point in points}
        # Training adds to its end, the thread takes from its start. MLflow skips what it has.
        self._unsent = points
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep_sending, daemon=True, name="metrics")

    def log(self, step: int, metrics: dict[str, float]) -> dict[str, float]:
        """Log `metrics` by name at `step`, and return them as they stand.

        What was logged before an interruption stays: a clock's numbers would come out differently.

        Raises:
            OSError: the run's folder can't be written to.
        """
        new = {name: value for name, value in metrics.items() if (step, name) not in self._logged}
        if new:
            line = {"step": step, "timestamp": time.time_ns() // 1_000_000} | new
            self.folder.add_metrics(line)
            self._unsent.extend(points_of(line))
        return {name: self._logged.get((step, name), value) for name, value in metrics.items()}

    def log_steps(self, name: str, first: int, values: Sequence[float]) -> None:
        """Log a metric at steps that follow each other, from `first` on.

        Raises:
            OSError: the run's folder can't be written to.
        """
        now = time.time_ns() // 1_000_000
        lines = [
            {"step": step, "timestamp": now, name: value}
            for step, value in enumerate(values, start=first)
            if (step, name) not in self._logged
        ]
        self.folder.add_metrics(*lines)
        self._unsent.extend(point for line in lines for point in points_of(line))

    def log_config(self, params: dict[str, Any]) -> None:
        """Log `params` that are new; MLflow cuts off a value that is longer than it takes."""
        new = {name: str(value) for name, value in params.items() if name not in self._params}
        entities = [Param(name, value) for name, value in new.items()]
        self.store.client.log_batch(self.run_id, params=entities)
        self._params |= new

    def log_datasets(self, name: str, uses: dict[str, tuple[str, dict[str, Any]]]) -> None:
        """Log by use what the run is trained and tested on: fingerprints, with sizes and shapes."""
        inputs = [
            DatasetInput(
                DatasetEntity(
                    name=name,
                    digest=fingerprint,
                    source_type="sizewise",
                    source=json.dumps({"data": name}),
                    profile=json.dumps(profile),
                ),
                [InputTag("mlflow.data.context", use)],
            )
            for use, (fingerprint, profile) in uses.items()
        ]
        # MLflow looks for each data set and then adds it: meanwhile another run may have. So an
        # attempt may fail by each, and is then made again.
        for _ in inputs:
            try:
                return self.store.client.log_inputs(self.run_id, datasets=inputs)
            except MlflowException:
                check_store(self.store.uri)  # one that is away is not waited for again
        return self.store.client.log_inputs(self.run_id, datasets=inputs)

    def log_model(
        self,
        input_shape: tuple[int, ...],
        columns: tuple[str, ...] = (),
        requirements: Iterable[str] = (),
        *,
        prompts: bool = False,
    ) -> None:
        """Have `model.pt` logged, when the run is closed, as a model that MLflow can serve.

        It is rebuilt from its weights by `sizewise.predict`, nothing is pickled; the package's own
        code and what lies in the folder's `code` go with it, so that serving needs only PyTorch.

        Args:
            input_shape: of one sample, (C, *S).
            columns: that it reads, of a table.
            requirements: packages that it needs beyond every model's.
            prompts: whether it reads prompts, and neither arrays nor columns.
        """
        self._outcome.input_shape, self._outcome.columns = input_shape, columns
        self._outcome.prompts = prompts
        self._outcome.requirements = list(requirements)

    def __enter__(self) -> "Tracker":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        outcome = self._outcome
        outcome.ended_at = time.time_ns() // 1_000_000
        if error is not None:
            outcome.status = "FAILED" if isinstance(error, Exception) else "KILLED"
            text = hide_password(f"{type(error).__name__}: {error}", self.store.uri)
            outcome.error = text[:MAX_PARAM_VAL_LENGTH]
        self._closing.set()
        self._thread.join()
        with suppress(OSError):  # the folder may be what the run has failed by
            outcome.write(self.folder)
        try:
            self.deliver(outcome)
        except STORE_ERRORS as reason:
            again = shlex.join(["sizewise", "sync", str(self.folder.path)])
            say(
                f"{self.store.shown} has not got all of the run ({first_line(reason)}); it is kept "
                f"in {self.folder.path}; send it later with: {again}"
            )
        finally:
            self._lock.release()

    def _keep_sending(self) -> None:
        """Send what gathers, until closed; say so when the store goes away and when it is back."""
        away = False
        while not self._closing.wait(FLUSH_SECONDS):
            try:
                self.send()
            except STORE_ERRORS as error:
                if not away:
                    say(
                        f"{self.store.shown} does not answer ({first_line(error)}); training goes "
                        f"on, and metrics gather in {self.folder.path / RunFolder.METRICS}"
                    )
                away = True
            else:
                if away:
                    say(f"{self.store.shown} is back, and has all metrics")
                away = False

    def send(self) -> None:
        """Send the metrics that have gathered, in batches."""
        while batch := self._unsent[:MAX_METRICS_PER_BATCH]:
            self.store.client.log_batch(self.run_id, metrics=batch)
            del self._unsent[: len(batch)]

    def deliver(self, outcome: Outcome) -> None:
        """Send what the store has not got of a run that has ended, and mark the run as ended.

        Raises:
            STORE_ERRORS: it does not take it; calling this again goes on from there.
        """
        client = self.store.client
        check_store(self.store.uri)
        self.send()
        if outcome.status == "FINISHED":
            for pattern in self.folder.ARTIFACTS:
                for path in sorted(self.folder.path.glob(pattern)):
                    client.log_artifact(self.run_id, str(path))
        if outcome.input_shape is not None:
            self._deliver_model(outcome, outcome.input_shape)
        if outcome.error:
            client.set_tag(self.run_id, "error", outcome.error)
        client.set_terminated(self.run_id, outcome.status, outcome.ended_at)
        (self.folder.path / self.folder.UNSENT).unlink(missing_ok=True)

    def _deliver_model(self, outcome: Outcome, input_shape: tuple[int, ...]) -> None:
        """Log the model, unless it has been, and remove what a crash has left half logged.

        It goes by its run's name, and has its scores, on which data, beside what it costs.
        """
        client, folder = self.store.client, self.folder
        of_this_run = f"source_run_id = '{self.run_id}'"
        for model in client.search_logged_models([self.store.experiment_id], of_this_run):
            if model.status == LoggedModelStatus.READY:
                return
            client.delete_logged_model(model.model_id)
        (record,) = read_records(folder.path / folder.RECORD)
        name = re.sub(NOT_IN_A_NAME, "_", record.name)
        of_run = ("mlflow.user", "mlflow.source.")
        tags = {tag: value for tag, value in self.tags.items() if tag.startswith(of_run)}
        model = client.create_logged_model(
            self.store.experiment_id, name, self.run_id, tags, self._params
        )
        own = model.model_id
        client.log_outputs(self.run_id, [LoggedModelOutput(own, record.epochs)])
        with tempfile.TemporaryDirectory() as temporary:
            save_flavour(
                Path(temporary),
                folder.path / folder.MODEL,
                signature_of(input_shape, outcome.columns, prompts=outcome.prompts),
                sorted((folder.path / folder.CODE).glob("*")),
                outcome.requirements,
                Model(model.artifact_location, self.run_id, model_uuid=own, model_id=own),
            )
            client.log_model_artifacts(own, temporary)
        data = (record.data, record.test_fingerprint or record.fingerprint)
        scores = [
            Metric(*(each.key, each.value, each.timestamp, each.step, own), *on)
            for line in folder.mend_metrics()
            for each in points_of(line)
            if each.key in record.metrics and math.isfinite(each.value)
            for on in [data if each.key.startswith("test/") else ()]
        ]
        client.log_batch(self.run_id, metrics=scores)
        client.finalize_logged_model(own, LoggedModelStatus.READY)


def deliver(store: Store, folder: RunFolder, lock: BaseFileLock) -> None:
    """Send what the store has not got of the run in `folder`, which has ended.

    Args:
        store: where.
        folder: the run's.
        lock: on the folder, held.

    Raises:
        STORE_ERRORS: the store does not take it.
    """
    Tracker(store, folder.read_run_id(), folder, lock).deliver(Outcome.read(folder))


def points_of(line: dict[str, Any]) -> list[Metric]:
    """Return the metrics that a line of the run's journal holds."""
    return [
        Metric(name, value, line["timestamp"], line["step"])
        for name, value in line.items()
        if name not in ("step", "timestamp")
    ]
