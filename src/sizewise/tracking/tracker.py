"""Writing a run to an MLflow store."""

import json
import platform
import socket
import subprocess
import time
import warnings
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any

import mlflow
import numpy as np
from mlflow.entities import Dataset as DatasetEntity
from mlflow.entities import DatasetInput, InputTag, Metric, Param
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import Schema, TensorSpec
from mlflow.utils.validation import (
    MAX_METRICS_PER_BATCH,
    MAX_PARAM_VAL_LENGTH,
    MAX_PARAMS_TAGS_PER_BATCH,
)

from sizewise.tracking.store import Store

FLUSH_SECONDS = 5.0
MODEL_REQUIREMENTS = ("torch", "numpy", "mlflow")
PACKAGE = Path(__file__).parents[1]


@dataclass
class Tracker:
    """One MLflow run, from its start to its end.

    Metrics are gathered and sent in batches, so that tracking costs training next to nothing;
    each is also written to `metrics.jsonl` in the run's folder at once. As a context manager it
    closes the run: FINISHED, KILLED by Ctrl-C, or FAILED with the error as a tag.
    """

    store: Store
    run_id: str
    folder: Path
    _unsent: list[Metric] = field(default_factory=list)
    _sent_at: float = field(default_factory=time.monotonic)

    def log(self, step: int, metrics: dict[str, float]) -> None:
        """Log `metrics` by name at `step`."""
        now = time.time_ns() // 1_000_000
        with (self.folder / "metrics.jsonl").open("a") as file:
            file.write(json.dumps({"step": step, "timestamp": now} | metrics) + "\n")
        self._unsent += [Metric(name, value, now, step) for name, value in metrics.items()]
        if time.monotonic() - self._sent_at > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send what has gathered."""
        while self._unsent:
            batch = self._unsent[:MAX_METRICS_PER_BATCH]
            self.store.client.log_batch(self.run_id, metrics=batch)
            del self._unsent[: len(batch)]
        self._sent_at = time.monotonic()

    def log_config(self, params: dict[str, Any]) -> None:
        """Log `params`; a value longer than MLflow takes is cut, with an ellipsis."""
        entities = [Param(name, _shortened(value)) for name, value in params.items()]
        for start in range(0, len(entities), MAX_PARAMS_TAGS_PER_BATCH):
            batch = entities[start : start + MAX_PARAMS_TAGS_PER_BATCH]
            self.store.client.log_batch(self.run_id, params=batch)

    def log_dataset(self, name: str, fingerprint: str, profile: dict[str, Any]) -> None:
        """Log what the run is trained on, with its sizes and shapes as `profile`."""
        dataset = DatasetEntity(
            name=name,
            digest=fingerprint,
            source_type="sizewise",
            source=json.dumps({"data": name}),
            profile=json.dumps(profile),
        )
        use = InputTag("mlflow.data.context", "training")
        self.store.client.log_inputs(self.run_id, datasets=[DatasetInput(dataset, [use])])

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Copy the file `path` to the run's artifacts."""
        self.store.client.log_artifact(self.run_id, str(path), folder)

    def log_model(self, path: Path, input_shape: tuple[int, ...], code: list[Path]) -> None:
        """Log a saved network as a model that MLflow can serve.

        It is rebuilt from its weights by `sizewise.predict`, nothing is pickled; the package's own
        code goes with it, so that serving needs only PyTorch.

        Args:
            path: what `checkpoint.save_model` wrote.
            input_shape: of one sample, (C, *S).
            code: files or folders that hold classes of the user's own.
        """
        inputs = TensorSpec(np.dtype("float32"), (-1, *input_shape))
        probabilities = TensorSpec(np.dtype("float32"), (-1, -1))
        with warnings.catch_warnings():
            # An example would only repeat the signature, and costs the first run a second.
            warnings.filterwarnings("ignore", message=".*input example was not provided")
            Model.log(
                artifact_path=None,
                name="model",
                flavor=mlflow.pyfunc,
                run_id=self.run_id,
                loader_module="sizewise.predict",
                data_path=str(path),
                code_paths=[str(PACKAGE), *map(str, code)],
                signature=ModelSignature(Schema([inputs]), Schema([probabilities])),
                pip_requirements=[f"{name}=={version(name)}" for name in MODEL_REQUIREMENTS],
            )

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        status = "FINISHED"
        if error is not None:
            status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            tag = f"{type(error).__name__}: {error}"[:MAX_PARAM_VAL_LENGTH]
            self.store.client.set_tag(self.run_id, "error", tag)
        self.flush()
        self.store.client.set_terminated(self.run_id, status)


def start_run(store: Store, name: str, folder: Path, tags: dict[str, str]) -> Tracker:
    """Create an MLflow run and return its tracker.

    Args:
        store: where.
        name: as shown in the UI.
        folder: the run's output folder; a file in it will hold the run's id.
        tags: in addition to those for the code's commit, the versions and the host.
    """
    run = store.client.create_run(store.experiment_id, run_name=name, tags=_environment() | tags)
    (folder / "mlflow_run_id").write_text(f"{run.info.run_id}\n")
    return Tracker(store, str(run.info.run_id), folder)


def start_sweep(store: Store, key: str, name: str, tags: dict[str, str]) -> str:
    """Return the id of the sweep's parent run: that of the same sweep before, or a new one.

    Args:
        store: where.
        key: tells sweeps apart; the same command gives the same key.
        name: as shown in the UI.
        tags: to set on it.
    """
    tags = tags | {"kind": "sweep", "sweep": name, "sweep_key": key}
    before = store.client.search_runs(
        [store.experiment_id], f"tags.sweep_key = '{key}' AND tags.kind = 'sweep'", max_results=1
    )
    if not before:
        run = store.client.create_run(
            store.experiment_id, run_name=name, tags=_environment() | tags
        )
        return str(run.info.run_id)
    run_id = str(before[0].info.run_id)
    store.client.update_run(run_id, status="RUNNING")
    for tag, value in tags.items():
        store.client.set_tag(run_id, tag, value)
    return run_id


def _shortened(value: Any) -> str:
    text = str(value)
    return text if len(text) <= MAX_PARAM_VAL_LENGTH else text[: MAX_PARAM_VAL_LENGTH - 1] + "…"


def git_commit() -> str | None:
    """Return the commit of the code that runs, with `+` where files differ from it."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(PACKAGE), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _environment() -> dict[str, str]:
    commit = git_commit()
    tags = {
        "host": socket.gethostname(),
        "version.python": platform.python_version(),
        **{f"version.{name}": version(name) for name in ("sizewise", "torch", "mlflow")},
    }
    if commit is not None:
        tags |= {
            "mlflow.source.git.commit": commit.rstrip("+"),
            "git.dirty": str(commit.endswith("+")).lower(),
        }
    return tags
